"""The flight recorder: each exchange with a server becomes a file of its own.

Strategy: the file is written while the answer comes, by one system call a read, so
that it is there whatever happens to the program. What lets a request in is taken out
before it is written: values of headers and of the query, the key, the user's own
fields of the body, wherever the server quotes them. What was asked and answered
stays, for without it a recording explains nothing. A disk that fails costs a warning
and never the stream.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx

from langchain_streamkit._http.faults import how_it_broke
from langchain_streamkit._wire.recordings import (
    SUFFIX,
    Ending,
    render_end,
    render_head,
    render_read,
    render_request,
)
from langchain_streamkit._wire.scrubbing import HIDDEN, Read, Scrubber, parts_of
from langchain_streamkit.errors import ConfigurationError, StreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from langchain_streamkit._http.call import Call, Runtime

__all__ = ["Recorder", "check_folder"]

_SHOWN_REQUEST_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length"),
        *("content-type", "host", "user-agent"),
    }
)
_HIDDEN_RESPONSE_HEADERS = frozenset(
    {
        *("authorization", "cookie", "set-cookie", "api-key", "x-api-key"),
        *("openai-organization", "openai-project"),
    }
)
_HOW: dict[str, Ending] = {
    "connection reset": "reset",
    "connection closed early": "cut",
    "broken HTTP": "broken",
}
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_logger = logging.getLogger(__name__)
_numbers = count(1)
_warned: set[str] = set()


def check_folder(record: object, *, is_new: bool = False) -> str | None:
    """The folder that the parameter names.

    Args:
        record: What the user gave.
        is_new: Whether to look if a file is in its place; during a call that would
            be a failing disk, which is no reason to fail.

    Returns:
        Its path, or None for no recordings.

    Raises:
        ConfigurationError: If it is no path of a folder.
    """
    if record is None:
        return None
    is_path = isinstance(record, os.PathLike)
    path = os.fspath(cast("os.PathLike[str]", record)) if is_path else record
    if not isinstance(path, str):
        message = (
            "record must be the path of a folder, as str or Path, not "
            f"{type(record).__name__}: record='recordings'."
        )
        raise ConfigurationError(message)
    if not path.strip() or "\0" in path:
        message = f"record={path!r} is no path of a folder: record='recordings'."
        raise ConfigurationError(message)
    folder = Path(path)
    with suppress(RuntimeError):  # a home that nobody knows
        folder = folder.expanduser()
    if is_new and _is_file(folder):
        message = f"record={path!r} is a file. Give the path of a folder."
        raise ConfigurationError(message)
    return str(folder)


class Recorder:
    """Writes one exchange, from its request to its end.

    Args:
        call: The call; its ``record`` is the folder.
        request: The request as it goes out.
        hidden: The secrets of the call.
        runtime: The clocks.
    """

    def __init__(
        self,
        call: Call,
        request: httpx.Request,
        hidden: Iterable[str],
        runtime: Runtime,
    ) -> None:
        own = {name.lower() for name in call.endpoint.headers}
        secret_headers = {
            name
            for name in request.headers
            if name in own or name not in _SHOWN_REQUEST_HEADERS
        }
        self._now = runtime.monotonic
        self._started = runtime.monotonic()
        self._has_head = self._is_read = self._has_ended = False
        self._origin = request.url.copy_with(raw_path=b"/")
        self._scrubber = Scrubber(
            {
                *hidden,
                *(
                    part
                    for name in secret_headers
                    for part in parts_of(request.headers[name])
                ),
                *_secrets_in(call.hidden_fields, call.model),
            }
        )
        self._folder = call.record or ""
        self._process = os.getpid()
        started = runtime.wall_clock()
        self._file: int | None = self._opened(started)
        if self._file is not None:
            line = self._request(call, request, secret_headers)
            self._write(render_request(line, started=_moment(started).isoformat()))

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Record the head of the response.

        Args:
            status: The HTTP status.
            headers: Its headers.
        """
        self._has_head = True
        shown = {
            name.lower(): HIDDEN
            if name.lower() in _HIDDEN_RESPONSE_HEADERS
            else self._scrubber.hide(self._own_path(name, value))
            for name, value in headers.items()
        }
        self._write(render_head(self._seconds(), status, shown))

    def read(self, data: bytes) -> None:
        """Record what one read gave.

        Args:
            data: The bytes, decompressed.
        """
        if self._file is not None and data:
            for read in self._scrubber.feed(Read(self._seconds(), data)):
                self._write(render_read(read))

    def finish_reading(self) -> None:
        """Note that the response was read to its end."""
        self._is_read = True

    def end(self, error: Exception | None, shown: Exception | None = None) -> None:
        """Record how it ended, and close the file; only the first call counts.

        Args:
            error: What ended the attempt badly, if anything did.
            shown: The error that the caller would get for it.
        """
        how: Ending = "complete" if self._is_read else self._how(error)
        self._end(how, type(shown).__name__ if shown is not None else None)

    def leave(self) -> None:
        """Record that the reader went away, unless it has ended before."""
        self._end("left", None)

    def __del__(self) -> None:
        self._close()

    def _seconds(self) -> float:
        return self._now() - self._started

    def _end(self, how: Ending, error: str | None) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        for read in self._scrubber.flush():
            self._write(render_read(read))
        self._write(render_end(self._seconds(), how, error))
        self._close()

    def _how(self, error: Exception | None) -> Ending:
        if isinstance(error, _NO_CONNECTION):
            return "unreachable"
        if isinstance(error, StreamTimeoutError | httpx.TimeoutException):
            return "stalled"
        if isinstance(error, zlib.error | httpx.DecodingError):
            return "garbled"
        if isinstance(error, httpx.HTTPError | OSError):
            other: Ending = "cut" if self._has_head else "unreachable"
            return _HOW.get(how_it_broke(error), other)
        return "stopped"

    def _request(
        self, call: Call, request: httpx.Request, secret_headers: set[str]
    ) -> dict[str, Any]:
        url = request.url
        names = "&".join(f"{name}={HIDDEN}" for name in url.params)
        plain = url.copy_with(username=None, password=None, query=None, fragment=None)
        address = self._scrubber.hide(f"{plain}{'?' if names else ''}{names}")
        body = json.loads(request.content)
        hidden = dict.fromkeys(body.keys() & call.hidden_fields.keys(), HIDDEN)
        return {
            "method": request.method,
            "url": address,
            "headers": {
                name: HIDDEN if name in secret_headers else value
                for name, value in request.headers.items()
            },
            "body": self._scrubbed({**body, **hidden}),
        }

    def _scrubbed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._scrubber.hide(value)
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {
                self._scrubber.hide(name): self._scrubbed(item)
                for name, item in fields.items()
            }
        if isinstance(value, list):
            return [self._scrubbed(item) for item in cast("list[Any]", value)]
        return value

    def _own_path(self, name: str, value: str) -> str:
        """A redirect within the server, without its address: a replay has another."""
        if name.lower() != "location":
            return value
        with suppress(httpx.InvalidURL, ValueError):
            target = self._origin.join(value)
            if target.copy_with(raw_path=b"/", fragment=None) == self._origin:
                return target.raw_path.decode("ascii", "replace")
        return value

    def _opened(self, started: float) -> int | None:
        stamp = f"{_moment(started):%Y%m%dT%H%M%S.%fZ}"
        number = f"{os.getpid()}-{next(_numbers):06}-{secrets.token_hex(3)}"
        folder = Path(self._folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / f"{stamp}-{number}{SUFFIX}"
            return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600)
        except (OSError, ValueError) as error:
            self._warn(error)
            return None

    def _write(self, line: bytes) -> None:
        if self._file is None or self._process != os.getpid():
            return  # a forked child leaves its parent's file alone
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            self._warn(error)
            self._close()

    def _close(self) -> None:
        file, self._file = getattr(self, "_file", None), None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _warn(self, error: Exception) -> None:
        if self._folder in _warned:
            return
        _warned.add(self._folder)
        reason = getattr(error, "strerror", None) or type(error).__name__
        _logger.warning(
            "Exchanges are not recorded in %s: %s. The answers are not affected.",
            self._folder,
            reason,
        )


def _is_file(path: Path) -> bool:
    with suppress(OSError):
        return path.exists() and not path.is_dir()
    return False


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _secrets_in(value: object, model: str) -> Iterator[str]:
    """The texts in the user's own fields that could not be any word of an answer."""
    if isinstance(value, str):
        if value != model:
            yield from (part for part in parts_of(value) if part == value)
    elif isinstance(value, dict):
        for item in cast("dict[object, object]", value).values():
            yield from _secrets_in(item, model)
    elif isinstance(value, list | tuple):
        for item in cast("list[object]", value):
            yield from _secrets_in(item, model)
