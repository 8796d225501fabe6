"""What is changed about a request that was refused, before it is sent again.

Strategy: a refusal that names a field teaches to leave it out; one of a key that is
asked for anew may have met an old key; one that says "no streams" may be met by
asking for a whole answer, where the user wants that. Each is tried a bounded number
of times, and costs none of the retries.
"""

from __future__ import annotations

import logging
from functools import reduce
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from langchain_streamkit._http.faults import PROXY_WANTS_PASSWORD
from langchain_streamkit._resilience.learning import (
    LessonBook,
    apply_lesson,
    find_lesson,
)
from langchain_streamkit._wire.failures import refuses_stream
from langchain_streamkit.errors import (
    AuthenticationError,
    InvalidRequestError,
    StreamKitError,
)

if TYPE_CHECKING:
    from langchain_streamkit._http.call import Call

__all__ = ["Corrections", "lessons"]

lessons = LessonBook()
"""What servers were found to refuse, for the whole process."""

_log = logging.getLogger("langchain_streamkit")
_MAX_LESSONS = 2


class Corrections:
    """The request of one call, as it is to be sent next.

    Args:
        call: The call.
        where: The server and the model, for logs.

    Attributes:
        body: The request's body.
        is_stream: Whether a stream is asked for.
        notes: What was changed, for ``response_metadata``.
    """

    def __init__(self, call: Call, where: str) -> None:
        self._call = call
        self._where = where
        self._lessons = list(lessons.known(call.endpoint.base_url, call.model))
        self._learned = 0
        self._has_new_key = False
        self.body: dict[str, Any] = reduce(apply_lesson, self._lessons, dict(call.body))
        self.is_stream = call.is_stream
        self.notes: dict[str, Any] = {}
        self._note_lessons()

    def heed(self, error: StreamKitError, *, is_last: bool) -> bool:
        """Change what a refusal asks to change.

        Args:
            error: Why an attempt failed, before any content.
            is_last: Whether no retry is left.

        Returns:
            Whether the request is now another one, worth sending at once.
        """
        return (
            self._learn(error)
            or self._renew_key(error)
            or self._fall_back(error, is_last=is_last)
        )

    def _learn(self, error: StreamKitError) -> bool:
        """Whether a refusal taught something that is worth another attempt."""
        if not isinstance(error, InvalidRequestError) or error.status_code is None:
            return False
        lesson = find_lesson(
            self.body, message=error.message, param=error.param, code=error.code
        )
        if lesson is None or self._learned >= _MAX_LESSONS:
            return False
        self._learned += 1
        self._lessons.append(lesson)
        self._note_lessons()
        self.body = apply_lesson(self.body, lesson)
        endpoint, model = self._call.endpoint.base_url, self._call.model
        if lessons.learn(endpoint, model, lesson):
            _log.warning("%s refuses a field: %s from now on", self._where, lesson)
        return True

    def _note_lessons(self) -> None:
        if self._lessons:
            self.notes["adapted"] = [str(lesson) for lesson in self._lessons]

    def _renew_key(self, error: StreamKitError) -> bool:
        """Whether the key may have run out meanwhile: its callable is asked again."""
        is_fixed = isinstance(self._call.endpoint.key, SecretStr | None)
        if is_fixed or self._has_new_key or not isinstance(error, AuthenticationError):
            return False
        self._has_new_key = error.status_code != PROXY_WANTS_PASSWORD
        return self._has_new_key

    def _fall_back(self, error: StreamKitError, *, is_last: bool) -> bool:
        """Whether a whole answer is asked for, because no stream can be had."""
        if not (self._call.stream_fallback and self.is_stream):
            return False
        is_hopeless = is_last and error.is_retryable
        if not (is_hopeless or refuses_stream(error.message, error.param)):
            return False
        self.is_stream = False
        dropped = {"stream", "stream_options"}
        self.body = {k: v for k, v in self.body.items() if k not in dropped}
        self.notes["stream_fallback"] = True
        return True
