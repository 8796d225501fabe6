"""Write the table of servers into a page: ``python -m langchain_streamkit.providers``.

Example:
    Refresh the page of the documentation::

        python -m langchain_streamkit.providers docs/providers.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers._markdown import insert_table, render_table

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Write the table between the markers of each page, or to standard output.

    Args:
        arguments: Paths of Markdown pages; none of them to print the table.

    Returns:
        The exit status: 0, or 1 with what is wrong on standard error.
    """
    if not arguments:
        sys.stdout.write(render_table())
        return 0
    try:
        for path in map(Path, arguments):
            path.write_text(insert_table(path.read_text("utf-8")), "utf-8")
    except (ConfigurationError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
