"""``dataframe_block``: rows become text that a model reads well.

Strategy: a frame of any library is first a plain table of columns and rows, of which
no more is taken than is shown; then a table is written in the format asked for. What
is left out is said in the text, for a model that counts rows must know.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["Table", "dataframe_block", "fence", "plain", "table_of", "write_csv"]

TableFormat: TypeAlias = Literal["markdown", "csv", "json", "toon"]


@dataclass(slots=True)
class Table:
    """Rows of plain values.

    Attributes:
        columns: The names of the columns.
        rows: The rows that are shown, each with a value for each column.
        total: How many rows there are.
    """

    columns: list[str]
    rows: list[list[Any]]
    total: int

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as objects."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def dataframe_block(
    frame: object,
    *,
    format: TableFormat = "markdown",  # noqa: A002 - the plain word for it
    max_rows: int | None = 100,
    title: str = "",
) -> dict[str, Any]:
    """Make a text block of a table.

    Args:
        frame: A pandas frame or series, a list of objects, or an
            object of columns. An index that
            has a name, or is more than row numbers, becomes columns.
        format: ``"markdown"``, or ``"csv"``, ``"json"`` or ``"toon"`` in a code fence.
        max_rows: How many rows to show at the most; None for all. The text says how
            many there are.
        title: A line to put before the table.

    Returns:
        ``{"type": "text", "text": ...}``.

    Raises:
        TypeError: If it is no table.
        ImportError: If the format is ``"toon"`` and the extra is missing.

    Example:
        >>> rows = [{"city": "Bergen", "rain": 8}, {"city": "Oslo", "rain": None}]
        >>> print(dataframe_block(rows, format="csv", max_rows=1)["text"])
        ```csv
        city,rain
        Bergen,8
        ```
        (The first 1 of 2 rows.)
    """
    if format not in _WRITERS:
        raise ValueError(
            f"format is {format!r}; it must be one of {', '.join(_WRITERS)}"
        )
    table = table_of(frame, max_rows)
    parts = [title] if title else []
    parts.append(_WRITERS[format](table))
    if len(table.rows) < table.total:
        parts.append(f"(The first {len(table.rows)} of {table.total} rows.)")
    return {"type": "text", "text": "\n".join(parts)}


def table_of(frame: Any, max_rows: int | None = None) -> Table:
    """Read a table of any library.

    Args:
        frame: See ``dataframe_block``.
        max_rows: How many rows to take at the most.

    Raises:
        TypeError: If it is no table.
    """
    name = type(frame).__name__
    if hasattr(frame, "iloc") and hasattr(frame, "to_frame"):  # a series
        frame = frame.to_frame()
    if hasattr(frame, "iloc"):
        return _table_of_pandas(frame, max_rows)
    if isinstance(frame, dict):
        table = _table_of_columns(cast("dict[Any, Any]", frame), max_rows)
        if table is not None:
            return table
    elif _is_list(frame) and all(isinstance(row, Mapping) for row in frame):
        records: Sequence[Mapping[Any, Any]] = frame
        names = list(dict.fromkeys(name for record in records for name in record))
        rows = [[record.get(name) for name in names] for record in records[:max_rows]]
        return _table(names, rows, len(records))
    raise TypeError(
        f"{name} is no table: give a frame, a list of objects, or an "
        "object of columns of one length"
    )


def _table_of_columns(columns: dict[Any, Any], max_rows: int | None) -> Table | None:
    """The table, if they are columns of one length."""
    if not all(map(_is_list, columns.values())):
        return None
    if len({len(column) for column in columns.values()}) != 1:
        return None
    rows = list(zip(*columns.values(), strict=True))
    return _table(list(columns), rows[:max_rows], len(rows))


def _table_of_pandas(frame: Any, max_rows: int | None) -> Table:
    total = len(frame)
    head = frame if max_rows is None else frame.iloc[:max_rows]
    is_numbered = frame.index.name is None and frame.index.inferred_type == "integer"
    if not is_numbered:
        head = head.reset_index(names=_index_names(frame))
    columns = [
        "/".join(map(str, cast("tuple[object, ...]", name)))
        if isinstance(name, tuple)
        else name
        for name in head.columns
    ]
    return _table(columns, head.itertuples(index=False, name=None), total)


def _index_names(frame: Any) -> list[str]:
    taken = set(map(str, frame.columns))
    names = [str(name or f"index{n or ''}") for n, name in enumerate(frame.index.names)]
    return [f"{name} (index)" if name in taken else name for name in names]


def _table(columns: list[Any], rows: Any, total: int) -> Table:
    names = [str(column) for column in columns]
    return Table(names, [[plain(value) for value in row] for row in rows], total)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def plain(value: Any) -> Any:
    """A value as JSON could hold it: nothing for what is missing, text for dates."""
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return plain(value.tolist())
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN alone does
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {str(name): plain(field) for name, field in fields.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in cast("list[Any]", value)]
    return str(value)


# ── writing ─────────────────────────────────────────────────────────────────────


def fence(text: str, language: str) -> str:
    """The text in a code fence that nothing in it can close.

    Example:
        >>> print(fence("a: 1", "toon"))
        ```toon
        a: 1
        ```
    """
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def write_csv(table: Table) -> str:
    """The table as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return buffer.getvalue().rstrip("\n")


def write_markdown(table: Table) -> str:
    """The table as Markdown; what would end a cell is escaped."""
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split("\n"))


def _write_json(table: Table) -> str:
    return fence(json.dumps(table.records, ensure_ascii=False), "json")


def _write_toon(table: Table) -> str:
    from langchain_streamkit.blocks._toon import to_toon  # noqa: PLC0415 - its extra

    return to_toon(table.records, fenced=True)


_WRITERS: dict[str, Callable[[Table], str]] = {
    "markdown": write_markdown,
    "csv": lambda table: fence(write_csv(table), "csv"),
    "json": _write_json,
    "toon": _write_toon,
}
