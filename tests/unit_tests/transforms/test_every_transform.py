"""What all transforms promise: nothing is lost, the source is closed once."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_streamkit.events import FieldEvent, FinalEvent, StatusEvent, TextEvent
from langchain_streamkit.transforms import (
    Segment,
    Tail,
    buffered,
    coalesce,
    segments,
    split_reasoning,
    tail,
)

from .sources import FORMS, AsyncSource, Source, agather, forever, text_of

TRANSFORMS: dict[str, Any] = {
    "buffered": lambda stream: buffered(stream, 2),
    "time": coalesce,
    "words": lambda stream: coalesce(stream, by="words"),
    "lines": lambda stream: coalesce(stream, by="lines"),
    "segments": segments,
    "reasoning": split_reasoning,
    "tail": lambda stream: tail(stream, 5),
}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)
every_form = pytest.mark.parametrize("form", FORMS)

WORDS = ["one ", "two", " three\n", "fo", "ur ``"]


def said(outputs: list[Any]) -> str:
    """The text of what came out."""
    if outputs and isinstance(outputs[0], Segment):
        return "".join(
            text_of(segment.item) if segment.kind == "other" else segment.raw
            for segment in outputs
        )
    if outputs and isinstance(outputs[0], Tail):
        return str(outputs[-1].full_text)
    return "".join(map(text_of, outputs))


@every_transform
@every_form
async def test_sync_and_async_give_the_same_and_all_of_it(name: str, form: str) -> None:
    items = [FORMS[form](word) for word in WORDS]
    source, asource = Source(items), AsyncSource(items)
    outputs = list(TRANSFORMS[name](source))
    aoutputs = await agather(TRANSFORMS[name](asource))
    assert said(outputs) == said(aoutputs) == "".join(WORDS)
    assert (source.closed, asource.closed) == (1, 1)
    if name != "time":
        assert outputs == aoutputs


@every_transform
def test_a_field_keeps_its_place_among_the_words(name: str) -> None:
    field = FieldEvent(("a",), "one")
    events = [TextEvent("one "), field, TextEvent("two"), FinalEvent()]
    outputs = list(TRANSFORMS[name](events))
    if name == "tail":
        assert said(outputs) == "one two"
        return
    [place] = [i for i, o in enumerate(outputs) if getattr(o, "item", o) == field]
    assert said(outputs[:place]) == "one "
    assert said(outputs[place:]) == "two"


@every_transform
async def test_the_form_of_the_stream_is_that_of_its_source(name: str) -> None:
    stream, astream = TRANSFORMS[name](["a"]), TRANSFORMS[name](AsyncSource(["a"]))
    assert inspect.isgenerator(stream)
    assert inspect.isasyncgen(astream)
    stream.close()
    await astream.aclose()


@every_transform
async def test_an_error_comes_after_all_that_came_before_it(name: str) -> None:
    outputs: list[Any] = []
    source = Source(WORDS, error=ConnectionError("cut"))
    with pytest.raises(ConnectionError, match="cut"):
        outputs.extend(TRANSFORMS[name](source))
    asource = AsyncSource(WORDS, error=ConnectionError("cut"))
    aoutputs: list[Any] = []
    with pytest.raises(ConnectionError, match="cut"):
        await agather(TRANSFORMS[name](asource), into=aoutputs)
    assert (source.closed, asource.closed) == (1, 1)
    assert said(aoutputs) == "".join(WORDS)


@every_transform
async def test_a_reader_that_leaves_closes_the_source_once(name: str) -> None:
    source = Source(["one two\n", "three four\n", "five"] * 100)
    stream = TRANSFORMS[name](source)
    next(stream)
    stream.close()
    stream.close()
    asource = AsyncSource(["one two\n", "three four\n", "five"] * 100)
    astream = TRANSFORMS[name](asource)
    await anext(astream)
    await astream.aclose()
    await astream.aclose()
    assert (source.closed, asource.closed) == (1, 1)
    assert source.read < 10
    assert asource.read < 10


@every_transform
async def test_a_reader_cancelled_at_any_await_closes_the_source_once(
    name: str,
) -> None:
    """Each turn of the event loop is a place where the task may be cancelled."""
    for turns in range(40):
        source = AsyncSource(["one two ", "three\n", forever, "never"])
        task = asyncio.create_task(agather(TRANSFORMS[name](source)))
        for _ in range(turns):
            await asyncio.sleep(0)
        begun = source.read > 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.closed == 1 or not begun
        assert source.closed <= 1
    assert len(asyncio.all_tasks()) == 1


@every_transform
async def test_the_source_lives_in_one_context(name: str) -> None:
    """A generator may set a context variable and reset it, whoever reads it."""
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="outer")

    async def source() -> Any:
        token = variable.set("inner")
        try:
            for word in WORDS:
                assert variable.get() == "inner"
                yield word
        finally:
            variable.reset(token)

    assert said(await agather(TRANSFORMS[name](source()))) == "".join(WORDS)


@every_transform
def test_the_sum_of_the_chunks_stays(name: str) -> None:
    def piece(**fields: Any) -> AIMessageChunk:
        return AIMessageChunk(id="run-1", **{"content": "", **fields})

    call = {"name": "look", "args": '{"a"', "id": "c1", "index": 0}
    more = {"name": None, "args": ": 1}", "id": None, "index": 0}
    chunks = [
        piece(),
        piece(additional_kwargs={"reasoning_content": "Let "}),
        piece(additional_kwargs={"reasoning_content": "me."}),
        piece(content="It ", response_metadata={"logprobs": {"content": [1]}}),
        piece(content="rains.", response_metadata={"logprobs": {"content": [2]}}),
        piece(tool_call_chunks=[call]),
        piece(tool_call_chunks=[more]),
        piece(
            content="!",
            chunk_position="last",
            response_metadata={"finish_reason": "stop", "timing": 0.5},
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        ),
    ]
    outputs = list(TRANSFORMS[name](list(chunks)))
    if name == "segments":
        outputs = [
            segment.item if segment.kind == "other" else piece(content=segment.content)
            for segment in outputs
        ]
    if name == "tail":
        total = outputs[-1].message
    else:
        total = add_ai_message_chunks(*outputs)
        assert outputs[-1].chunk_position == "last"
    assert total == add_ai_message_chunks(*chunks)
    assert total.tool_calls[0]["args"] == {"a": 1}


@every_transform
def test_other_events_pass_in_their_place(name: str) -> None:
    status = StatusEvent("tool", "looking")
    final = FinalEvent()
    items = [TextEvent("Wait "), status, TextEvent("a ``"), final]
    outputs = list(TRANSFORMS[name](items))
    if name in {"segments", "tail"}:
        outputs = [output.item or output.raw for output in outputs]
    kept = [output for output in outputs if output in (status, final)]
    assert kept == [status, final]
    assert outputs[-1] is final


@every_transform
def test_nothing_gives_nothing(name: str) -> None:
    assert list(TRANSFORMS[name]([])) == []
