"""What holds for every protocol: one source, pulled as asked, closed once."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit.adapters import HEADERS, describe_error, encode
from langchain_streamkit.adapters._json import event_object
from langchain_streamkit.errors import RateLimitError, StreamInterruptedError
from langchain_streamkit.events import FinalEvent, TextEvent

from .scripted import (
    EVENT_STREAMS,
    HOSTILE,
    NEVER,
    PROTOCOLS,
    RUN,
    Scripted,
    SyncScripted,
)

CUT = StreamInterruptedError("The connection was reset at https://me:pw@host/x")


def data_lines(frames: bytes) -> list[str]:
    """The data of each event, by a reader that is not ours."""
    response = httpx.Response(
        200, content=frames, headers={"content-type": "text/event-stream"}
    )
    return [event.data for event in EventSource(response).iter_sse() if event.data]


def texts(protocol: str, frames: bytes) -> str:
    """The answer's text as a client of that protocol puts it together."""
    if protocol == "text":
        return frames.decode()
    lines = frames.decode().split("\n") if protocol == "ndjson" else data_lines(frames)
    objects = [json.loads(line) for line in lines if line and line != "[DONE]"]
    pieces = {
        "sse": lambda o: o["content"] if o["type"] == "text" else "",
        "ndjson": lambda o: o["content"] if o["type"] == "text" else "",
        "vercel": lambda o: o["delta"] if o["type"] == "text-delta" else "",
        "agui": lambda o: o["delta"] if o["type"] == "TEXT_MESSAGE_CONTENT" else "",
        "openai": lambda o: "".join(
            choice["delta"].get("content", "") for choice in o.get("choices", ())
        ),
    }[protocol]
    return "".join(map(pieces, objects))


# ── the text comes whole, and harmless ──────────────────────────────────────────


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(
    pieces=st.lists(st.text() | st.sampled_from([HOSTILE, "\r", "\n", "\r\n", "</"]))
)
def test_the_text_comes_back_whole(protocol: str, pieces: list[str]) -> None:
    events = [*(TextEvent(piece) for piece in pieces), FinalEvent(finish_reason="stop")]
    assert texts(protocol, b"".join(encode(events, protocol))) == "".join(pieces)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_half_characters_never_break_a_frame(protocol: str) -> None:
    halves = [TextEvent("a\ud83d"), TextEvent("\udc4bb"), FinalEvent()]
    text = texts(protocol, b"".join(encode(halves, protocol)))
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16")
    assert joined == "a👋b"


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if p != "text"])
def test_no_frame_holds_what_a_screen_could_obey(protocol: str) -> None:
    events = [
        type(event)(**{**vars_of(event), "content": HOSTILE})
        if isinstance(event, TextEvent)
        else event
        for event in RUN
    ]
    frames = b"".join(encode(events, protocol)).decode()
    forbidden = "<>\x1b\x9b\x85\u2028\u2029\u202e\u2066\x7f\x00\r\x0b\x0c\x1c"
    assert [character for character in forbidden if character in frames] == []


def vars_of(event: TextEvent) -> dict[str, str | None]:
    return {"message_id": event.message_id, "node": event.node}


@pytest.mark.parametrize("protocol", EVENT_STREAMS)
def test_line_counters_of_every_kind_see_the_same_frames(protocol: str) -> None:
    frames = b"".join(encode([TextEvent(HOSTILE), FinalEvent()], protocol))
    assert frames.decode().splitlines() == frames.decode().split("\n")[:-1]


def test_text_says_what_the_model_says_and_no_browser_may_guess() -> None:
    assert b"".join(encode([TextEvent(HOSTILE)], "text")).decode() == HOSTILE
    assert HEADERS["text"]["content-type"] == "text/plain; charset=utf-8"
    assert {headers["x-content-type-options"] for headers in HEADERS.values()} == {
        "nosniff"
    }


# ── pulling and closing ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_nothing_is_read_ahead(protocol: str) -> None:
    source = Scripted(TextEvent(str(n)) for n in range(9))
    frames = encode(source, protocol)
    assert source.pulled == 0
    await anext(frames)
    assert source.pulled == 1
    await frames.aclose()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_leaving_closes_the_source_once(protocol: str, taken: int) -> None:
    source = Scripted(TextEvent(str(n)) for n in range(9))
    frames = encode(source, protocol)
    for _ in range(taken):
        await anext(frames)
    await frames.aclose()
    await frames.aclose()
    assert source.closed == 1
    assert [frame async for frame in frames] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_end_closes_the_source_once(protocol: str) -> None:
    source = Scripted(RUN)
    frames = encode(source, protocol)
    assert [frame async for frame in frames]
    await frames.aclose()
    assert source.closed == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_cancelling_a_stalled_reader_reaches_the_source(protocol: str) -> None:
    source = Scripted([TextEvent("a"), NEVER])
    frames = encode(source, protocol)

    async def read() -> None:
        async for _ in frames:
            pass

    reader = asyncio.ensure_future(read())
    await source.stalls.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert (source.cancelled, source.closed) == (1, 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_sync_and_async_say_the_same(protocol: str) -> None:
    options = {"agui": {"thread_id": "t", "run_id": "r"}, "openai": {"id": "i"}}
    kept = options.get(protocol, {})
    events = [event for event in RUN if event.type != "tool_result"]  # random ids
    sync = b"".join(encode(events, protocol, **kept))
    source = Scripted(events)
    apart = [frame async for frame in encode(source, protocol, **kept)]
    assert b"".join(apart) == sync


def test_a_sync_source_is_closed_once_too() -> None:
    for steps, taken in (([TextEvent("a")] * 3, 1), (RUN, 99), ([CUT], 99)):
        source = SyncScripted(steps)
        frames = encode(source, "ndjson")
        for _ in zip(range(taken), frames, strict=False):
            pass
        frames.close()
        assert source.closed == 1


def test_an_interrupt_closes_the_source_and_is_raised() -> None:
    source = SyncScripted([TextEvent("a"), KeyboardInterrupt()])
    frames = encode(source)
    next(frames)
    with pytest.raises(KeyboardInterrupt):
        next(frames)
    assert source.closed == 1


# ── failures ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if p != "text"])
async def test_a_failure_is_told_and_the_stream_ends(protocol: str) -> None:
    source = Scripted([TextEvent("Half an ans"), CUT])
    frames = b"".join([frame async for frame in encode(source, protocol)])
    assert b"The connection was reset at https://[hidden]@host/x" in frames
    assert b"me:pw" not in frames
    assert texts(protocol, frames) == "Half an ans"
    assert source.closed == 1


async def test_text_has_no_place_for_a_failure_and_is_cut() -> None:
    source = Scripted([TextEvent("Half an ans"), CUT])
    frames = encode(source, "text")
    assert await anext(frames) == b"Half an ans"
    with pytest.raises(StreamInterruptedError, match=r"\[hidden\]@host"):
        await anext(frames)
    assert source.closed == 1


def test_an_error_frame_has_its_four_fields_and_nothing_follows() -> None:
    slow = RateLimitError("slow down", retry_after=1.0)
    frames = list(encode(SyncScripted([TextEvent("a"), slow]), "sse"))
    assert frames[1:] == [
        (
            b"event: error\n"
            b'data: {"type":"error","message":"slow down",'
            b'"code":"rate_limit","retryable":true}\n\n'
        )
    ]


def test_the_words_of_a_failure_are_the_callers_choice() -> None:
    def shy(error: Exception):
        return {**describe_error(error), "message": "Sorry."}

    frames = list(encode(SyncScripted([CUT]), "ndjson", on_error=shy))
    assert json.loads(frames[0])["message"] == "Sorry."


def test_an_event_that_cannot_be_written_is_a_failure_too(caplog) -> None:
    loop: list[object] = []
    loop.append(loop)
    broken = FinalEvent(metadata={"loop": loop})
    source = SyncScripted([TextEvent("a"), broken])
    last = json.loads(list(encode(source, "ndjson"))[-1])
    assert (last["type"], last["code"]) == ("error", "internal_error")
    assert source.closed == 1


def test_a_failure_of_our_own_is_a_server_error_to_openais_clients(caplog) -> None:
    frames = list(encode(SyncScripted([TextEvent("a"), RuntimeError("x")]), "openai"))
    told = next(frame for frame in frames if b"error" in frame)
    error = json.loads(told.removeprefix(b"data: "))["error"]
    assert (error["type"], error["code"]) == ("server_error", "internal_error")


def test_unknown_protocols_and_options_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'smoke'.*sse, ndjson"):
        encode([], "smoke")
    with pytest.raises(TypeError, match="version"):
        encode([], "sse", version=6)
    with pytest.raises(ValueError, match="5, 6 or 7"):
        encode([], "vercel", version=4)


# ── our own events ──────────────────────────────────────────────────────────────


def test_an_sse_frame_bears_the_type_and_the_event() -> None:
    response = httpx.Response(
        200,
        content=b"".join(encode(RUN, "sse")),
        headers={"content-type": "text/event-stream"},
    )
    received = list(EventSource(response).iter_sse())
    assert [sse.event for sse in received] == [event.type for event in RUN]
    assert [sse.json()["type"] for sse in received] == [event.type for event in RUN]
    assert received[2].json() == {
        "type": "reasoning",
        "content": "Let me ",
        "message_id": "m1",
    }
    final = received[-1].json()
    assert final["message"] == {"type": "ai", "id": "m2", "content": "It rains."}
    assert final["usage"]["cost"] == 0.5


def test_ndjson_says_the_same_a_line_each() -> None:
    lines = b"".join(encode(RUN, "ndjson")).splitlines()
    sse = [json.loads(data) for data in data_lines(b"".join(encode(RUN, "sse")))]
    assert [json.loads(line) for line in lines] == sse


def test_headers_of_the_models_server_stay_here() -> None:
    meta = next(event for event in RUN if event.type == "meta")
    assert "set-cookie" in str(meta.metadata)
    assert event_object(meta)["metadata"] == {}
    for protocol in PROTOCOLS:
        assert b"secret" not in b"".join(encode(RUN, protocol))


def test_numbers_and_objects_that_json_has_no_word_for_are_written() -> None:
    odd = FinalEvent(
        metadata={
            "nan": float("nan"),
            "big": 2**70,
            "half": "\ud800",
            "set": {1},
            "object": ValueError("x"),
        }
    )
    written = json.loads(next(iter(encode([odd], "ndjson"))))["metadata"]
    assert written == {
        "nan": None,
        "big": 2**70,
        "half": "\ud800",
        "set": [1],
        "object": "x",
    }
