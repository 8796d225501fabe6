"""An exception as something that may be told to strangers.

Strategy: errors of models carry words that were written for people, so these are
told, cleaned: without keys, without names and passwords in addresses, bounded. The
words of any other exception may hold anything (a path, a query, a row of a database),
so it is logged here and the reader learns only that it happened.
"""

from __future__ import annotations

import logging
import re
from typing import Literal, TypedDict

from langchain_core.exceptions import ModelError

from langchain_streamkit._wire.failures import clean_text
from langchain_streamkit.errors import (
    ConnectionFailedError,
    StreamTimeoutError,
)

__all__ = ["ErrorFrame", "describe_error", "http_headers", "http_status"]

logger = logging.getLogger(__name__)

_MAX_CHARACTERS = 500
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#@]*@")
_NAMED_SECRET = re.compile(
    r"""(?ix)\b((?:api[_-]?key|access[_-]?token|token|secret|password|passwd|
    authorization|key)["']?\s*[=:]\s*["']?(?:bearer\s+|basic\s+)?)[^\s"'&,;}]{6,}"""
)
_KNOWN_KEYS = re.compile(r"\b(?:AIza|AKIA|ghp_|eyJ)[\w.~+/=-]{12,}")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class ErrorFrame(TypedDict):
    """What a reader learns of a failure.

    Attributes:
        type: Always ``"error"``.
        message: What happened, in words without secrets.
        code: The class of the error, as ``"rate_limit"`` or ``"stall_timeout"``.
        retryable: Whether asking again may help.
    """

    type: Literal["error"]
    message: str
    code: str
    retryable: bool


def describe_error(error: BaseException) -> ErrorFrame:
    """Say what may be said of an exception.

    Args:
        error: What the stream raised.

    Returns:
        The frame that adapters send. An exception that is no model's error has the
        code ``"internal_error"`` and a message without its words; those are logged.

    Example:
        >>> from langchain_streamkit.errors import RateLimitError
        >>> describe_error(RateLimitError("slow down, sk-abcdefgh12345"))
        ... # doctest: +NORMALIZE_WHITESPACE
        {'type': 'error', 'message': 'slow down, [hidden]', 'code': 'rate_limit',
         'retryable': True}
    """
    if not _is_for_readers(error):
        logger.error("The stream failed", exc_info=error)
        return {
            "type": "error",
            "message": "The answer was ended by an unexpected error of the server.",
            "code": "internal_error",
            "retryable": False,
        }
    return {
        "type": "error",
        "message": _clean(str(error)) or type(error).__name__,
        "code": _CAPITAL.sub("_", type(error).__name__.removesuffix("Error")).lower(),
        "retryable": bool(getattr(error, "is_retryable", False)),
    }


def http_status(error: BaseException) -> int:
    """The status of a response that tells of an error before anything was sent.

    Args:
        error: What the stream raised.

    Returns:
        The status that the model's server gave, 504 for a timeout, 502 for a
        connection that failed, else 500.

    Example:
        >>> from langchain_streamkit.errors import AuthenticationError
        >>> http_status(AuthenticationError("no", status_code=401))
        401
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 600:
        return status
    if isinstance(error, StreamTimeoutError):
        return 504
    return 502 if isinstance(error, ConnectionFailedError) else 500


def http_headers(error: BaseException) -> dict[str, str]:
    """Headers that go with that status: ``Retry-After`` where it is known.

    Args:
        error: What the stream raised.

    Returns:
        The headers; seconds are rounded up.
    """
    seconds = getattr(error, "retry_after", None)
    if not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        return {}
    return {"Retry-After": str(-int(-seconds // 1))}


def _is_for_readers(error: BaseException) -> bool:
    """Whether its words come from a model or its server: they name a status, too."""
    return isinstance(error, ModelError) or isinstance(
        getattr(error, "status_code", None), int
    )


def _clean(text: str) -> str:
    text = text[: 4 * _MAX_CHARACTERS]
    text = _USERINFO.sub(r"\1[hidden]@", text)
    text = _NAMED_SECRET.sub(r"\1[hidden]", text)
    text = _KNOWN_KEYS.sub("[hidden]", text)
    return clean_text(text, _MAX_CHARACTERS)
