"""The ``streamkit`` command: finds the sub-command and runs it.

Strategy: a table of sub-commands, each a module of this package with the two
functions of ``Command``. Only the one that is asked for is imported, so that
``streamkit --help`` costs nothing, and adding a sub-command is one line here.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from langchain_streamkit._version import __version__
from langchain_streamkit.errors import StreamKitError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Command", "main"]

COMMANDS: dict[str, str] = {
    "chat": "talk with a server on the terminal",
    "compare": "send the same answer through several clients, and see what each lost",
    "probe": "ask a server what it can do, and print the ChatStreamKit(...) to use",
    "serve": "serve a model as an OpenAI-compatible API, to any client",
}
"""Each sub-command, which is the module of that name beside this one, in one line."""


class Command(Protocol):
    """What the module of a sub-command offers; its docstring is the help's text."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments.

        Args:
            parser: The sub-command's own parser.
        """

    def run(self, options: argparse.Namespace) -> int:
        """Do the work.

        Args:
            options: The parsed arguments.

        Returns:
            The exit status.

        Raises:
            StreamKitError: If it cannot; ``main`` prints the message.
        """
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The command line without the program's name; None for the real
            one.

    Returns:
        The exit status: 0 for success, 1 for a failure that was reported.

    Raises:
        SystemExit: After help, after the version, and with status 2 for a command
            line that is wrong.

    Example:
        >>> main(["compare", "--help"])
        Traceback (most recent call last):
        SystemExit: 0
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else ""
    if name not in COMMANDS:
        _refuse(given)
    command = cast("Command", import_module(f"{__package__}.{name}"))
    parser = argparse.ArgumentParser(
        prog=f"streamkit {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    options = parser.parse_intermixed_args(given[1:])
    try:
        return command.run(options)
    except StreamKitError as error:
        print(f"streamkit {name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _refuse(given: Sequence[str]) -> NoReturn:
    """Answer a command line that names no sub-command, and leave."""
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="streamkit",
        description=f"Tools around ChatStreamKit.\n\ncommands:\n{listing}",
        epilog="`streamkit COMMAND --help` has more.",
        usage="streamkit [-h] [--version] COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args(given)
    what = f"no command {options.command!r}." if options.command else "which command?"
    parser.error(f"{what} There are: {', '.join(COMMANDS)}.")


if __name__ == "__main__":
    sys.exit(main())
