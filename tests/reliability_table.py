"""What becomes of each fault, here and with ``ChatOpenAI``: ``make faults``.

Both models read the same servers of ``tests/unit_tests/reliability/cases.py``, one
fault at a time, without retries. A fault is handled if the reader gets the whole
answer where there is one to be had, and otherwise, in time, an error of
langchain-core's ``ModelError`` family, after all the text that came before. The
table is printed, and written into ``docs/reliability.md``.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import ModelError

from langchain_streamkit import ChatStreamKit
from tests.unit_tests.reliability.cases import CASES, CLOCK_SECONDS, MOMENTS
from tests.unit_tests.reliability.running import (
    HEADERS,
    KEY,
    PROMPT,
    read,
    staged,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_core.language_models import BaseChatModel

    from tests.unit_tests.reliability.cases import Case, Ending, Moment
    from tests.unit_tests.reliability.running import Seen, Stage

__all__ = ["HANDLED", "PAGE", "Row", "main", "read_table", "refresh", "render"]

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
HANDLED = "yes"
_MARKS = re.compile(r"(<!-- faults -->\n).*?(<!-- faults: end -->)", re.DOTALL)
_HEAD = ("", "Fault", "Here", "`ChatOpenAI`, before content", "after two words")
_SLACK_SECONDS = 0.3
_NEVER = "-"  # a fault that cannot happen then
Verdicts = dict[str, str]
"""By moment."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, as the table tells it.

    Attributes:
        number: Its number in the catalogue.
        name: What happens.
        here: What this package makes of it.
        there: What ``ChatOpenAI`` makes of it.
    """

    number: int
    name: str
    here: Verdicts
    there: Verdicts

    @property
    def cells(self) -> tuple[str, ...]:
        """The row in words."""
        mine = [word for word in self.here.values() if word != HANDLED] or [HANDLED]
        others = (self.there.get(moment, _NEVER) for moment in MOMENTS)
        return str(self.number), self.name, mine[0], *others


def ours(url: str, case: Case) -> BaseChatModel:
    """This package's model."""
    return ChatStreamKit(
        model="fake",
        base_url=url,
        api_key=KEY,
        default_headers=HEADERS,
        max_retries=0,
        **case.parameters,
    )


def theirs(url: str, case: Case) -> BaseChatModel:
    """``ChatOpenAI``, with the clocks that it has where a case is about clocks."""
    from langchain_openai import ChatOpenAI

    has_clock = any(name.endswith("timeout") for name in case.parameters)
    given: dict[str, Any] = {"timeout": CLOCK_SECONDS} if has_clock else {}
    return ChatOpenAI(
        model="fake",
        base_url=url,
        api_key=KEY,
        default_headers=HEADERS,
        max_retries=0,
        **given,
    )


def verdict(
    case: Case, moment: Moment, make: Callable[[str, Case], BaseChatModel]
) -> str:
    """What a model makes of a fault, in a few words."""
    ending = case.ending(moment)
    assert ending is not None
    with staged(case, moment) as stage:
        seen = read(make(stage.url, case))
        return _judge(case, ending, seen, stage)


def _judge(case: Case, ending: Ending, seen: Seen, stage: Stage) -> str:
    has_clock = any(name.endswith("timeout") for name in case.parameters)
    if stage.elsewhere.requests:
        has_prompt = PROMPT.encode() in stage.elsewhere.requests[0].raw
        return f"no: {'the prompt' if has_prompt else 'a request'} is sent there"
    if ending.error is None and seen.error is not None:
        return f"no: {type(seen.error).__name__}"
    if ending.error is not None and seen.error is None:
        if has_clock:
            return "no: it waits on"
        return f"no: taken for {'a whole' if seen.text else 'an empty'} answer"
    if seen.text != ending.text:
        return "no: text is missing"
    if seen.error is not None and not isinstance(seen.error, ModelError):
        return f"no: a bare {type(seen.error).__name__}"
    if has_clock and seen.seconds > CLOCK_SECONDS + _SLACK_SECONDS:
        return "no: too late"
    return HANDLED


def rows() -> Iterator[Row]:
    """One for each fault."""
    for case in CASES:
        moments = [moment for moment in MOMENTS if case.ending(moment) is not None]
        here, there = (
            {moment: verdict(case, moment, make) for moment in moments}
            for make in (ours, theirs)
        )
        yield Row(case.row, case.name, here, there)


def render(found: list[Row]) -> str:
    """The table, and its totals."""
    lines = [_HEAD, tuple("---" for _ in _HEAD), *(row.cells for row in found)]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    here = [word for row in found for word in row.here.values()]
    there = [word for row in found for word in row.there.values()]
    versions = f"langchain-openai {version('langchain-openai')}"
    return (
        f"{table}\nHandled of {len(here)}: {here.count(HANDLED)} here, "
        f"{there.count(HANDLED)} by `ChatOpenAI` ({versions}, openai "
        f"{version('openai')}).\n"
    )


def refresh(page: str, table: str) -> str:
    """The page with another table."""
    return _MARKS.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", page)


def read_table(page: str) -> list[tuple[str, ...]]:
    """The cells of a page's table, without its head."""
    found = _MARKS.search(page)
    lines = found[0].splitlines() if found else []
    cells = [tuple(line[2:-2].split(" | ")) for line in lines if line[:1] == "|"]
    return cells[2:]


def main() -> int:
    """Print the table, and write it into the page; 1 if a fault is not handled here."""
    found = list(rows())
    table = render(found)
    sys.stdout.write(table)
    page = PAGE.read_text("utf-8")
    PAGE.write_text(refresh(page, table), "utf-8")
    return 0 if all(row.cells[2] == HANDLED for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
