"""Every fault of the catalogue, before and after the first content, sync and async."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from langchain_core import exceptions as core
from langchain_core.messages import AIMessageChunk

from langchain_streamkit import errors
from langchain_streamkit.testing import Reply

from .cases import (
    BEFORE,
    CASES,
    MOMENTS,
    TEXT,
    Case,
    Ending,
    Moment,
    case_ids,
)
from .conftest import make_model
from .running import SECRETS, Seen, Stage, staged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_core.language_models import BaseChatModel

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("no_waiting", "nothing_left"),
    # Real clocks of a fifth of a second: a machine may well stand still for so long.
    pytest.mark.flaky(reruns=3),
]

LONGEST_SECONDS = 3.0  # two attempts, their clocks, and a machine that is busy
PLAYED = [
    (case, moment)
    for moment in MOMENTS
    for case in CASES
    if case.ending(moment) is not None
]
RETRIED = [case for case in CASES if case.before is not None and case.before.retried]
CORE_CLASSES: dict[type[errors.StreamKitError], type[core.ModelError]] = {
    errors.InvalidRequestError: core.ModelInvalidRequestError,
    errors.ContextLengthError: core.ContextOverflowError,
    errors.AuthenticationError: core.ModelAuthenticationError,
    errors.PermissionDeniedError: core.ModelPermissionDeniedError,
    errors.QuotaExceededError: core.ModelPermissionDeniedError,
    errors.NotFoundError: core.ModelNotFoundError,
    errors.RateLimitError: core.ModelRateLimitError,
    errors.ServerError: core.ModelAPIError,
    errors.ProtocolError: core.ModelAPIError,
    errors.ConnectionFailedError: core.ModelConnectionError,
    errors.StreamInterruptedError: core.ModelConnectionError,
    errors.ConnectTimeoutError: core.ModelTimeoutError,
    errors.FirstTokenTimeoutError: core.ModelTimeoutError,
    errors.StallTimeoutError: core.ModelTimeoutError,
    errors.TotalTimeoutError: core.ModelTimeoutError,
    errors.BudgetExceededError: core.ModelError,
    errors.StreamLimitError: core.ModelError,
}


def played_ids() -> list[str]:
    names = case_ids([case for case, _ in PLAYED])
    moments = [moment for _, moment in PLAYED]
    return [f"{name}-{moment}" for name, moment in zip(names, moments, strict=True)]


@pytest.mark.parametrize(("case", "moment"), PLAYED, ids=played_ids())
async def test_a_fault_ends_as_the_catalogue_says(
    case: Case, moment: Moment, read_stream: ReadStream
) -> None:
    ending = case.ending(moment)
    assert ending is not None
    with staged(case, moment) as stage:
        model = make_model(stage.url, max_retries=1, **case.parameters)
        seen = await read_stream(model)
        check_reading(ending, moment, seen, stage)
        check_error(ending, seen, stage)
        check_connections(ending, stage)
        model.close()
        await model.aclose()
        assert stage.server.wait_connections(0)


def check_reading(ending: Ending, moment: Moment, seen: Seen, stage: Stage) -> None:
    if ending.error is None and seen.error is not None:
        raise seen.error
    assert seen.text == ending.text
    assert seen.seconds < LONGEST_SECONDS
    assert stage.elsewhere.requests == []
    asked = len(stage.server.requests)
    if asked:
        assert asked == (2 if ending.retried and moment == BEFORE else 1)


def check_error(ending: Ending, seen: Seen, stage: Stage) -> None:
    error = seen.error
    if ending.error is None or error is None:
        assert ending.error is None
        return
    assert type(error) is ending.error
    assert isinstance(error, CORE_CLASSES[ending.error])
    assert isinstance(error, TimeoutError) is (
        CORE_CLASSES[ending.error] is core.ModelTimeoutError
    )
    text = str(error)
    for words in (*ending.says, stage.url.split("/")[2], "'fake'"):
        assert words in text
    assert text.isprintable()
    check_partial(ending, error)
    told = repr((error, error.__dict__, error.__cause__, error.__context__))
    assert all(secret not in told + text for secret in SECRETS)
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin), twin.partial) == (type(error), text, error.partial)


def check_partial(ending: Ending, error: errors.StreamKitError) -> None:
    if error.partial is None:
        assert ending.text == ""
        return
    assert isinstance(error.partial, AIMessageChunk)
    assert error.partial.text == ending.text


def check_connections(ending: Ending, stage: Stage) -> None:
    """Nothing is still being sent, and what went wrong has lost its connection."""
    assert stage.server.wait_idle(1)
    was_refused = {request.status for request in stage.server.requests} - {200}
    if ending.error is not None and not was_refused:
        assert stage.server.wait_connections(0, 1)


@pytest.mark.parametrize("case", RETRIED, ids=case_ids(RETRIED))
async def test_a_second_attempt_mends_what_came_before_content(
    case: Case, read_stream: ReadStream
) -> None:
    if case.where != "server" or case.tls:
        return  # there is no second answer: see test_retries.py
    with staged(case, BEFORE, Reply(TEXT)) as stage:
        model = make_model(stage.url, max_retries=1, **case.parameters)
        seen = await read_stream(model)
        assert (seen.error, seen.text) == (None, TEXT)
        first, second = stage.server.requests
        assert first.connection != second.connection
        model.close()
        await model.aclose()
