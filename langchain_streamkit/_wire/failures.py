"""A server's words for "no" become one of our errors.

Strategy: servers report errors in a dozen shapes, as bodies with a status and as
frames inside a stream of status 200. ``parse_failure`` reads what they have in
common out of any of them, without looking at who sent it; ``to_error`` picks the
class by status, then by code, then by words. Text is bounded and cleaned of
control characters before it enters a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit._wire.shapes import as_items, as_mapping, is_mapping
from langchain_streamkit.errors import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamKitError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NO_TEXT",
    "Failure",
    "clean_text",
    "is_error",
    "parse_failure",
    "parse_frame_failure",
    "parse_refusal",
    "refuses_stream",
    "to_error",
]

NO_TEXT = "no text"
"""The message of a failure whose server gave none."""

MAX_MESSAGE_CHARACTERS = 500
MAX_BODY_CHARACTERS = 2000

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SECRET = re.compile(
    r"(?i)\b(?:bearer\s+[\w.~+/=-]{8,}"
    r"|(?:sk|gsk|pplx|nvapi|xai|csk|hf|key|r8|tgp)[-_][\w.*-]{8,})"
)
_MAX_PAGE_CHARACTERS = 100_000
_TAGS = re.compile(r"(?is)<(script|style)\b.*?(?:</\1>|$)|<[^<>]*>")
_SPACES = re.compile(r"\s+")

_BY_STATUS: dict[int, type[StreamKitError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: InvalidRequestError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
}
_BY_WORD: tuple[tuple[re.Pattern[str], type[StreamKitError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), error)
    for pattern, error in (
        (
            (
                r"context_length_exceeded|exceed_context_size|context_window_exceeded"
                r"|maximum context length|context (?:length|window|size).{0,40}exceed"
                r"|exceeds? .{0,40}context (?:length|window|size)|prompt is too long"
                r"|too many (?:input )?tokens in"
            ),
            ContextLengthError,
        ),
        # Gemini says the second of its limits a minute too, and when to come back
        (
            r"insufficient_quota|exceeded your current quota(?!.*retry in)",
            QuotaExceededError,
        ),
        (r"insufficient (?:credits|balance|funds)|billing_hard", QuotaExceededError),
        (r"rate_?limit|too_many_requests|throttl", RateLimitError),
        (r"invalid_api_key|authentication_error|unauthorized", AuthenticationError),
        (r"permission_(?:denied|error)|forbidden", PermissionDeniedError),
        (r"model_not_found|not_found_error", NotFoundError),
        (r"overloaded|server_error|internal_error|unavailable", ServerError),
        (r"invalid_request|validation_error|bad_request", InvalidRequestError),
    )
)
# Where servers put their words, the most telling first.
_MESSAGES = (
    *("message", "detail", "msg", "error_message", "error_msg", "errorMessage"),
    *("Message", "error", "errors", "fault", "faultstring", "title"),
)
_WORDS = ("message", "msg", "error_message", "error_msg", "errorMessage", "Message")
_CODES = ("code", "error_code", "errorCode", "__type")
# A frame without any of these is no error, but for its event or its object.
_TELLING_KEYS = frozenset(
    {"error", "errors", "type", "base_resp", "x_groq", "detail", "fault", *_WORDS}
)
# Codes of frames that are no error.
_FINE = (None, 0, "", "0", 200, "200")
_FAILED = ("error", "failed", "failure")
_NO_STREAM = re.compile(
    r"(?i)\bstream(?:ing)?\b.{0,40}(?:not|n't|un|only)\s?"
    r"(?:be |available|supported|allowed|enabled|non)"
    r"|(?:not|n't) support.{0,20}\bstream(?:ing)?\b"
)
# Classes that may override what the status says.
_STRONGER = (ContextLengthError, QuotaExceededError)
_HINTS: dict[type[StreamKitError], str] = {
    AuthenticationError: (
        "Check the key: api_key=, else the variable of the server's row or "
        "STREAMKIT_API_KEY."
    ),
    ContextLengthError: "Shorten the messages, or use a model with a larger context.",
    NotFoundError: "Check model= and base_url=.",
    QuotaExceededError: "Check the account's credit or quota.",
}
_UNKNOWN_PATH_HINT = "Check base_url=, which often ends in /v1, and model=."


@dataclass(frozen=True, slots=True)
class Failure:
    """What all shapes of error have in common.

    Attributes:
        message: The server's words, cleaned.
        code: Its short name for the error.
        kind: Its class of errors.
        param: The field of the request that it blames.
        status: The HTTP status that it names inside the text.
    """

    message: str
    code: str | None = None
    kind: str | None = None
    param: str | None = None
    status: int | None = None


def clean_text(text: str, limit: int = MAX_MESSAGE_CHARACTERS) -> str:
    """Text from a stranger, fit for a message: one line, bounded, no secrets.

    Args:
        text: Anything.
        limit: The most characters to keep.

    Returns:
        The text without control characters, escape codes and things that look like
        keys, shortened with an ellipsis.
    """
    text = text[: 4 * limit]
    text = _UNPRINTABLE.sub(" ", text)
    text = _SECRET.sub("[hidden]", text)
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def parse_failure(body: object) -> Failure:
    """Read the error out of the body of a refused request.

    Args:
        body: The parsed JSON, or the text where it is none.

    Returns:
        What could be read; at least a message.
    """
    if isinstance(body, str):
        text = body[:_MAX_PAGE_CHARACTERS]
        text = _TAGS.sub(" ", text) if "<" in text else text
        return Failure(clean_text(text) or NO_TEXT)
    if items := as_items(body):
        return parse_failure(items[0])
    outer = as_mapping(body)
    inner = outer.get("error")
    if is_mapping(inner):
        return _from_mapping(inner, outer)
    if isinstance(inner, str):
        return _from_mapping({**outer, "message": inner}, outer)
    return _from_mapping(outer, outer)


def parse_frame_failure(frame: Mapping[str, Any], event: str) -> Failure | None:
    """Read an error out of a frame inside a stream.

    Args:
        frame: The parsed frame.
        event: The type of its server-sent event.

    Returns:
        The failure, or None if the frame is none.
    """
    if event == "error" or frame.get("object") == "error":
        return parse_failure(frame)
    if _TELLING_KEYS.isdisjoint(frame):
        return None
    if is_error(frame.get("error")) or frame.get("type") == "error":
        return parse_failure(frame)
    base = as_mapping(frame.get("base_resp"))
    if base.get("status_code") not in _FINE:  # MiniMax, with status 200
        return parse_failure(
            {"message": base.get("status_msg"), "code": base["status_code"]}
        )
    error = as_mapping(frame.get("x_groq")).get("error")
    if is_error(error):
        return parse_failure({"error": error})
    if "choices" in frame:
        return None
    is_said = any(frame.get(name) for name in _WORDS)
    is_coded = any(frame.get(name) not in _FINE for name in _CODES)
    has_failed = frame.get("success") is False or frame.get("status") in _FAILED
    if is_said and (is_coded or has_failed):
        return parse_failure(frame)
    if any(frame.get(name) for name in ("detail", "errors", "fault")):
        return parse_failure(frame)
    return None


def is_error(value: object) -> bool:
    """Whether what stands under ``error`` is one; some servers always send the field.

    Args:
        value: What a server sent.

    Returns:
        False for null, an empty value, and an object of nothing but empty values.

    Example:
        >>> is_error("overloaded"), is_error({"message": "", "code": None})
        (True, False)
    """
    return any(value.values()) if is_mapping(value) else bool(value)


def parse_refusal(body: bytes) -> Failure:
    """What the body of a refused request says, whatever it is.

    Args:
        body: JSON, text or HTML.

    Returns:
        What it says.

    Example:
        >>> parse_refusal(b'{"detail": "No such model"}').message
        'No such model'
    """
    try:
        return parse_failure(parse_json(body))
    except ValueError:
        return parse_failure(body.decode("utf-8", "replace"))


def refuses_stream(message: str, param: str | None) -> bool:
    """Whether the words of a refusal say that the server or model cannot stream.

    Args:
        message: The server's words.
        param: The field that it blames, if it does.

    Returns:
        True if a whole answer may still be had.

    Example:
        >>> refuses_stream("Streaming is not supported for this model", None)
        True
    """
    return param == "stream" or bool(_NO_STREAM.search(message))


def to_error(
    failure: Failure,
    *,
    where: str,
    status_code: int | None = None,
    request_id: str | None = None,
    retry_after: float | None = None,
    body: str | None = None,
) -> StreamKitError:
    """The error of a failure.

    Args:
        failure: What the server said.
        where: The server and the model, for the message.
        status_code: The HTTP status of the answer, if it was refused.
        request_id: The server's id of the request.
        retry_after: Seconds that it asks to wait.
        body: Its own text, for those who want all of it.

    Returns:
        An error of the class that fits best, not raised.
    """
    status = status_code if status_code and status_code >= 400 else failure.status
    cls = _class_for(failure, status)
    said = failure.message
    if failure.code:
        said = f"{said.removesuffix('.')} ({failure.code})"
    hint = next((text for kind, text in _HINTS.items() if issubclass(cls, kind)), "")
    if issubclass(cls, NotFoundError) and "model" not in said.lower():
        hint = _UNKNOWN_PATH_HINT
    verb = f"answered {status}" if status_code else "sent an error inside its stream"
    message = f"{where} {verb}: {said}"
    if hint:
        message = f"{message.rstrip('.')}. {hint}"
    return cls(
        message,
        status_code=status,
        code=failure.code,
        param=failure.param,
        request_id=request_id,
        retry_after=retry_after,
        body=clean_text(body, MAX_BODY_CHARACTERS) if body else None,
    )


def _class_for(failure: Failure, status: int | None) -> type[StreamKitError]:
    words = " ".join(filter(None, (failure.code, failure.kind, failure.message)))
    by_word = next((cls for pattern, cls in _BY_WORD if pattern.search(words)), None)
    if by_word is not None and issubclass(by_word, _STRONGER):
        return by_word
    if status is not None:
        by_status = _BY_STATUS.get(status)
        if by_status is not None:
            return by_status
        if 400 <= status < 500 and status not in {408, 409, 425}:
            return InvalidRequestError
        return ServerError
    names = " ".join(filter(None, (failure.code, failure.kind)))
    by_name = next((cls for pattern, cls in _BY_WORD if pattern.search(names)), None)
    return by_name or ServerError


def _from_mapping(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Failure:
    message = next(
        (
            words
            for holder in (inner, outer)
            for name in _MESSAGES
            if (words := _words(holder.get(name)))
        ),
        "",
    )
    raw = as_mapping(inner.get("metadata")).get("raw")
    if raw and isinstance(raw, str):  # the error of the server behind OpenRouter
        message = ": ".join(filter(None, (message, raw)))
    codes = (holder.get(name) for holder in (inner, outer) for name in _CODES)
    code = next((found for found in codes if found is not None), None)
    status = _status(inner.get("status_code")) or _status(inner.get("status"))
    kind = inner.get("type") or inner.get("status")
    param = inner.get("param")
    return Failure(
        message=clean_text(message) or NO_TEXT,
        code=clean_text(str(code), 80) if code not in (None, "") else None,
        kind=clean_text(kind, 80) if isinstance(kind, str) else None,
        param=clean_text(param, 80) if isinstance(param, str) else None,
        status=status or _status(code) or _status(outer.get("status_code")),
    )


def _words(value: object) -> str:
    """The text of a message, which may be a list of validation errors."""
    if isinstance(value, str):
        return value
    if is_mapping(value):
        text = _words(next((value[name] for name in _MESSAGES if value.get(name)), ""))
        place = ".".join(str(step) for step in as_items(value.get("loc")))
        return f"{place}: {text}" if place else text
    if items := as_items(value):
        return "; ".join(_words(item) for item in items[:5])
    return str(value) if isinstance(value, int | float) else ""


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return value if isinstance(value, int) and 400 <= value < 600 else None
