"""Answers become objects: whole, while they grow, and when they do not."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import json
import pickle
from contextlib import aclosing
from functools import reduce
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING, Any

import langchain_core.messages.ai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.runnables import AddableDict, RunnableParallel, RunnableSequence
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.json import parse_partial_json
from pydantic import BaseModel, ConfigDict, RootModel, field_validator
from typing_extensions import override

from langchain_streamkit._langchain.structured_output import structured_output
from langchain_streamkit._langchain.structured_parser import (
    RawAndParsed,
    StructuredOutputParser,
)
from langchain_streamkit.errors import (
    StreamInterruptedError,
    TruncatedOutputError,
)
from tests.unit_tests.langchain_.scripted_model import (
    CUT_TEXT,
    JOKE,
    JOKE_TEXT,
    METHODS,
    OPENAI,
    Joke,
    JokeDict,
    JokeV1,
    ScriptedModel,
    chain_of,
    gather,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def cut(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, *(place % len(text) for place in cuts), len(text)})
    return [text[start:end] for start, end in pairwise(places)]


# ── objects ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Joke, Joke(**JOKE)),
        (JokeV1, JokeV1(**JOKE)),
        (JokeDict, JOKE),
        (Joke.model_json_schema(), JOKE),
        ({"name": "Joke", "parameters": Joke.model_json_schema()}, JOKE),
    ],
    ids=["pydantic", "pydantic v1", "typeddict", "json schema", "function"],
)
async def test_every_method_gives_every_kind_of_object(
    method, schema, expected
) -> None:
    name = (
        "JokeV1" if schema is JokeV1 else "JokeDict" if schema is JokeDict else "Joke"
    )
    tool = name if method == "function_calling" else None
    chain = chain_of(schema=schema, method=method, tool=tool)

    assert chain.invoke("Hi") == expected
    assert await chain.ainvoke("Hi") == expected
    streamed = list(chain.stream("Hi"))
    assert streamed[-1] == expected
    assert {type(item) for item in streamed} == {type(expected)}
    assert await gather(chain.astream("Hi")) == streamed


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("output_version", [None, "v1"])
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_a_dict_grows_to_what_invoke_gives_however_it_is_cut(
    method, output_version, cuts
) -> None:
    chain = chain_of(
        cut(JOKE_TEXT, cuts), JokeDict, method, tool=None, output_version=output_version
    )
    if method == "function_calling":
        chain = chain_of(cut(JOKE_TEXT, cuts), JokeDict, method, tool="JokeDict")

    items = list(chain.stream("Hi"))

    assert items[-1] == chain.invoke("Hi") == JOKE
    assert all(early != late for early, late in pairwise(items))
    assert all(list(item) == list(JOKE)[: len(item)] for item in items)
    for early, late in pairwise(items):
        assert all(str(late[key]).startswith(str(early[key])) for key in early)


def test_a_dict_never_shows_half_a_number_or_escape() -> None:
    items = list(chain_of(schema=JokeDict).stream("Hi"))

    assert {item["rating"] for item in items if "rating" in item} == {7}
    assert not any(item.get("punchline", "").endswith("\\") for item in items)


def test_what_a_reader_does_to_an_item_does_not_reach_the_next() -> None:
    items = []
    for item in chain_of(schema=JokeDict).stream("Hi"):
        items.append(dict(item))
        item.clear()

    assert items[-1] == JOKE


def test_instances_come_from_when_one_validates() -> None:
    items = list(chain_of().stream("Hi"))

    assert all(isinstance(item, Joke) for item in items)
    assert items[0] == Joke(setup=JOKE["setup"], punchline="")
    assert items[-1] == Joke(**JOKE)
    assert all(early != late for early, late in pairwise(items))


def test_half_an_object_may_break_a_users_validator() -> None:
    class Shouting(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def check(cls, text: str) -> str:
            if not text.endswith("!"):
                raise KeyError(text)
            return text

    items = list(chain_of('{"text": "Hey!"}', Shouting).stream("Hi"))

    assert items == [Shouting(text="Hey!")]


def test_an_instance_that_equals_the_last_one_is_not_given_again() -> None:
    class Setup(BaseModel):
        setup: str

    items = list(
        chain_of('{"setup": "Why", "other": "a long text"}', Setup).stream("Hi")
    )

    assert items == [Setup(setup=text) for text in ("", "W", "Wh", "Why")]


def test_a_whole_answer_is_validated_once() -> None:
    seen = []

    class Counted(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def count(cls, text: str) -> str:
            seen.append(text)
            return text

    chain_of('{"text": "Hey!"}', Counted).invoke("Hi")

    assert seen == ["Hey!"]


def test_a_strict_class_takes_values_in_their_json_form() -> None:
    class Event(BaseModel):
        model_config = ConfigDict(strict=True)
        day: dt.date
        tags: set[str]

    event = chain_of('{"day": "2026-11-21", "tags": ["a"]}', Event).invoke("Hi")

    assert event == Event(day=dt.date(2026, 11, 21), tags={"a"})


def test_a_root_model_of_a_list_grows() -> None:
    class Names(RootModel[list[str]]):
        """Names."""

    items = list(chain_of('["Ada", "Alan"]', Names).stream("Hi"))

    assert items[-1] == Names(["Ada", "Alan"])
    assert items[0] == Names([""])


def test_json_mode_without_a_schema_gives_what_comes() -> None:
    assert chain_of('{"a": 1}', None, "json_mode").invoke("Hi") == {"a": 1}
    assert chain_of('[{"a": 1}]', None, "json_mode").invoke("Hi") == [{"a": 1}]


@pytest.mark.parametrize("text", ["Here:\n```json\n%s\n```\nEnjoy [1]!", "[1] %s"])
def test_prose_around_the_object_is_left_out(text: str) -> None:
    chain = chain_of(text.replace("%s", JOKE_TEXT))

    assert chain.invoke("Hi") == list(chain.stream("Hi"))[-1] == Joke(**JOKE)


def test_a_call_without_arguments_is_an_empty_object() -> None:
    class Nothing(BaseModel):
        """Nothing."""

    chain = chain_of("", Nothing, "function_calling", tool="Nothing")

    assert chain.invoke("Hi") == Nothing()
    assert list(chain.stream("Hi")) == [Nothing()]


def test_the_first_call_of_the_tool_counts() -> None:
    def piece(index: int, name: str | None, args: str) -> AIMessageChunk:
        call = tool_call_chunk(index=index, id=name and "x", name=name, args=args)
        return AIMessageChunk(content="", tool_call_chunks=[call])

    chunks = [
        piece(0, "other", '{"a":'),
        piece(1, "wanted", ""),
        piece(1, None, '{"a": '),
        piece(0, None, " 0}"),
        piece(2, "wanted", '{"a": 2}'),
        piece(1, None, "1}"),
    ]

    parser = StructuredOutputParser(tool_name="wanted")

    assert list(parser.transform(iter(chunks))) == [{}, {"a": 1}]
    assert parser.invoke(reduce(add, chunks)) == {"a": 1}


def test_a_model_that_does_not_stream_gives_one_object() -> None:
    class Silent(ScriptedModel):
        disable_streaming: bool = True

    for tool in (None, "Joke"):
        model = Silent(pieces=[JOKE_TEXT], tool=tool)
        chain = structured_output(
            model,
            Joke,
            method="function_calling" if tool else "json_schema",
            provider=OPENAI,
        )
        assert list(chain.stream("Hi")) == [Joke(**JOKE)]


# ── include_raw ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
async def test_raw_and_parsed_add_up_to_what_invoke_gives(method) -> None:
    chain = chain_of(schema=Joke, method=method, include_raw=True)
    whole = chain.invoke("Hi")

    for pieces in (list(chain.stream("Hi")), await gather(chain.astream("Hi"))):
        total = reduce(add, pieces)
        assert list(total) == list(whole) == ["raw", "parsed", "parsing_error"]
        assert total["parsed"] == whole["parsed"] == Joke(**JOKE)
        assert total["parsing_error"] is whole["parsing_error"] is None
        assert total["raw"].content == whole["raw"].content
        assert total["raw"].tool_calls == whole["raw"].tool_calls
        assert [piece for piece in pieces if piece.get("raw")] == pieces[:-1]
        assert any(
            piece["raw"].text or piece["raw"].tool_call_chunks for piece in pieces[:-1]
        )

    again = await chain.ainvoke("Hi")
    assert again["raw"].content == whole["raw"].content
    assert {**again, "raw": None} == {**whole, "raw": None}
    assert isinstance(whole["raw"], AIMessage)


@pytest.mark.parametrize("method", METHODS)
def test_an_error_is_a_value_with_include_raw(method) -> None:
    chain = chain_of(CUT_TEXT, method=method, finish_reason="length", include_raw=True)

    for result in (chain.invoke("Hi"), reduce(add, chain.stream("Hi"))):
        assert result["parsed"] is None
        assert isinstance(result["parsing_error"], TruncatedOutputError)
        assert result["raw"].response_metadata["finish_reason"] == "length"


def test_an_error_of_the_model_is_no_parsing_error() -> None:
    chain = chain_of(CUT_TEXT, fails=True, include_raw=True)

    with pytest.raises(StreamInterruptedError):
        list(chain.stream("Hi"))


def test_the_sum_is_right_inside_a_map_too() -> None:
    chain = RunnableParallel(joke=chain_of(schema=JokeDict, include_raw=True))

    total = reduce(add, chain.stream("Hi"))

    assert total["joke"]["parsed"] == JOKE
    assert total["joke"]["raw"].content == JOKE_TEXT


def test_a_piece_of_a_call_that_was_not_opened_is_kept_in_the_sum() -> None:
    def piece(index: int, name: str | None, args: str) -> RawAndParsed:
        call = tool_call_chunk(index=index, id=name, name=name, args=args)
        return RawAndParsed(raw=AIMessageChunk(content="", tool_call_chunks=[call]))

    total = piece(0, "a", "{") + piece(0, None, '"x": ') + piece(1, None, "{}")
    last = RawAndParsed(raw=AIMessageChunk(content="", chunk_position="last"))

    assert [call["args"] for call in total["raw"].tool_call_chunks] == ['{"x": ', "{}"]
    assert (total + piece(0, None, "1}") + last)["raw"].tool_calls[0]["args"] == {
        "x": 1
    }


def test_pieces_add_up_from_either_side() -> None:
    first, last = (
        AddableDict(raw="a", parsed={"x": 1}),
        RawAndParsed(raw="b", parsed=None),
    )

    assert first + last == {"raw": "ab", "parsed": None}
    assert last + first == {"raw": "ba", "parsed": {"x": 1}}
    assert isinstance(first + last, RawAndParsed)


# ── inside LangChain ────────────────────────────────────────────────────────────


class Recorder(BaseCallbackHandler):
    """Keeps what callbacks are told."""

    @override
    def __init__(self) -> None:
        self.options: list[dict[str, Any]] = []
        self.ends: list[Any] = []
        self.inputs: list[Any] = []

    @override
    def on_chat_model_start(
        self, serialized: Any, messages: Any, **kwargs: Any
    ) -> None:
        self.options.append(kwargs["options"])

    @override
    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.ends.append(outputs)
        self.inputs.append(kwargs.get("inputs"))


@pytest.mark.parametrize("schema", [Joke, JokeDict, Joke.model_json_schema()])
@pytest.mark.parametrize("method", METHODS)
def test_traces_get_the_schema_as_langchain_expects_it(schema, method) -> None:
    tool = "JokeDict" if schema is JokeDict else "Joke"
    chain = chain_of(
        schema=schema,
        method=method,
        tool=tool if method == "function_calling" else None,
    )
    recorder = Recorder()

    chain.invoke("Hi", {"callbacks": [recorder]})
    list(chain.stream("Hi", {"callbacks": [recorder]}))

    for options in recorder.options:
        form = options["ls_structured_output_format"]
        assert form["schema"] == convert_to_json_schema(schema)
        assert form["kwargs"]["method"] == method
    assert len(recorder.options) == 2


@pytest.mark.parametrize("method", METHODS)
def test_the_trace_of_a_stream_has_the_whole_answer_and_the_whole_object(
    method,
) -> None:
    recorder = Recorder()

    list(chain_of(method=method).stream("Hi", {"callbacks": [recorder]}))

    answer, _ = recorder.inputs
    is_call = method == "function_calling"
    text = answer.tool_call_chunks[0]["args"] if is_call else answer.text
    assert text == JOKE_TEXT
    assert answer.response_metadata == {"finish_reason": "stop"}
    assert recorder.ends == [Joke(**JOKE), Joke(**JOKE)]


async def test_events_of_the_parser_carry_the_growing_object() -> None:
    chain = chain_of(schema=JokeDict)

    events = [event async for event in chain.astream_events("Hi", version="v2")]

    grown = [
        event["data"]["chunk"]
        for event in events
        if event["event"] == "on_parser_stream"
    ]
    assert grown[-1] == JOKE
    assert grown == list(chain.stream("Hi"))


def test_the_chain_says_what_it_gives() -> None:
    chain = chain_of()

    assert isinstance(chain, RunnableSequence)
    assert chain.OutputType is Joke
    assert chain.get_output_schema() is Joke
    assert chain_of(schema=JokeDict).OutputType == dict[str, Any]
    assert chain_of(include_raw=True).OutputType == dict[str, Any]
    assert chain_of(schema=JokeV1).get_output_schema()


def test_the_parser_pickles() -> None:
    parser = chain_of().last

    again = pickle.loads(pickle.dumps(parser))

    assert again.invoke(JOKE_TEXT) == Joke(**JOKE)


@pytest.mark.parametrize("include_raw", [False, True])
def test_a_reader_that_leaves_closes_the_models_stream(include_raw) -> None:
    chain = chain_of(schema=JokeDict, include_raw=include_raw)
    stream = chain.stream("Hi")
    next(stream)

    stream.close()
    gc.collect()

    assert chain.first.bound.closed == [True]


@pytest.mark.parametrize("include_raw", [False, True])
async def test_an_async_reader_that_leaves_closes_it_soon(include_raw) -> None:
    chain = chain_of(schema=JokeDict, include_raw=include_raw)

    async with aclosing(chain.astream("Hi")) as stream:
        await anext(stream)

    closed = chain.first.bound.closed
    for _ in range(40):  # core leaves its generators to the loop, one by one
        if closed:
            break
        await asyncio.sleep(0)
    assert closed == [True]


def test_leaving_closes_the_source_even_where_others_hold_it() -> None:
    source = iter(chunk for chunk in ScriptedModel(pieces=list(JOKE_TEXT)).chunks())
    stream: Any = StructuredOutputParser().transform(source)
    next(stream)

    stream.close()

    assert next(source, None) is None


async def test_leaving_closes_an_async_source_before_it_returns() -> None:
    async def chunks() -> AsyncIterator[AIMessageChunk]:
        for chunk in ScriptedModel(pieces=list(JOKE_TEXT)).chunks():
            yield chunk

    source = chunks()
    stream: Any = StructuredOutputParser().atransform(source)
    async with aclosing(stream):
        await anext(stream)

    assert await anext(source, None) is None


def test_a_reader_that_leaves_reads_no_more() -> None:
    pulled: list[int] = []

    class Counting(ScriptedModel):
        @override
        def chunks(self) -> Iterator[AIMessageChunk]:
            for number, chunk in enumerate(super().chunks()):
                pulled.append(number)
                yield chunk

    model = Counting(pieces=list(JOKE_TEXT))
    chain: Any = structured_output(model, JokeDict, provider=OPENAI)
    stream = chain.stream("Hi")
    next(stream)
    stream.close()
    gc.collect()

    assert len(pulled) < 10


# ── cost ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("include_raw", [False, True])
def test_core_does_not_parse_the_arguments_anew_with_each_piece(
    include_raw, monkeypatch
) -> None:
    text = json.dumps({"setup": "Why? " * 1000, "punchline": "x"})
    pieces = [text[at : at + 8] for at in range(0, len(text), 8)]
    chain = chain_of(pieces, Joke, "function_calling", include_raw=include_raw)
    counted = 0
    parse = parse_partial_json

    def count(part: str, **options: Any) -> Any:
        nonlocal counted
        counted += len(part)
        return parse(part, **options)

    monkeypatch.setattr(langchain_core.messages.ai, "parse_partial_json", count)
    for _ in chain.stream("Hi"):
        pass

    assert counted < 10 * len(text)
