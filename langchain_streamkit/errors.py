"""Everything that can go wrong, as one tree.

Each class also descends from its counterpart in ``langchain_core.exceptions``, so
that code (and LangChain's own retry middleware) that catches those, or that reads
``is_retryable``, works with this package unchanged::

    StreamKitError                      ModelError
    ├── ConfigurationError              ValueError: a parameter, a URL, a missing key
    ├── InvalidRequestError             ModelInvalidRequestError (400, 413, 422)
    │   ├── UnsendableInputError        ValueError: a message or a tool, unsent
    │   └── ContextLengthError          ContextOverflowError
    ├── AuthenticationError             ModelAuthenticationError (401)
    ├── PermissionDeniedError           ModelPermissionDeniedError (403)
    │   └── QuotaExceededError          (402, or a quota that waiting does not refill)
    ├── NotFoundError                   ModelNotFoundError (404)
    ├── RateLimitError                  ModelRateLimitError (429)
    ├── ServerError                     ModelAPIError (408, 409, 5xx, error frames)
    │   └── ProtocolError               an answer that cannot be understood
    ├── ConnectionFailedError           ModelConnectionError
    │   └── StreamInterruptedError      the answer was cut
    ├── StreamTimeoutError              ModelTimeoutError, TimeoutError
    │   ├── ConnectTimeoutError
    │   ├── FirstTokenTimeoutError
    │   ├── StallTimeoutError
    │   └── TotalTimeoutError
    ├── StreamLimitError                a bound on size was passed
    │   └── RunawayError                it repeats itself, thinks or costs too much
    ├── BudgetExceededError             no further call: the money is spent
    └── StructuredOutputError           OutputParserException: not the object
        ├── TruncatedOutputError        the answer was cut before it was whole
        └── RefusalError                the model refused to answer

An error holds text and numbers only: no key, no header, no prompt, no request and
no response object, for core copies the headers of an error's ``response`` into
traces. All of them can be pickled.

Example:
    >>> from langchain_streamkit.errors import RateLimitError
    >>> error = RateLimitError("slow down", status_code=429, retry_after=2.0)
    >>> error.is_retryable, error.retry_after
    (True, 2.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
    OutputParserException,
)
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import AIMessageChunk

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "ConfigurationError",
    "ConnectTimeoutError",
    "ConnectionFailedError",
    "ContextLengthError",
    "FirstTokenTimeoutError",
    "InvalidRequestError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProtocolError",
    "QuotaExceededError",
    "RateLimitError",
    "RefusalError",
    "RunawayError",
    "ServerError",
    "StallTimeoutError",
    "StreamInterruptedError",
    "StreamKitError",
    "StreamLimitError",
    "StreamTimeoutError",
    "StructuredOutputError",
    "TotalTimeoutError",
    "TruncatedOutputError",
    "UnsendableInputError",
]


class StreamKitError(ModelError):
    """The root of the tree; see the module's first lines for all of it.

    Args:
        message: What happened, where, and what to do.
        status_code: The HTTP status, or the status that an error frame names.
        code: The server's own word for the error (``"model_not_found"``).
        param: The request field that the server blames.
        request_id: The server's id of the request, for its support.
        retry_after: Seconds that the server asks to wait.
        body: The server's own error text, bounded and cleaned.
        partial: All that had arrived, as one message chunk, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: str | None = None,
        partial: AIMessageChunk | None = None,
    ) -> None:
        """Keep the message and what is known beside it."""
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body
        self.partial = partial

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self.args[0]) if self.args else ""

    @override
    def __reduce__(
        self,
    ) -> tuple[
        Callable[[type[StreamKitError], tuple[Any, ...]], StreamKitError],
        tuple[type[StreamKitError], tuple[Any, ...]],
        dict[str, Any],
    ]:
        """Pickle by the class, its arguments and its plain attributes."""
        return _rebuild, (type(self), self.args), dict(self.__dict__)


def _rebuild(cls: type[StreamKitError], args: tuple[Any, ...]) -> StreamKitError:
    error = cls.__new__(cls, *args)
    error.args = args
    return error


class ConfigurationError(StreamKitError, ValueError):
    """A parameter, a URL or a key is wrong or missing; no request was made."""


class InvalidRequestError(StreamKitError, ModelInvalidRequestError):
    """The server refuses the request as it is (400, 413, 422)."""


class UnsendableInputError(InvalidRequestError, ValueError):
    """A message or a tool cannot be sent; no request was made."""


class ContextLengthError(InvalidRequestError, ContextOverflowError):
    """The input is longer than the model's context."""


class AuthenticationError(StreamKitError, ModelAuthenticationError):
    """The server does not accept the key, or wants one (401)."""


class PermissionDeniedError(StreamKitError, ModelPermissionDeniedError):
    """The key may not do this (403)."""


class QuotaExceededError(PermissionDeniedError):
    """Credit or quota is used up, and waiting does not help (402, some 429)."""


class NotFoundError(StreamKitError, ModelNotFoundError):
    """No such model, or no such path on the server (404)."""


class RateLimitError(StreamKitError, ModelRateLimitError):
    """Too many requests (429); ``retry_after`` says how long to wait."""


class ServerError(StreamKitError, ModelAPIError):
    """The server failed (408, 409, 5xx), or sent an error inside its stream."""


class ProtocolError(ServerError):
    """The server's answer cannot be understood: HTML, broken JSON, nothing."""


class ConnectionFailedError(StreamKitError, ModelConnectionError):
    """The server could not be reached, or the connection broke."""


class StreamInterruptedError(ConnectionFailedError):
    """The answer was cut; ``partial`` holds what had arrived."""


class StreamTimeoutError(StreamKitError, ModelTimeoutError, TimeoutError):
    """One of the clocks ran out; the message names its parameter."""

    # OSError, TimeoutError's base, lays its arguments out by number; one text
    # argument keeps its plain form.


class ConnectTimeoutError(StreamTimeoutError):
    """No connection within ``timeout``'s connect part."""


class FirstTokenTimeoutError(StreamTimeoutError):
    """No content within ``first_token_timeout`` seconds."""


class StallTimeoutError(StreamTimeoutError):
    """No progress within ``stall_timeout`` seconds."""


class TotalTimeoutError(StreamTimeoutError):
    """The answer was not whole within ``total_timeout`` seconds."""

    is_retryable = False


class StreamLimitError(StreamKitError):
    """The answer passed a bound on its size; the message names the parameter."""


class RunawayError(StreamLimitError):
    """The answer ran away and was ended: it repeats itself, thinks or costs too much.

    Args:
        message: What happened, where, and what to do.
        limit: The parameter: ``"max_repetitions"``, ``"max_reasoning_tokens"`` or
            ``"max_cost"``.

    Example:
        >>> RunawayError("It repeats itself.", limit="max_repetitions").is_retryable
        False
    """

    def __init__(self, message: str, *, limit: str = "") -> None:
        """Keep the message, and which limit was passed."""
        super().__init__(message)
        self.limit = limit


class BudgetExceededError(StreamKitError):
    """A call was not made, for a ``BudgetHandler`` has no money left for it."""


class StructuredOutputError(StreamKitError, OutputParserException):
    """The answer is not the object that was asked for.

    Args:
        message: What is wrong, and what to do.
        llm_output: The text that should have been the object, as it came.
        partial_object: As much of the object as had come, or None.

    Example:
        >>> from langchain_core.exceptions import OutputParserException
        >>> error = StructuredOutputError("There is no JSON.", llm_output="Hello")
        >>> isinstance(error, OutputParserException), error.llm_output
        (True, 'Hello')
    """

    def __init__(
        self,
        message: str,
        *,
        llm_output: str | None = None,
        partial_object: dict[str, Any] | list[Any] | None = None,
    ) -> None:
        """Keep the message, and what there is of the object."""
        super().__init__(message)
        self.args = (message,)  # without the link that core appends
        self.llm_output = llm_output
        self.partial_object = partial_object


class TruncatedOutputError(StructuredOutputError):
    """The answer was cut before its object was whole; see ``partial_object``."""


class RefusalError(StructuredOutputError):
    """The model refused to answer; ``llm_output`` has its words."""
