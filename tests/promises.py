"""What can be done with a stream, where it is shown, and the tests that prove it.

``promises.toml`` has one row for each row of the table that the five documents of
``tests/seeds`` came to.
``python -m tests.promises`` writes the table into ``docs/promises.md``, and
``tests/unit_tests/test_seed_promises.py`` fails when a row names no test that is there.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE", "PROMISES", "Promise", "main", "read", "refresh", "render"]

PAGE = Path(__file__).parent.parent / "docs" / "promises.md"
TABLE = Path(__file__).parent / "promises.toml"
_MARKS = re.compile(r"(<!-- promises -->\n).*?(<!-- promises: end -->)", re.DOTALL)
_HEAD = "| You can | By | Shown in | Proved by |\n| --- | --- | --- | --- |\n"
_TESTS = "tests/unit_tests/"


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that can be done.

    Attributes:
        key: How the row of the documents' table begins that it answers to.
        can: What can be done.
        by: The means.
        page: The page that shows it, under ``docs``.
        tests: The tests that prove it, as paths under ``tests/unit_tests`` (or from
            the root) and names.
    """

    key: str
    can: str
    by: str
    page: str
    tests: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The tests with their paths from the root."""
        return tuple(t if t[:6] == "tests/" else f"{_TESTS}{t}" for t in self.tests)


def read() -> tuple[Promise, ...]:
    """The rows."""
    rows = tomllib.loads(TABLE.read_text("utf-8"))["promise"]
    return tuple(Promise(**{**row, "tests": tuple(row["tests"])}) for row in rows)


PROMISES = read()


def render(promises: tuple[Promise, ...] = PROMISES) -> str:
    """The table, in Markdown."""
    return _HEAD + "".join(
        f"| {p.can} | {p.by} | [{_title(p.page)}]({p.page}) | {_names(p)} |\n"
        for p in promises
    )


def refresh(page: str) -> str:
    """The page with the table as it is now."""
    return _MARKS.sub(lambda found: f"{found[1]}\n{render()}\n{found[2]}", page)


def main() -> int:
    """Write the table into the page."""
    PAGE.write_text(refresh(PAGE.read_text("utf-8")), "utf-8")
    return 0


def _title(page: str) -> str:
    text = (PAGE.parent / page).read_text("utf-8")
    return text.partition("\n")[0].removeprefix("# ")


def _names(promise: Promise) -> str:
    """The tests, each file named once."""
    files: dict[str, list[str]] = {}
    for path in promise.paths:
        file, _, name = path.partition("::")
        files.setdefault(file.removeprefix(_TESTS), []).append(f"`{name}`")
    return "; ".join(f"{file}: {', '.join(names)}" for file, names in files.items())


if __name__ == "__main__":
    sys.exit(main())
