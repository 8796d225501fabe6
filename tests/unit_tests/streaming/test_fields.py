"""A structured answer becomes fields: each one once, when it is complete and valid."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
)
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, create_model

from langchain_streamkit import collect, iter_events
from langchain_streamkit.errors import StructuredOutputError, TruncatedOutputError
from langchain_streamkit.events import FieldEvent
from langchain_streamkit.testing import Cut, Reply, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_streamkit.events import StreamEvent
    from langchain_streamkit.testing import FakeServer
    from tests.unit_tests.conftest import MakeModel

    from .conftest import ReadEvents


class Row(BaseModel):
    """Something that is sold."""

    name: str
    price: float


class Offer(BaseModel):
    """What is sold to whom."""

    customer: str
    rows: list[Row]


OFFER = {"customer": "Ada", "rows": [{"name": "tea", "price": 3}]}
TEXT = json.dumps(OFFER)
METHODS = ["json_schema", "function_calling", "json_mode"]
PATHS = [
    ("customer",),
    ("rows", 0, "name"),
    ("rows", 0, "price"),
    ("rows", 0),
    ("rows",),
    (),
]
ASK = "Give me an offer, as json."
# What core binds to a model, where no format goes to the server.
ASKED: dict[str, Any] = {
    "ls_structured_output_format": {
        "kwargs": {"method": "json_mode"},
        "schema": Offer,
    }
}
every_method = pytest.mark.parametrize("method", METHODS)


def reply_for(method: str, text: str = TEXT, **options: Any) -> Reply:
    if method == "function_calling":
        pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
        call = ToolCall("Offer", text, pieces=pieces)
        return Reply(tool_calls=[call], **options)
    return Reply(text, split=3, **options)


def fields_of(events: Iterable[StreamEvent]) -> list[FieldEvent]:
    return [event for event in events if isinstance(event, FieldEvent)]


def paths_of(events: Iterable[StreamEvent]) -> list[Any]:
    return [field.path for field in fields_of(events)]


@every_method
@pytest.mark.parametrize("include_raw", [False, True])
async def test_each_field_is_told_once_and_the_object_last(
    method: Any, include_raw: bool, make_model: MakeModel, read: ReadEvents
) -> None:
    model = make_model(reply_for(method))
    offers = model.with_structured_output(Offer, method=method, include_raw=include_raw)
    fields = fields_of(events := await read(offers, ASK))
    assert [field.path for field in fields] == PATHS
    values = [field.value for field in fields]
    row = Row(name="tea", price=3)
    whole = Offer(customer="Ada", rows=[row])
    assert values == ["Ada", "tea", 3.0, row, [row], whole]
    assert {field.message_id for field in fields} == {events[-1].message.id}


@every_method
async def test_a_json_schema_tells_plain_json(
    method: Any, make_model: MakeModel, read: ReadEvents
) -> None:
    schema = Offer.model_json_schema()
    offers = make_model(reply_for(method)).with_structured_output(schema, method=method)
    fields = fields_of(await read(offers, ASK))
    assert [field.path for field in fields] == PATHS
    assert fields[-1].value == OFFER


@every_method
def test_a_field_comes_in_its_place_in_the_stream(
    method: Any, make_model: MakeModel
) -> None:
    offers = make_model(reply_for(method)).with_structured_output(Offer, method=method)
    said = ""
    for event in iter_events(offers, ASK):
        if event.type in {"text", "tool_call_delta"}:
            said += event.content
        elif isinstance(event, FieldEvent):
            assert len(said) - 3 <= END_OF[event.path] <= len(said)
    assert said == TEXT


END_OF = {
    ("customer",): TEXT.index(', "rows"'),
    ("rows", 0, "name"): TEXT.index(', "price"'),
    ("rows", 0, "price"): TEXT.index("}]}") + 1,
    ("rows", 0): TEXT.index("}]}") + 1,
    ("rows",): TEXT.index("}]}") + 2,
    (): len(TEXT),
}


@every_method
@pytest.mark.parametrize("schema", [Offer, Offer.model_json_schema()])
async def test_another_models_answer_is_read_as_well(
    method: Any, schema: Any, fake_server: FakeServer, read: ReadEvents
) -> None:
    fake_server.script(reply_for(method))
    model = ChatOpenAI(model="fake", base_url=fake_server.url, api_key="key")
    if method == "json_schema":  # the client's own parsing warns of its own object
        schema = Offer.model_json_schema()
    offers = model.with_structured_output(schema, method=method)
    fields = fields_of(await read(offers, ASK))
    assert [field.path for field in fields] == PATHS
    is_class = schema is Offer
    assert fields[-1].value == (Offer(**OFFER) if is_class else OFFER)


class Whole(FakeMessagesListChatModel):
    """A model that cannot stream; it takes tools."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        del tools
        return self.bind(**kwargs)


def test_an_answer_that_comes_whole_has_its_fields() -> None:
    call = {"name": "Offer", "args": OFFER, "id": "c"}
    model = Whole(responses=[AIMessage("", tool_calls=[call])])
    assert paths_of(iter_events(model.with_structured_output(Offer), ASK)) == PATHS


@every_method
def test_of_an_answer_that_was_cut_the_whole_fields_were_told(
    method: Any, make_model: MakeModel
) -> None:
    reply = reply_for(method, TEXT[:-5], finish_reason="length")
    offers = make_model(reply).with_structured_output(Offer, method=method)
    told: list[StreamEvent] = []
    with pytest.raises(TruncatedOutputError):
        told.extend(iter_events(offers, ASK))
    assert paths_of(told) == PATHS[:2]


def test_what_does_not_fit_is_not_told(make_model: MakeModel) -> None:
    bad = '{"customer": "Ada", "rows": [{"name": 1, "price": 3}]}'
    offers = make_model(bad).with_structured_output(Offer)
    told: list[Any] = []
    with pytest.raises(StructuredOutputError, match="name"):
        told.extend(iter_events(offers, ASK, only={"field"}))
    assert paths_of(told) == [("customer",), ("rows", 0, "price")]


@pytest.mark.usefixtures("no_waiting")
@every_method
async def test_a_retry_repeats_no_field(
    method: Any, make_model: MakeModel, read: ReadEvents
) -> None:
    model = make_model(Reply.error(503), reply_for(method))
    events = await read(model.with_structured_output(Offer, method=method), ASK)
    assert "retrying" in [event.phase for event in events if event.type == "status"]
    assert paths_of(events) == PATHS


@pytest.mark.usefixtures("no_waiting")
async def test_an_answer_that_is_resumed_repeats_no_field(
    make_model: MakeModel, read: ReadEvents
) -> None:
    """Of the server's own formats nothing is resumed; of JSON in a text it is."""
    cut = Reply(TEXT, split=3, faults=[Cut(after_frames=TEXT.index("tea") // 3 + 4)])
    model = make_model(cut, reply_for("json_mode"), resume="replay")
    events = await read(model.bind(**ASKED) | StrOutputParser(), ASK)
    kinds = [getattr(event, "phase", event.type) for event in events]
    place = kinds.index("resumed")
    assert "field" in kinds[:place]
    assert "field" in kinds[place:]
    assert paths_of(events) == PATHS


def test_only_the_model_that_was_asked_for_an_object_has_fields(
    make_model: MakeModel,
) -> None:
    model = make_model('{"not": "asked for"}', reply_for("json_schema"))
    prompt = ChatPromptTemplate.from_template("{question}")
    chain = (
        prompt | model | StrOutputParser() | model.with_structured_output(Offer)
    ).with_config(run_name="two")
    assert paths_of(iter_events(chain, {"question": "?"})) == PATHS


def test_inside_a_function_the_fields_are_plain_json(make_model: MakeModel) -> None:
    offers = make_model(reply_for("json_schema")).with_structured_output(Offer)
    chain = RunnableLambda(offers.invoke)
    fields = fields_of(iter_events(chain, ASK))
    assert [field.path for field in fields] == PATHS
    assert fields[-1].value == OFFER


def test_two_classes_of_one_name_are_not_mixed_up(make_model: MakeModel) -> None:
    other = create_model("Offer", customer=(int, ...))
    model = make_model(reply_for("json_schema"))
    first = model.with_structured_output(Offer)
    chain = first.with_fallbacks([model.with_structured_output(other)])
    assert paths_of(iter_events(chain, ASK)) == []


def test_a_plain_model_that_says_json_has_no_fields(make_model: MakeModel) -> None:
    assert paths_of(iter_events(make_model(TEXT), ASK)) == []


def test_they_are_gathered_and_can_be_asked_for_alone(make_model: MakeModel) -> None:
    offers = make_model(*[reply_for("json_schema")] * 2).with_structured_output(Offer)
    result = collect(iter_events(offers, ASK))
    assert [field.path for field in result.fields] == PATHS
    assert result.fields[-1].value == Offer(**OFFER)
    assert result.text == TEXT
    assert {event.type for event in iter_events(offers, ASK, only="field")} == {"field"}


class Pieces(FakeListChatModel):
    """A model that says its pieces."""

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        del args, kwargs
        for piece in self.responses:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))


@given(st.lists(st.integers(0, len(TEXT)), max_size=9))
def test_however_the_text_is_split_the_fields_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[a:b] for a, b in pairwise(places)]
    chain = Pieces(responses=pieces).bind(**ASKED) | StrOutputParser()
    fields = fields_of(iter_events(chain, ASK))
    assert [field.path for field in fields] == PATHS
    assert fields[-1].value == Offer(**OFFER)
