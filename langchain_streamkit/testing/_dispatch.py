"""Which reply a request gets."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from langchain_streamkit.testing._guards import check_fields, check_key
from langchain_streamkit.testing._validation import validate
from langchain_streamkit.testing.assistant import answer
from langchain_streamkit.testing.replies import Reply
from langchain_streamkit.testing.requests import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from langchain_streamkit.testing._guards import RateGuard

__all__ = ["Condition", "Dispatcher", "Handler", "ReplyLike", "Rule", "Script"]

ReplyLike: TypeAlias = Reply | str | Mapping[str, object]
Handler: TypeAlias = Callable[
    [ReceivedRequest], ReplyLike | Awaitable[ReplyLike | None] | None
]
Condition: TypeAlias = str | re.Pattern[str] | Callable[[ReceivedRequest], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A reply for the requests that meet a condition.

    Attributes:
        when: A piece of the last user message (in any case), a pattern that is
            searched in it, or a function of the request.
        reply: The reply, or a function of the request that gives one.

    Example:
        >>> Rule("weather", "It is sunny.").reply
        'It is sunny.'
    """

    when: Condition
    reply: ReplyLike | Handler

    def matches(self, request: ReceivedRequest) -> bool:
        """True if the request meets the condition."""
        if isinstance(self.when, str):
            return self.when.casefold() in request.last_user_text.casefold()
        if isinstance(self.when, re.Pattern):
            return self.when.search(request.last_user_text) is not None
        return self.when(request)


class Script:
    """Replies that are given one after another.

    Args:
        replies: The replies.
        repeat_last: True if the last one is given for ever.
    """

    def __init__(
        self, replies: Sequence[ReplyLike | Handler], *, repeat_last: bool
    ) -> None:
        self._replies = list(replies)
        self._repeat_last = repeat_last
        self._given = 0

    def next_reply(self) -> ReplyLike | Handler:
        """The next reply; after the last one an error that says so."""
        place = self._given
        self._given += 1
        if place < len(self._replies):
            return self._replies[place]
        if self._repeat_last and self._replies:
            return self._replies[-1]
        return Reply.error(
            500,
            f"The script of this FakeServer is over: it has {len(self._replies)} "
            f"replies, and this is request {place + 1}. Add a Reply, or pass "
            "repeat_last=True.",
            code="script_over",
            headers={"x-should-retry": "false"},
        )


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Everything that decides about a reply, in the order of ``reply``.

    Attributes:
        routes: Replies for paths; see ``FakeServer``.
        keys: The API keys that are taken; none for no check.
        rate: The rate limit, or None.
        models: The models that exist; None for any.
        refused: Body fields that are not taken.
        validates: True if malformed requests are refused.
        rules: The rules.
        handler: The handler, or None.
        script: The script, or None for the assistant.
    """

    routes: Mapping[str, ReplyLike | Handler]
    keys: Collection[str]
    rate: RateGuard | None
    models: Sequence[str] | None
    refused: Collection[str]
    validates: bool
    rules: Sequence[Rule]
    handler: Handler | None
    script: Script | None

    async def reply(self, request: ReceivedRequest) -> Reply:
        """The reply to a request."""
        method, path = request.method, request.path.rstrip("/")
        route = self.routes.get(f"{method} {request.path}")
        route = self.routes.get(request.path) if route is None else route
        if route is not None:
            return await _made(route, request) or Reply("")
        refusal = check_key(request.headers, self.keys)
        if refusal is not None:
            return refusal
        served = next((m for end, m in _METHODS.items() if path.endswith(end)), None)
        if served is None:
            return _not_found(f"Unknown request URL: {method} {request.path}.")
        if served != method:
            message = f"{request.path} is asked by {served}, not by {method}."
            return Reply.error(405, message, headers={"allow": served})
        if served == "GET":
            return self._model_list()
        return self._guard(request) or await self._completion(request)

    def _model_list(self) -> Reply:
        names = self.models or ("fake-model",)
        entries = [
            {"id": name, "object": "model", "created": 0, "owned_by": "fakeserver"}
            for name in names
        ]
        return Reply.body({"object": "list", "data": entries})

    def _guard(self, request: ReceivedRequest) -> Reply | None:
        """The refusal of a request that does not get as far as a reply."""
        limited = None if self.rate is None else self.rate.check()
        if limited is not None:
            return limited
        body, model = request.body, request.model
        if body is None:
            return Reply.error(400, "The body of the request is not a JSON object.")
        if self.models is not None and model and model not in self.models:
            return _not_found(f"The model '{model}' does not exist.", "model_not_found")
        refusal = check_fields(body, self.refused)
        if refusal is not None or not self.validates:
            return refusal
        return validate(body, model)

    async def _completion(self, request: ReceivedRequest) -> Reply:
        for rule in self.rules:
            if rule.matches(request):
                made = await _made(rule.reply, request)
                if made is not None:
                    return made
        if self.handler is not None:
            made = await _made(self.handler, request)
            if made is not None:
                return made
        if self.script is not None:
            made = await _made(self.script.next_reply(), request)
            if made is not None:
                return made
        return answer(request.body or {})


_METHODS = {"/chat/completions": "POST", "/models": "GET"}


def _not_found(message: str, code: str = "unknown_url") -> Reply:
    return Reply.error(404, message, type="invalid_request_error", code=code)


async def _made(reply: ReplyLike | Handler, request: ReceivedRequest) -> Reply | None:
    """The reply itself, from whatever form it was given in."""
    made: object = reply
    if callable(made):
        made = made(request)
        if inspect.isawaitable(made):
            made = await cast("Awaitable[object]", made)
    if made is None or isinstance(made, Reply):
        return made
    if isinstance(made, str):
        return Reply(made)
    if isinstance(made, Mapping):
        return Reply.body(dict(cast("Mapping[str, object]", made)))
    message = f"A reply is a Reply, a str or a dict, not {type(made).__name__}."
    raise TypeError(message)
