"""Bounds on what a server may send: typed errors, and memory near the bound."""

from __future__ import annotations

import asyncio
import json
import random
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit import errors
from langchain_streamkit._http.content_coding import ContentDecoder, unpack
from langchain_streamkit._wire.tool_calls import MAX_TOOL_CALLS
from langchain_streamkit.testing import (
    Compress,
    FakeServer,
    Insert,
    Reply,
    Rewrite,
    Send,
    ToolCall,
)

from .cases import TEXT
from .conftest import make_model
from .running import PROMPT, Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from langchain_core.language_models import BaseChatModel

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("nothing_left")]

MEBIBYTE = 1024 * 1024
LIMIT = 2 * MEBIBYTE
BOMB = 64 * MEBIBYTE
SLACK = 2 * MEBIBYTE  # what a stream needs besides its body
GZIP = 31


@pytest.fixture
def peak_bytes() -> Iterator[Callable[[], int]]:
    """How much more memory was in use at once than when the test asked first."""
    tracemalloc.start()
    start = 0

    def peak() -> int:
        nonlocal start
        current, most = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        if not start:
            start = current
            return 0
        return most - start

    yield peak
    tracemalloc.stop()


# ── memory ──────────────────────────────────────────────────────────────────────

LARGE: dict[str, tuple[Reply, dict[str, int]]] = {
    "a gzip bomb": (Reply.bomb(BOMB), {"max_event_bytes": LIMIT}),
    "a deflate bomb": (Reply.bomb(BOMB, "deflate"), {"max_event_bytes": LIMIT}),
    "a bomb of white space": (
        Reply.script(
            Send(zlib.compress(b" " * BOMB, wbits=GZIP)),
            headers={"content-encoding": "gzip"},
        ),
        {"max_event_bytes": LIMIT},
    ),
    "a bomb of small comments": (
        Reply.script(
            Send(zlib.compress(b": ping\n\n" * (BOMB // 8), wbits=GZIP)),
            headers={"content-encoding": "gzip"},
        ),
        {"max_response_bytes": LIMIT},
    ),
    "a long line": (
        Reply.script(Send(b"data: "), *[Send(b"x" * 65536)] * 256),
        {"max_event_bytes": LIMIT},
    ),
    "a JSON body": (
        Reply.script(Send(b'{"a": "'), *[Send(b"x" * 65536)] * 256),
        {"max_event_bytes": LIMIT},
    ),
    "white space": (
        Reply.script(*[Send(b"\n" * 65536)] * 256),
        {"max_event_bytes": LIMIT},
    ),
    "many frames": (
        Reply.script(*[Send((b"data: [%b]\n\n" % (b"1," * 500 + b"1")) * 60)] * 256),
        {"max_response_bytes": LIMIT},
    ),
}


@pytest.mark.parametrize(("reply", "bounds"), LARGE.values(), ids=LARGE.keys())
async def test_what_is_too_large_ends_the_stream_and_costs_little(
    read_stream: ReadStream,
    peak_bytes: Callable[[], int],
    reply: Reply,
    bounds: dict[str, int],
) -> None:
    with FakeServer([reply]) as server:
        model = make_model(server.url, max_retries=0, **bounds)
        peak_bytes()
        seen = await read_stream(model)
        peak = peak_bytes()
        assert server.wait_idle(1)
    (name,) = bounds
    assert type(seen.error) is errors.StreamLimitError
    for words in (name, str(LIMIT), "127.0.0.1", "'fake'", "Raise"):
        assert words in str(seen.error)
    assert peak < 2 * LIMIT + SLACK


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_whole_answers_are_bounded_after_unpacking(
    peak_bytes: Callable[[], int], coding: Any
) -> None:
    with FakeServer([Reply.bomb(BOMB, coding)] * 2) as server:
        model = make_model(server.url, max_retries=0, max_event_bytes=LIMIT)
        peak_bytes()
        for invoke in (
            lambda: asyncio.to_thread(model.invoke, PROMPT),
            lambda: model.ainvoke(PROMPT),
        ):
            with pytest.raises(errors.StreamLimitError, match="max_event_bytes"):
                await invoke()
        assert peak_bytes() < 2 * LIMIT + SLACK


async def test_the_body_of_a_refusal_is_bounded(
    read_stream: ReadStream, peak_bytes: Callable[[], int]
) -> None:
    bomb = Reply.bomb(BOMB).replace(status=403)
    endless = Reply.script(*[Send(b"no " * 20_000)] * 256, status=403)
    refusal = Reply.error(403, "no")  # the first one of a process also fills caches
    with FakeServer([refusal, bomb, endless]) as server:
        model = make_model(server.url, max_retries=0)
        await read_stream(model)
        peak_bytes()
        for _ in range(2):
            seen = await read_stream(model)
            assert type(seen.error) is errors.PermissionDeniedError
        assert peak_bytes() < SLACK


# ── unpacking ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_stream_arrives_word_by_word(
    read_stream: ReadStream, coding: Any
) -> None:
    reply = Reply(TEXT, frame_delay=0.01, faults=[Compress(coding)])
    with FakeServer([reply]) as server:
        seen = await read_stream(make_model(server.url))
    assert (seen.error, seen.pieces) == (None, ["One", " two", " three", " four"])


def packed(data: bytes, bits: int) -> bytes:
    engine = zlib.compressobj(wbits=bits)
    return engine.compress(data) + engine.flush()


@given(
    data=st.binary(max_size=3000) | st.integers(0, 300_000).map(lambda n: b"a" * n),
    coding=st.sampled_from(
        [("gzip", 31), ("x-gzip", 31), ("deflate", 15), ("deflate", -15)]
    ),
    seed=st.integers(0, 1000),
)
def test_unpacking_is_the_same_wherever_the_bytes_were_cut(
    data: bytes, coding: tuple[str, int], seed: int
) -> None:
    name, bits = coding
    body = packed(data, bits)
    decoder, chance = ContentDecoder(name), random.Random(seed)
    pieces: list[bytes] = []
    while body:
        size = chance.randint(1, max(1, len(body)))
        pieces += decoder.pieces(body[:size])
        body = body[size:]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= 65536 for piece in pieces)


def test_a_gzip_body_may_be_several_files_and_padding() -> None:
    body = packed(b"one", GZIP) + packed(b" two", GZIP) + b"\0\0"
    for cut in range(len(body)):
        decoder = ContentDecoder("gzip")
        pieces = [*decoder.pieces(body[:cut]), *decoder.pieces(body[cut:])]
        assert b"".join(pieces) == b"one two"


def test_of_a_broken_body_the_good_part_is_read() -> None:
    body = packed(bytes(range(256)) * 40, GZIP)
    broken = body[:200] + b"\xff" * 50
    assert bytes(range(256)).startswith(unpack(broken, "gzip", 100)[:1])
    assert unpack(b"whatever", "br", 100) == b""
    assert unpack(b"as it is", "", 2) == b"as"


# ── tool calls ──────────────────────────────────────────────────────────────────


def collected(model: Any) -> tuple[Any, BaseException | None]:
    """The sum of a stream's chunks, and its error."""
    total = None
    try:
        for chunk in model.stream(PROMPT):
            total = chunk if total is None else total + chunk
    except errors.StreamKitError as error:
        return total, error
    return total, None


def test_arguments_are_bounded() -> None:
    limit = 64 * 1024
    call = ToolCall("f", {"a": "x" * 2 * limit}, pieces=2000)
    with FakeServer([Reply(tool_calls=[call])]) as server:
        model = make_model(server.url, max_event_bytes=limit)
        _, error = collected(model)
    assert type(error) is errors.StreamLimitError
    for words in ("arguments", f"max_event_bytes={limit}", "127.0.0.1", "'fake'"):
        assert words in str(error)
    assert error.partial is not None
    assert error.partial.tool_calls == []


def test_the_number_of_calls_is_bounded() -> None:
    calls = [ToolCall("f", {}, id=f"c{n}") for n in range(MAX_TOOL_CALLS + 1)]
    with FakeServer([Reply(tool_calls=calls)]) as server:
        _, error = collected(make_model(server.url))
    assert type(error) is errors.StreamLimitError
    assert str(MAX_TOOL_CALLS) in str(error)
    assert "127.0.0.1" in str(error)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("pieces", ["whole", 1000])
def test_arguments_that_nest_for_ever_are_an_invalid_call(
    opening: str, pieces: Any
) -> None:
    call = ToolCall("f", '{"a":' + opening * 20_000, pieces=pieces)
    with FakeServer([Reply(tool_calls=[call])] * 2) as server:
        model = make_model(server.url)
        total, error = collected(model)
        assert error is None
        assert total.tool_calls == []
        assert len(total.invalid_tool_calls) == 1
        message = model.invoke(PROMPT)
    assert message.tool_calls == []
    assert len(message.invalid_tool_calls) == 1


@pytest.mark.parametrize("place", ["frame", "body"])
async def test_json_that_nests_for_ever_is_no_answer(
    read_stream: ReadStream, place: str
) -> None:
    deep = b'{"choices":' * 50_000
    reply = (
        Reply(TEXT, faults=[Insert(b"data: " + deep + b"\n\n", after_frames=3)])
        if place == "frame"
        else Reply.body(deep)
    )
    with FakeServer([reply]) as server:
        seen = await read_stream(make_model(server.url, max_retries=0))
    assert type(seen.error) is errors.ProtocolError


def test_many_small_pieces_cost_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        arguments = json.dumps({"a": "x" * count})
        call = ToolCall("f", arguments, pieces=1)
        with FakeServer([Reply(tool_calls=[call], frames_per_send=200)]) as server:
            model = make_model(server.url)
            started = time.process_time()
            last = None
            for chunk in model.stream(PROMPT):  # core adds them up at the end
                last = chunk
            assert last is not None
            return time.process_time() - started

    seconds(100)
    few, many = (min(seconds(count) for _ in range(3)) for count in (1_500, 6_000))
    assert many < 4 * 2.5 * few


def test_frames_that_come_twice_are_what_was_sent_twice() -> None:
    """Only a server's own ids tell a repetition from the same words again."""
    with FakeServer(
        [Reply("ha ha", faults=[Rewrite(lambda frame: frame * 2, 1)])]
    ) as server:
        total, error = collected(make_model(server.url))
    assert error is None
    assert total.text == "haha ha"


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a": 1e999}',
        '{"a": NaN}',
        '{"a": ' + "9" * 5000 + "}",
        r'{"a": "\ud800"}',
        '{"a": 1, "a": 2}',
    ],
)
def test_odd_json_in_arguments_never_ends_in_an_untyped_error(arguments: str) -> None:
    with FakeServer([Reply(tool_calls=[ToolCall("f", arguments)])]) as server:
        total, error = collected(make_model(server.url))
    assert error is None
    assert len(total.tool_calls) + len(total.invalid_tool_calls) == 1
