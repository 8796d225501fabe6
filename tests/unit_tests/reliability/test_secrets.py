"""Keys, header and query values and prompts: for the server, and for nobody else."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import logging
import pickle
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from pydantic import SecretStr

import langchain_streamkit
from langchain_streamkit import errors
from langchain_streamkit._http.call import Call
from langchain_streamkit._http.endpoint import CUSTOM, Endpoint
from langchain_streamkit._http.secrecy import Secrets
from langchain_streamkit.testing import Cut, Drip, FakeServer, Reply, Stall

from .cases import TEXT
from .conftest import make_model
from .running import HEADERS, KEY, PROMPT, Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from langchain_core.language_models import BaseChatModel

    from langchain_streamkit import ChatStreamKit
    from langchain_streamkit.testing import ReceivedRequest

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("nothing_left", "no_waiting"),
]

QUERY = {"tenant": "canary-query-e4da3b7fbbce2345"}
EXTRA = {"metadata": {"account": "canary-body-1679091c5a880faf"}}
NEVER = (KEY, *HEADERS.values(), *QUERY.values())
"""What nobody may see, wherever it stands."""
PACKAGE = Path(langchain_streamkit.__file__).parent
MACHINERY = tuple(str(PACKAGE / name) for name in ("_http", "_wire", "_resilience"))


def secretive(server: FakeServer, **parameters: Any) -> ChatStreamKit:
    given = {"default_query": QUERY, "extra_body": EXTRA, "max_retries": 1}
    return make_model(server.url, **{**given, **parameters})


# ── errors ──────────────────────────────────────────────────────────────────────


def quote(request: ReceivedRequest) -> str:
    """All that the server was sent, as it may quote it."""
    return json.dumps(
        {"headers": dict(request.headers), "query": request.query, "sent": request.body}
    )


def refuse_quoting(status: int, **fields: Any) -> Callable[[ReceivedRequest], Reply]:
    return lambda request: Reply.error(status, quote(request), **fields)


def frame_quoting(request: ReceivedRequest) -> Reply:
    error = {"error": {"message": f"No: {quote(request)}", "code": KEY, "param": KEY}}
    return Reply.frames({"choices": [{"index": 0, "delta": {"content": "Hi"}}]}, error)


def validation_quoting(request: ReceivedRequest) -> Reply:
    detail = [{"loc": ["body", "messages"], "msg": "bad", "input": request.body}]
    return Reply.body({"detail": detail}, status=422)


def page_quoting(request: ReceivedRequest) -> Reply:
    page = f"<html><p>Bad request: {quote(request)}</p></html>"
    return Reply.body(page, content_type="text/html", status=400)


def broken_frame_quoting(request: ReceivedRequest) -> Reply:
    return Reply.script(*Reply.frames(f"{{{quote(request)}").steps or ())


def redirect_quoting(request: ReceivedRequest) -> Reply:
    return Reply.redirect(f"http://127.0.0.2/{KEY}?{QUERY['tenant']}")


def faulty(*faults: Any) -> Callable[[ReceivedRequest], Reply]:
    return lambda _: Reply(TEXT, faults=faults)


TROUBLES: dict[str, tuple[Callable[[ReceivedRequest], Reply], dict[str, Any]]] = {
    "a 400 that quotes": (refuse_quoting(400), {}),
    "a 401 that quotes": (refuse_quoting(401), {}),
    "a 429 that quotes": (refuse_quoting(429, retry_after=0), {}),
    "a 500 that quotes": (refuse_quoting(500, shape="text"), {}),
    "a 422 that quotes": (validation_quoting, {}),
    "a page that quotes": (page_quoting, {}),
    "a frame that quotes": (frame_quoting, {}),
    "a broken frame that quotes": (broken_frame_quoting, {}),
    "a redirect that quotes": (redirect_quoting, {}),
    "a reset": (faulty(Cut(3, how="reset")), {}),
    "a reset before the headers": (faulty(Cut(before_headers=True, how="reset")), {}),
    "a stall": (faulty(Stall(3)), {"stall_timeout": 0.1}),
    "a stall before the headers": (
        faulty(Stall(before_headers=True)),
        {"first_token_timeout": 0.1},
    ),
    "a drip": (faulty(Drip(every=0.01)), {"total_timeout": 0.1}),
    "no HTTP": (lambda _: Reply.script(framing="raw"), {}),
    "a bomb": (lambda _: Reply.bomb(3_000_000), {"max_event_bytes": 100_000}),
    "no JSON to send": (faulty(), {"model_kwargs": {"x": object()}}),
}


@pytest.mark.parametrize(
    ("handler", "parameters"), TROUBLES.values(), ids=TROUBLES.keys()
)
async def test_an_error_holds_no_secret(
    read_stream: ReadStream,
    handler: Callable[[ReceivedRequest], Reply],
    parameters: dict[str, Any],
) -> None:
    with FakeServer(handler=handler) as server:
        seen = await read_stream(secretive(server, **parameters))
    error = seen.error
    assert isinstance(error, errors.StreamKitError)
    told = "".join(all_texts(error))
    assert [secret for secret in (*NEVER, PROMPT) if secret in told] == []
    shown = "".join(all_locals(error))
    assert [secret for secret in NEVER if secret in shown] == []
    shown = "".join(all_locals(error, MACHINERY))
    assert [secret for secret in (*NEVER, PROMPT) if secret in shown] == []


def all_texts(error: BaseException) -> Iterator[str]:
    """Everything that an error tells of itself and of what led to it."""
    chain: list[BaseException | None] = [error]
    for one in chain:
        if one is not None:
            chain += [one.__cause__, one.__context__]
            yield from (str(one), repr(one), repr(one.__dict__), repr(one.args))
    yield repr(getattr(error, "__notes__", ""))
    yield pickle.dumps(error).decode("latin-1")
    yield "".join(traceback.format_exception(error))


def all_locals(error: BaseException, places: tuple[str, ...] = ("/",)) -> Iterator[str]:
    """The local variables of each frame, save the test's own."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    while told is not None:
        for frame in told.stack:
            if frame.filename.startswith(places) and "/tests/" not in frame.filename:
                yield repr(frame.locals)
        told = told.__cause__ or told.__context__  # type: ignore[assignment]


@pytest.mark.skipif(
    importlib.util.find_spec("rich") is None, reason="rich is not installed"
)
async def test_a_traceback_by_rich_shows_no_secret(read_stream: ReadStream) -> None:
    from rich.console import Console
    from rich.traceback import Traceback

    with FakeServer(handler=refuse_quoting(401)) as server:
        seen = await read_stream(secretive(server))
    assert seen.error is not None
    output = io.StringIO()
    shown = Traceback.from_exception(
        type(seen.error), seen.error, seen.error.__traceback__, show_locals=True
    )
    Console(file=output, width=400).print(shown)
    assert "recover" in output.getvalue()
    assert [secret for secret in NEVER if secret in output.getvalue()] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"api_key": f"{KEY}\n"},
        {"default_headers": {"x-tenant": f"{HEADERS['x-tenant']}\n"}},
    ],
    ids=["key", "header"],
)
def test_a_value_that_cannot_be_sent_is_in_no_frame_of_the_machinery(
    parameters: dict[str, Any],
) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        make_model("http://127.0.0.1:9/v1", **parameters)
    shown = "".join(all_locals(caught.value, MACHINERY))
    assert [secret for secret in NEVER if secret in shown] == []


async def test_a_key_that_turns_bad_is_in_no_frame(read_stream: ReadStream) -> None:
    for key in (f"{KEY}\n", KEY.encode()):
        with FakeServer([TEXT]) as server:
            seen = await read_stream(secretive(server, api_key=lambda key=key: key))
        assert type(seen.error) is errors.ConfigurationError
        shown = "".join([*all_texts(seen.error), *all_locals(seen.error)])
        assert [secret for secret in NEVER if secret in shown] == []


def test_an_interrupted_wait_shows_no_key() -> None:
    async def interrupt(model: ChatStreamKit, server: FakeServer) -> BaseException:
        task = asyncio.create_task(model.ainvoke(PROMPT))
        assert await asyncio.to_thread(server.wait_requests)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error
        raise AssertionError

    with FakeServer(handler=faulty(Stall(before_headers=True))) as server:
        error = asyncio.run(interrupt(secretive(server), server))
    shown = "".join(all_locals(error))
    assert [secret for secret in NEVER if secret in shown] == []


# ── the search itself ───────────────────────────────────────────────────────────


def secrets_of(prompt: str, key: str = KEY) -> Secrets:
    endpoint = Endpoint(CUSTOM, "http://h/v1", headers=HEADERS, query=QUERY)
    messages = [{"role": "user", "content": prompt}]
    secrets = Secrets(Call(endpoint, "m", {"messages": messages}))
    secrets.use_key(SecretStr(key))
    return secrets


@given(prompt=st.text(min_size=12, max_size=200), before=st.text(max_size=20))
def test_a_prompt_is_found_however_it_is_quoted(prompt: str, before: str) -> None:
    secrets = secrets_of(prompt)
    for quoted in (prompt, json.dumps(prompt), json.dumps(prompt, ensure_ascii=False)):
        hidden = secrets.hide(f"{before}|{quoted}|")
        assert "[hidden]" in hidden
        assert quoted.strip('"') not in hidden


@pytest.mark.parametrize("kept", [7, 12, 20, len(KEY) - 1])
def test_a_key_that_a_text_was_cut_in_is_hidden(kept: int) -> None:
    assert secrets_of("x").hide(f"No: {KEY[:kept]}…") == "No: [hidden]…"


@pytest.mark.parametrize("kept", [32, 100, 499])
def test_a_prompt_that_was_cut_is_hidden(kept: int) -> None:
    prompt = "Why, " + "0123456789" * 60
    assert (
        secrets_of(prompt).hide(f"You said {prompt[:kept]}...")
        == "You said [hidden]..."
    )


def test_texts_in_parts_are_prompts_too() -> None:
    parts = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {}}]
    call = Call(
        Endpoint(CUSTOM, "http://h/v1"), "m", {"messages": [{"content": parts}]}
    )
    assert Secrets(call).hide(PROMPT) == "[hidden]"


def test_short_words_stay() -> None:
    """Or the words of an error would vanish with a user's "Hi" or a header's "1"."""
    endpoint = Endpoint(CUSTOM, "http://h/v1", headers={"x-try": "1", "x-app": "chat"})
    body = {"messages": [{"content": "Hi"}, {"content": None}]}
    text = "1 chat model said Hi"
    assert Secrets(Call(endpoint, "m", body)).hide(text) == text


# ── logs ────────────────────────────────────────────────────────────────────────


async def test_logs_hold_no_secret(
    read_stream: ReadStream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handlers = [
        faulty(),
        refuse_quoting(400),
        faulty(Cut(3, how="reset")),
        frame_quoting,
    ]
    for handler in handlers:
        with FakeServer(handler=handler) as server:
            model = secretive(server)
            await read_stream(model)
            model.close()
            await model.aclose()
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    told = caplog.text + repr([record.args for record in caplog.records])
    assert [secret for secret in (*NEVER, PROMPT) if secret in told] == []
    assert "tenant=" in caplog.text  # the name is there, and no value


def test_what_others_log_about_their_requests_stays_theirs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with FakeServer(["Hello"]) as server, httpx.Client() as client:
        client.post(f"{server.url}/chat/completions?mine=shown", json={})
    assert "mine=shown" in caplog.text


# ── what is told of a model ─────────────────────────────────────────────────────


class Listener(BaseCallbackHandler):
    """Keeps all that callbacks, and so tracers, are told at the start."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_chat_model_start(
        self, serialized: Any, messages: Any, **kwargs: Any
    ) -> None:
        self.told.append((serialized, kwargs))

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.told.append((repr(error), kwargs))


async def test_callbacks_are_told_no_secret() -> None:
    listener = Listener()
    config: Any = {"callbacks": [listener]}
    per_call: dict[str, Any] = {
        "extra_headers": {"x-call": HEADERS["x-tenant"]},
        "extra_query": {"call": QUERY["tenant"]},
        "extra_body": EXTRA,
    }
    with FakeServer(handler=refuse_quoting(400)) as server:
        model = secretive(server)
        for work in (
            lambda: model.invoke(PROMPT, config, **per_call),
            lambda: list(model.stream(PROMPT, config, **per_call)),
            lambda: asyncio.run(model.ainvoke(PROMPT, config, **per_call)),
        ):
            with pytest.raises(errors.InvalidRequestError):
                await asyncio.to_thread(work)
        assert server.requests[0].headers["x-call"] == HEADERS["x-tenant"]
        model.close()
    assert len(listener.told) == 6
    body_secret = EXTRA["metadata"]["account"]
    for told in (repr(listener.told), dumps(listener.told)):
        assert [secret for secret in (*NEVER, body_secret) if secret in told] == []


def test_a_model_tells_no_secret() -> None:
    model = make_model("http://127.0.0.1:9/v1", default_query=QUERY, extra_body=EXTRA)
    connection = model._connect()
    call = connection.call(
        {"model": "m", "messages": [{"content": PROMPT}]}, vars(model), is_stream=True
    )
    told = "".join(
        [
            repr(model),
            str(model),
            dumps(model),
            json.dumps(model._identifying_params, default=str),
            model._get_llm_string(),
            repr([connection, connection.settings, connection.endpoint("m"), call]),
            repr(
                vars(connection.settings)
                if hasattr(connection.settings, "__dict__")
                else ""
            ),
        ]
    )
    secrets = (*NEVER, PROMPT, EXTRA["metadata"]["account"])
    assert [secret for secret in secrets if secret in told] == []
