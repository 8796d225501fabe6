"""TOON for prompts: data in fewer tokens, and what they come to.

Strategy: ``toon-format``, the format's own Python library, does the writing; here
are what a prompt needs around it (frames, a fence), and the comparison, which counts
with the counter it is given and so needs no tokenizer of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_core.runnables import Runnable, RunnableLambda

from langchain_streamkit._langchain.extras import import_extra
from langchain_streamkit.blocks._tables import (
    fence,
    plain,
    table_of,
    write_csv,
    write_markdown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FormatSize", "compare_formats", "to_toon", "toon_encoder"]

Delimiter = Literal[",", "\t", "|"]


def to_toon(data: object, *, delimiter: Delimiter = ",", fenced: bool = False) -> str:
    r"""Write data as TOON, for a prompt.

    It is a plain function, so it stands in a chain as it is:
    ``{"data": to_toon, ...} | prompt | model``. Encode once for many questions.

    Args:
        data: Objects, lists, Pydantic models, dataclasses, dates, or a pandas
            frame. NaN and infinity become null, as the format wants it.
        delimiter: What stands between the values of a row; a tab is often cheaper.
        fenced: Whether to put it in a code fence, which tells a model what it is.

    Returns:
        The document, without a line end.

    Raises:
        TypeError: If a value has no form in TOON.
        ImportError: If the extra ``toon`` is missing.

    Example:
        >>> print(to_toon({"cities": [{"id": 1, "name": "Oslo"}]}))
        cities[1]{id,name}:
          1,Oslo
    """
    toon = import_extra("toon_format", "toon")
    value: Any = table_of(data).records if _is_frame(data) else data
    text = str(toon.dumps(value, delimiter=delimiter, default=_default))
    return fence(text, "toon") if fenced else text


def toon_encoder(
    *, delimiter: Delimiter = ",", fenced: bool = False
) -> Runnable[Any, str]:
    r"""``to_toon`` as a Runnable, with its options set.

    Args:
        delimiter: See ``to_toon``.
        fenced: See ``to_toon``.

    Example:
        >>> toon_encoder(fenced=True).invoke([1, 2])
        '```toon\n[2]: 1,2\n```'
    """

    def encode(data: object) -> str:
        return to_toon(data, delimiter=delimiter, fenced=fenced)

    return RunnableLambda(encode, name="to_toon")


@dataclass(frozen=True, slots=True)
class FormatSize:
    """What some data costs in one format.

    Attributes:
        format: ``"toon"``, ``"toon_tabs"``, ``"json"`` (compact), ``"json_indented"``,
            ``"csv"`` or ``"markdown"``.
        tokens: By the counter that was given.
        ratio: Tokens in proportion to compact JSON; 0.6 saves 40 %.
        text: The data in this format.
    """

    format: str
    tokens: int
    ratio: float
    text: str


def compare_formats(data: object, counter: Callable[[str], int]) -> list[FormatSize]:
    """Count what the same data costs in each format.

    Args:
        data: What ``to_toon`` takes. Rows of plain values are also counted as CSV and
            as a Markdown table.
        counter: Counts the tokens of a text, such as ``model.get_num_tokens``.

    Returns:
        The formats, the cheapest first.

    Raises:
        TypeError: If the data has no form in JSON.
        ImportError: If the extra ``toon`` is missing.

    Example:
        >>> rows = [{"id": n, "city": "Bergen"} for n in range(20)]
        >>> [size.format for size in compare_formats(rows, len)][-1]
        'json_indented'
    """
    value = plain(table_of(data).records if _is_frame(data) else _dumped(data))
    texts = {
        "toon": to_toon(value),
        "toon_tabs": to_toon(value, delimiter="\t"),
        "json": json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        "json_indented": json.dumps(value, ensure_ascii=False, indent=2),
    }
    if _is_flat(value):
        table = table_of(value)
        texts |= {"csv": write_csv(table), "markdown": write_markdown(table)}
    counts = {name: counter(text) for name, text in texts.items()}
    base = max(counts["json"], 1)
    sizes = [
        FormatSize(name, counts[name], counts[name] / base, text)
        for name, text in texts.items()
    ]
    return sorted(sizes, key=lambda size: size.tokens)


def _is_frame(data: object) -> bool:
    return hasattr(data, "iloc")


def _default(value: Any) -> Any:
    """What TOON takes in place of a value that it does not know."""
    if _is_frame(value):
        return table_of(value).records
    if hasattr(value, "tolist") or type(value).__name__ in {"NAType", "NaTType"}:
        return plain(value)
    raise TypeError(f"{type(value).__name__} cannot be written as TOON")


def _dumped(data: object) -> Any:
    """The data as TOON would keep it, in plain values."""
    toon = import_extra("toon_format", "toon")
    return toon.loads(toon.dumps(data, default=_default))


def _is_flat(value: object) -> bool:
    """Whether it is rows of plain values under the same names."""
    if not isinstance(value, list) or not value:
        return False
    if not all(isinstance(row, dict) for row in cast("list[object]", value)):
        return False
    rows = cast("list[dict[str, object]]", value)
    fields = (field for row in rows for field in row.values())
    has_same_names = all(row.keys() == rows[0].keys() for row in rows)
    return has_same_names and not any(isinstance(f, dict | list) for f in fields)
