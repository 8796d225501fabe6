"""What only the server may see: keys, header and query values, prompts.

Strategy: our own messages never hold them, but a server may quote what it was sent,
and httpx logs the address of each request. So texts of errors are searched for the
secrets of their call, as they are and as JSON writes them, and httpx's log shows the
names of query values alone.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from langchain_streamkit._http.call import Call
    from langchain_streamkit.errors import StreamKitError

__all__ = ["PrivateURL", "Secrets"]

HIDDEN = "[hidden]"
_SHORTEST = 6
_SHORTEST_PROMPT = 12
_CUT = "…"
_HEAD = 32  # so much of a long one is enough to know it by, wherever it is cut


class Secrets:
    """Hides the secrets of one call in texts of strangers.

    Args:
        call: The call.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._key: SecretStr | None = None

    def use_key(self, key: SecretStr | None) -> None:
        """Hide this key, too.

        Args:
            key: The key of the attempt under way.
        """
        self._key = key

    def hide(self, text: str) -> str:
        """A text without the secrets.

        Args:
            text: Any text.

        Returns:
            The same, with ``[hidden]`` in their places.
        """
        for secret in self._secrets():
            for form in _forms(secret):
                text = _without(text, form)
        return text

    def hide_in(self, error: StreamKitError) -> None:
        """Hide the secrets in all texts of an error.

        Args:
            error: The error, which is changed.
        """
        error.args = tuple(
            self.hide(part) if isinstance(part, str) else part for part in error.args
        )
        for name in ("body", "code", "param"):
            text = getattr(error, name)
            if text:
                setattr(error, name, self.hide(text))

    def bare(self, error: StreamKitError, where: str) -> StreamKitError:
        """An error as its user may see it: without secrets, causes and frames.

        Args:
            error: The error, which is changed.
            where: The server and the model, put in front where the message names none.

        Returns:
            The error.
        """
        if self._call.endpoint.host not in error.message:
            error.args = (f"{where}: {error.message}",)
        self.hide_in(error)
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)

    def values(self) -> Iterator[str]:
        """The key and the values of headers and of the query, as they are.

        Yields:
            Texts of six characters at least.
        """
        endpoint = self._call.endpoint
        version = endpoint.query.get("api-version")
        key = self._key.get_secret_value() if self._key is not None else ""
        values = (key, *endpoint.headers.values(), *endpoint.query.values())
        yield from (v for v in values if len(v) >= _SHORTEST and v != version)

    def _secrets(self) -> Iterator[str]:
        yield from self.values()
        for message in self._call.body.get("messages") or ():
            texts = _texts(message.get("content"))
            yield from (text for text in texts if len(text) >= _SHORTEST_PROMPT)


def _texts(content: str | list[dict[str, Any]] | None) -> Iterator[str]:
    """The texts of one message: its content, or those parts that are text."""
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        text = part.get("text")
        if isinstance(text, str):
            yield text


def _forms(secret: str) -> set[str]:
    """A secret as it is, on one line, and as JSON writes it."""
    return {
        secret,
        " ".join(secret.split()),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }


def _without(text: str, secret: str) -> str:
    head = secret[:_HEAD]
    at = text.find(head)
    while at >= 0:
        end = at + len(head)
        for character in secret[_HEAD:]:
            if text[end : end + 1] != character:
                break
            end += 1
        text = text[:at] + HIDDEN + text[end:]
        at = text.find(head, at + len(HIDDEN))
    if text.endswith(_CUT):  # perhaps in the middle of the secret
        for length in range(len(head) - 1, _SHORTEST - 1, -1):
            if text.endswith(head[:length] + _CUT):
                return text[: -length - len(_CUT)] + HIDDEN + _CUT
    return text


class PrivateURL(httpx.URL):
    """An address whose query holds secrets; logs show the names in it alone."""

    @override
    def __repr__(self) -> str:
        return f"PrivateURL({self.shown!r})"

    @property
    def shown(self) -> str:
        """The address without the values of its query."""
        names = "&".join(f"{name}={HIDDEN}" for name in self.params)
        return f"{self.copy_with(query=None)}?{names}"


class _HideQueries(logging.Filter):
    """Shows private addresses without the values of their queries."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                value.shown if isinstance(value, PrivateURL) else value
                for value in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_HideQueries("httpx"))
