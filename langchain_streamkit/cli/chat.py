"""Chat with a server on the terminal.

Answers are Markdown that grows, reasoning is dim, and the line below says what it took.
Ctrl-C ends an answer, /help lists what else there is. Where standard input is no
terminal, all of it is one question.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from langchain_streamkit._http.connection import Connection, ConnectionSettings
from langchain_streamkit._http.raw import RawClient, RawRequest
from langchain_streamkit.adapters._files import file_block
from langchain_streamkit.adapters._lazy import extra
from langchain_streamkit.adapters._safe_text import one_line
from langchain_streamkit.chat_models import ChatStreamKit
from langchain_streamkit.cli.probe_failures import no_models
from langchain_streamkit.cli.probe_reading import read_models
from langchain_streamkit.errors import ConfigurationError, ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from langchain_streamkit.cli._chat_session import Session

__all__ = ["add_arguments", "run"]

_LIST_SECONDS = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: The sub-command's own parser.
    """
    add = parser.add_argument
    add("url", metavar="URL", nargs="?", help="the address, before /chat/completions")
    add("--model", metavar="M", help="the model; else the first that the server lists")
    add("--provider", metavar="NAME", help="a server by its name, instead of a URL")
    add("--system", metavar="TEXT", default="", help="what the model is told first")
    add(
        "--image",
        metavar="PATH",
        action="append",
        default=[],
        help="a picture (or a file) that goes with the first question; may be repeated",
    )
    add(
        "--api-key-variable",
        metavar="NAME",
        help="the environment variable with the key; else the one of the host's row",
    )
    add(
        "--prices",
        metavar="IN,OUT",
        type=_prices,
        help="USD for a million tokens of input and of output, for the cost",
    )
    add("--no-reasoning", action="store_true", help="do not show what it thinks")
    add("--plain", action="store_true", help="show text as it comes, not as Markdown")


def run(options: argparse.Namespace) -> int:
    """Hold a conversation, or answer one question.

    Args:
        options: The parsed arguments.

    Returns:
        0.

    Raises:
        StreamKitError: If there is no model, or the one question was not answered.
    """
    session = _make_session(options)
    if not sys.stdin.isatty():
        session.use(session.model_name)
        return 0 if session.ask(sys.stdin.read().rstrip()) else 1
    with contextlib.suppress(ImportError):
        import_module("readline")  # line editing, where Python has it
    where = options.url or options.provider
    place = f" at {where}" if where else ""
    session.say(one_line(f"{session.model_name}{place} · /help lists commands"))
    session.run()
    return 0


def _make_session(options: argparse.Namespace) -> Session:
    try:
        with extra("rich"):
            from rich.console import Console  # noqa: PLC0415

            from langchain_streamkit.cli._chat_session import (  # noqa: PLC0415
                Session,
                Settings,
            )
    except ImportError as error:
        raise ConfigurationError(str(error)) from error
    server = _Server(options)
    out, err = Console(), Console(stderr=True)
    settings = Settings(
        make_model=server.model,
        list_models=server.list_models,
        read=_read_line,
        out=out,
        err=err,
        reasoning=not options.no_reasoning,
        markdown=not options.plain,
        quiet=_without_echo,
    )
    try:
        attached = [file_block(path) for path in options.image]
    except (OSError, ValueError) as error:
        raise ConfigurationError(str(error)) from error
    name = options.model or server.list_models()[0]
    return Session(settings, name, system=options.system, attached=attached)


class _Server:
    """Where the models are."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._where: dict[str, Any] = {
            "base_url": options.url,
            "provider": options.provider,
        }
        variable = options.api_key_variable
        if variable:
            key = os.environ.get(variable)
            if not key:
                raise ConfigurationError(f"The environment has no {variable}.")
            self._where["api_key"] = SecretStr(key)
        self._prices = options.prices

    def model(self, name: str) -> ChatStreamKit:
        """The model of a name."""
        prices = {"prices": self._prices} if self._prices else {}
        return ChatStreamKit(model=name, **self._where, **prices)

    def list_models(self) -> list[str]:
        """The names that the server tells; never none."""
        connection = Connection(ConnectionSettings(**self._where))
        with RawClient(connection, seconds=_LIST_SECONDS) as client:
            [answer] = client.ask([RawRequest()])
            if isinstance(answer.failure, ConnectionFailedError) and not answer.status:
                raise answer.failure
            names = [name for name, _ in read_models(answer, client.hide)]
            if not names:
                raise no_models(answer, client, connection.key_variable)
        return names


def _prices(text: str) -> dict[str, float]:
    try:
        given, made = (float(part) for part in text.split(","))
    except ValueError:
        message = "two numbers with a comma between them, as 0.15,0.60"
        raise argparse.ArgumentTypeError(message) from None
    return {"input": given, "output": made}


def _read_line(prompt: str) -> str:
    """A line from the user; the prompt never lands among the answers in a file."""
    if sys.stdout.isatty():
        return input(prompt)
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


@contextlib.contextmanager
def _without_echo() -> Generator[None]:
    """Let the terminal not write what is typed, ^C above all, into what is drawn."""
    try:
        import termios  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin.fileno())
    quiet = termios.tcgetattr(sys.stdin.fileno())
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
