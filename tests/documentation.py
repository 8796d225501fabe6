"""Reads the code blocks of a Markdown page, and runs them as its reader would.

Strategy: a page is one program. Its ```python blocks run in order in one namespace,
with ``await`` allowed at the top level as in a notebook, and every HTTP request
goes to a fake server, whatever address or provider the page names: requests are
readdressed where httpx sends them, so that the page shows real addresses and needs
no network. Only 127.0.0.1 stays what it is, for a page may start servers of its own;
say localhost where a reader's server is meant. Three comments steer it, each on a
line of its own::

    <!-- test: skip: REASON -->     the next block is not run; reasons are declared
    <!-- test: setup                code that readers do not see; `server` is the
    server.script("Hello")          fake server here, and only here
    -->
    <!-- output -->                 the ```text block that follows is, to the letter,
                                    what the python block before it prints
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import sys
import types
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from langchain_streamkit import providers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

SKIP_REASONS = {
    "needs httpx-aiohttp": "with it installed, langsmith imports aiohttp everywhere",
    "needs a key": "a real provider answers; CI has no key",
    "needs a browser": "the block opens a window or a tab",
    "runs until it is stopped": "the block starts a server and does not return",
    "needs a model on this machine": "a real local server answers",
}

# What the fake server serves; a real base URL's path may end before it anywhere.
ENDPOINTS = ("/chat/completions", "/models")


class DocumentationError(AssertionError):
    """A page is not what it says; the message names the line."""


class Server(Protocol):
    """What a page needs to know of the fake server."""

    @property
    def url(self) -> str:
        """Its base URL, with ``/v1``."""


@dataclass
class Block:
    """One piece of code of a page.

    Attributes:
        line: The number of its first line of code, counted from 1.
        source: The code.
        is_setup: True for a hidden block.
        skip: The declared reason for not running it.
        output: What it must print, or None where the page does not say.
    """

    line: int
    source: str
    is_setup: bool = False
    skip: str | None = None
    output: str | None = None


# ── reading ─────────────────────────────────────────────────────────────────────


def read_blocks(text: str) -> list[Block]:
    """The blocks of a page, in order.

    Raises:
        DocumentationError: If a comment is unknown or stands in the wrong place.
    """
    lines = enumerate(text.splitlines(), start=1)
    blocks: list[Block] = []
    skip: str | None = None
    wants_output = False
    for number, line in lines:
        stripped = line.strip()
        if stripped.startswith("```"):
            language = stripped.strip("`").split(" ")[0]
            body = _fence(lines, line, number)
            if wants_output:
                _add_output(blocks, language, body, number)
            elif language == "python":
                blocks.append(Block(number + 1, body, skip=skip))
            elif skip is not None:
                raise DocumentationError(f"line {number}: skip stands before no python")
            skip, wants_output = None, False
        elif stripped == "<!-- output -->":
            wants_output = True
        elif stripped == "<!-- test: setup":
            blocks.append(Block(number + 1, _hidden(lines, number), is_setup=True))
        elif stripped.startswith("<!-- test:"):
            skip = _skip_reason(stripped, number)
        elif stripped and (skip is not None or wants_output):
            raise DocumentationError(f"line {number}: a block must follow the comment")
    return blocks


def _fence(lines: Iterator[tuple[int, str]], opening: str, number: int) -> str:
    indent = len(opening) - len(opening.lstrip())
    ticks = opening.strip()[: len(opening.strip()) - len(opening.strip().lstrip("`"))]
    body: list[str] = []
    for _, line in lines:
        if line.strip() == ticks:
            return "\n".join(body) + "\n"
        body.append(line[indent:] if line[:indent].isspace() else line)
    raise DocumentationError(f"line {number}: the block does not end")


def _hidden(lines: Iterator[tuple[int, str]], number: int) -> str:
    body: list[str] = []
    for _, line in lines:
        if line.strip() == "-->":
            return "\n".join(body) + "\n"
        body.append(line)
    raise DocumentationError(f"line {number}: the setup does not end")


def _add_output(blocks: list[Block], language: str, body: str, number: int) -> None:
    if language != "text" or not blocks or blocks[-1].is_setup or blocks[-1].skip:
        raise DocumentationError(
            f"line {number}: output is a ```text block after a python block that runs"
        )
    blocks[-1].output = body


def _skip_reason(comment: str, number: int) -> str:
    words = comment.removeprefix("<!-- test:").removesuffix("-->").strip()
    verb, _, reason = words.partition(":")
    if verb != "skip" or reason.strip() not in SKIP_REASONS:
        raise DocumentationError(
            f"line {number}: {comment} is not known; skip knows the reasons "
            f"{', '.join(SKIP_REASONS)}"
        )
    return reason.strip()


# ── running ─────────────────────────────────────────────────────────────────────


def run_blocks(blocks: list[Block], name: str, server: Server) -> None:
    """Run a page's blocks as one program.

    Args:
        blocks: What ``read_blocks`` gave.
        name: The page's path, for tracebacks.
        server: The fake server, for hidden blocks.

    Raises:
        DocumentationError: If a block prints something else than the page says.
    """
    module = types.ModuleType("__main__")
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module  # where pydantic looks the page's classes up
    try:
        with asyncio.Runner() as runner:
            for block in blocks:
                if block.skip is None:
                    _run_block(block, name, vars(module), server, runner)
    finally:
        sys.modules["__main__"] = before


def _run_block(
    block: Block,
    name: str,
    namespace: dict[str, Any],
    server: Server,
    runner: asyncio.Runner,
) -> None:
    printed = io.StringIO()
    if block.is_setup:
        namespace["server"] = server
    code = compile(
        "\n" * (block.line - 1) + block.source,  # tracebacks show the page's own lines
        name,
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    with contextlib.redirect_stdout(printed):
        result = eval(code, namespace)
        if inspect.iscoroutine(result):
            runner.run(result)
    if block.is_setup:
        namespace.pop("server", None)
    if (
        block.output is not None
        and printed.getvalue().rstrip() != block.output.rstrip()
    ):
        raise DocumentationError(
            f"{name}, line {block.line}: the block prints\n{printed.getvalue()}\n"
            f"and the page says\n{block.output}"
        )


# ── readdressing ────────────────────────────────────────────────────────────────


def readdress(patch: pytest.MonkeyPatch, server: Server) -> None:
    """Send every request to the server, and hold a key for every provider.

    Args:
        patch: What undoes it.
        server: Where requests go.
    """
    patch.setenv("STREAMKIT_BASE_URL", server.url)
    for name in providers.provider_names():
        for variable in providers.get_provider(name).key_variables:
            patch.setenv(variable, "a-key")
    # A page that registers a provider does so for itself.
    patch.setattr(providers, "_table", dict(providers._table))
    for library in ("httpx", "httpx2"):
        if find_spec(library) is not None:
            _readdress_library(patch, import_module(library), server)


def _readdress_library(
    patch: pytest.MonkeyPatch, library: types.ModuleType, server: Server
) -> None:
    """Patch both places that a request passes: the client's, and the transport's."""
    target = library.URL(server.url)
    for owner, method in (
        (library.Client, "send"),
        (library.AsyncClient, "send"),
        (library.HTTPTransport, "handle_request"),
        (library.AsyncHTTPTransport, "handle_async_request"),
    ):
        original = getattr(owner, method)

        def send(  # no types: four methods' signatures
            self, request, *args, _original=original, **kwargs
        ):
            request.url = readdressed(request.url, target)
            request.headers["Host"] = request.url.netloc.decode("ascii")
            return _original(self, request, *args, **kwargs)

        patch.setattr(owner, method, send)


def readdressed(url: Any, target: Any) -> Any:
    """The same endpoint on the target server.

    Args:
        url: Where a page's request would go.
        target: The fake server's base URL.

    Returns:
        The URL as it is where it points at the target, or at a server that the page
        has started itself; else the target's.
    """
    if url.host == target.host:
        return url
    endpoint = next((e for e in ENDPOINTS if url.path.endswith(e)), url.path)
    return target.copy_with(path=target.path.rstrip("/") + endpoint)
