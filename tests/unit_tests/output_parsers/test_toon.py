"""TOON in an answer: found, read by whole lines, strict at the end."""

from __future__ import annotations

import threading
import time
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import toon_format
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk
from pydantic import BaseModel

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import (
    RefusalError,
    StallTimeoutError,
    StructuredOutputError,
    TruncatedOutputError,
)
from langchain_streamkit.output_parsers import ToonOutputParser
from langchain_streamkit.testing import Cut, FakeServer, Hang, Reply, Send

if TYPE_CHECKING:
    from langchain_streamkit.testing import ReceivedRequest

TABLE = "title: Rain\ncities[3]{id,name}:\n  1,Bergen\n  2,Oslo\n  3,Voss"
CITIES = {
    "title": "Rain",
    "cities": [
        {"id": 1, "name": "Bergen"},
        {"id": 2, "name": "Oslo"},
        {"id": 3, "name": "Voss"},
    ],
}
FORMS = {
    "bare": "{}",
    "fenced": "```toon\n{}\n```",
    "fenced without a name": "```\n{}\n```",
    "tildes": "~~~toon\n{}\n~~~",
    "fence never closed": "```toon\n{}",
    "prose around a fence": "Sure, here it is:\n\n```toon\n{}\n```\nAnything else?",
    "a label above": "Here it is:\n{}",
    "a lone word above": "Sure:\n\n{}",
    "a label before a fence": "Data:\n```toon\n{}\n```",
    "a note before a fence": "Note: as asked\n\n```toon\n{}\n```\n\nEnd: of it",
    "prose around": "Here are the cities\n\n{}\n\nIt rains a lot.\nreally: yes",
    "another fence first": "```python\nx: 1\n```\n```toon\n{}\n```",
    "a log after it": "{}\n```\nlog: 1\n```",
    "windows": "```toon\r\n{}\r\n```\r\n",
}
# Keys and texts that the format knows; what toon-format itself cannot read back
# (lone surrogates) is not asked for.
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | TEXT
DOCUMENTS = st.dictionaries(
    NAMES,
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.lists(st.fixed_dictionaries({"id": st.integers(0, 9), "t": TEXT}), max_size=4),
    min_size=1,
    max_size=4,
)


class City(BaseModel):
    id: int
    name: str


class Cities(BaseModel):
    title: str
    cities: list[City]


@pytest.mark.parametrize("form", FORMS)
def test_a_document_is_found(form: str) -> None:
    document = TABLE.replace("\n", "\r\n") if form == "windows" else TABLE
    answer = FORMS[form].replace("{}", document)
    parser = ToonOutputParser()
    assert parser.parse(answer) == CITIES
    streamed = list(parser.transform(iter(answer)))
    assert streamed[-1] == CITIES
    assert parser.invoke(AIMessage(answer)) == CITIES


def test_results_grow_by_whole_lines_and_the_last_line_is_there() -> None:
    results = list(ToonOutputParser().transform(iter(TABLE)))
    assert [len(result.get("cities", "")) for result in results] == [0, 0, 1, 2, 3]
    assert results[-1] == CITIES


@given(DOCUMENTS)
def test_any_document_comes_back_and_never_goes_back(document: Any) -> None:
    text = f"```toon\n{toon_format.dumps(document)}\n```"
    results = list(ToonOutputParser().transform(iter(text)))
    assert results[-1] == toon_format.loads(toon_format.dumps(document))
    for before, after in pairwise(results):
        assert grows(before, after), (before, after)


def grows(before: Any, after: Any) -> bool:
    """Whether nothing of the first is changed or missing in the second."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and grows(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        pairs = zip(before, after, strict=False)
        return len(before) <= len(after) and all(grows(*pair) for pair in pairs)
    return bool(before == after) or before in ({}, [])


@given(st.data())
def test_the_result_does_not_depend_on_the_cuts(data: Any) -> None:
    answer = FORMS["prose around a fence"].replace("{}", TABLE)
    places = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    edges = [0, *places, len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(edges)]
    assert list(ToonOutputParser().transform(iter(pieces)))[-1] == CITIES


async def test_async_gives_the_same() -> None:
    async def pieces() -> Any:
        for character in TABLE:
            yield AIMessageChunk(content=character)

    results = [result async for result in ToonOutputParser().atransform(pieces())]
    assert results == list(ToonOutputParser().transform(iter(TABLE)))


def test_a_long_table_costs_no_more_for_each_row() -> None:
    """Each row is read a bounded number of times: twice the rows, twice the work."""
    read: list[int] = []

    class Counting(ToonOutputParser):
        def _reading(self) -> Any:
            reading = super()._reading()
            loads = reading._toon.loads

            class Toon:
                ToonDecodeError = reading._toon.ToonDecodeError

                @staticmethod
                def loads(text: str, **options: Any) -> Any:
                    read.append(len(text))
                    return loads(text, **options)

            reading._toon = Toon
            return reading

    def work(rows: int) -> int:
        read.clear()
        text = f"r[{rows}]{{n}}:\n" + "".join(f"  {n:08}\n" for n in range(rows))
        *_, last = Counting().transform(iter(text.splitlines(keepends=True)))
        assert len(last["r"]) == rows
        return sum(read)

    assert work(8000) < 2.5 * work(4000)


# ── what it becomes ─────────────────────────────────────────────────────────────


def test_a_class_gives_instances_as_soon_as_one_validates() -> None:
    results = list(ToonOutputParser(pydantic_object=Cities).transform(iter(TABLE)))
    assert [len(result.cities) for result in results] == [0, 1, 2, 3]
    assert all(isinstance(result, Cities) for result in results)


def test_a_list_of_rows_is_a_target_too() -> None:
    parser = ToonOutputParser(pydantic_object=list[City])
    assert parser.parse("[1]{id,name}:\n  7,Voss") == [City(id=7, name="Voss")]


def test_digits_are_taken_for_a_text_where_one_is_wanted() -> None:
    parser = ToonOutputParser(pydantic_object=list[City])
    assert parser.parse("[1]{id,name}:\n  7,12345")[0].name == "12345"


def test_dates_are_read_in_their_json_form() -> None:
    class Day(BaseModel, strict=True):
        day: date

    parser = ToonOutputParser(pydantic_object=Day)
    assert parser.parse("day: 2026-11-21").day == date(2026, 11, 21)


@pytest.mark.parametrize("target", [None, Cities, list[City], dict[str, City | None]])
def test_the_format_instructions_show_what_the_parser_takes(target: Any) -> None:
    parser = ToonOutputParser(pydantic_object=target)
    instructions = parser.get_format_instructions()
    assert parser.parse(instructions) is not None
    if target is Cities:
        assert "cities[2]{id,name}:" in instructions


# ── what is wrong ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "said", "partial"),
    [
        ("It rains in Bergen.", "There is no TOON", None),
        ("", "There is no TOON", None),
        ('{"a": 1}', "There is JSON", None),
        ('{\n"a": 1,\n"b": 2\n}', "There is JSON", None),
        ('```\n{"a": 1}\n```', "There is JSON", None),
        ("Well:\n\na[2]{id}:\n  1\n", "line 3.*length 2", {"a": [{"id": 1}]}),
        ("```toon\na: 1\nb\nc: 2\n```", "line 3", {"a": 1}),
        ("```toon\na: 1\na: 2\n```", "line 3", {"a": 2}),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(
    answer: str, said: str, partial: Any
) -> None:
    for read in (
        lambda: ToonOutputParser().parse(answer),
        lambda: list(ToonOutputParser().transform(iter(answer))),
    ):
        with pytest.raises(OutputParserException, match=said) as caught:
            read()
        assert isinstance(caught.value, StructuredOutputError)
        assert caught.value.partial_object == partial
        assert caught.value.llm_output == answer


def test_what_does_not_fit_names_the_place_and_not_the_value() -> None:
    parser = ToonOutputParser(pydantic_object=Cities)
    with pytest.raises(StructuredOutputError, match=r"cities\.0\.id") as caught:
        parser.parse("title: x\ncities[1]{id,name}:\n  secret,Oslo")
    assert "secret" not in str(caught.value)


def test_without_strictness_what_is_there_is_taken() -> None:
    parser = ToonOutputParser(strict=False)
    assert parser.parse("a[2]{id}:\n  1") == {"a": [{"id": 1}]}


def test_a_cut_answer_is_told_from_a_wrong_one() -> None:
    cut = AIMessage("a[2]{id}:\n  1", response_metadata={"finish_reason": "length"})
    with pytest.raises(TruncatedOutputError, match="cut") as caught:
        ToonOutputParser().invoke(cut)
    assert caught.value.partial_object == {"a": [{"id": 1}]}


def test_a_refusal_is_told_from_a_wrong_answer() -> None:
    with pytest.raises(RefusalError, match="Not that"):
        ToonOutputParser().invoke(
            AIMessage("", additional_kwargs={"refusal": "Not that."})
        )


# ── with a model ────────────────────────────────────────────────────────────────


@pytest.mark.loopback
@pytest.mark.parametrize("resume", ["prefill", "replay"])
@pytest.mark.parametrize("place", [12, 31, 47])
def test_an_interruption_repeats_no_character(resume: Any, place: int) -> None:
    def answer(request: ReceivedRequest) -> Reply:
        last = request.messages[-1]
        begun = len(str(last["content"])) if last["role"] == "assistant" else 0
        cut = [Cut(after_frames=place)] if request.number == 1 else []
        return Reply(TABLE[begun:], split="characters", faults=cut)

    with FakeServer(handler=answer) as server:
        model = ChatStreamKit(model="any", base_url=server.url, resume=resume)
        check_one_pass(model)
        assert len(server.requests) == 2


def check_one_pass(model: ChatStreamKit) -> None:
    """The reader of the text and the reader of the rows see everything once."""
    seen: list[str] = []

    def watch(chunks: Any) -> Any:
        for chunk in chunks:
            seen.append(chunk.text)
            yield chunk

    results = list(ToonOutputParser().transform(watch(model.stream("Which cities?"))))
    assert "".join(seen) == TABLE
    assert results[-1] == CITIES
    assert [len(result.get("cities", "")) for result in results] == [0, 0, 1, 2, 3]


def test_a_clock_runs_in_any_thread(fake_server: FakeServer) -> None:
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"a: 1\\nb"}}]}\n\n'
    fake_server.script(Reply.script(Send(frame), Hang()))
    model = ChatStreamKit(
        model="any", base_url=fake_server.url, stall_timeout=0.2, max_retries=0
    )
    results: list[Any] = []

    def work() -> None:
        try:
            results.extend((model | ToonOutputParser()).stream("Go"))
        except TimeoutError as error:
            results.append(error)

    thread = threading.Thread(target=work)
    begin = time.monotonic()
    thread.start()
    thread.join(20)
    assert time.monotonic() - begin < 20
    assert results[0] == {"a": 1}
    assert isinstance(results[1], StallTimeoutError)


def test_a_reader_that_leaves_closes_the_models_stream(
    fake_server: FakeServer,
) -> None:
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"a: 1\\nb"}}]}\n\n'
    fake_server.script(Reply.script(Send(frame), Hang()))
    model = ChatStreamKit(model="any", base_url=fake_server.url)
    stream: Any = (model | ToonOutputParser()).stream("Go")
    assert next(stream) == {"a": 1}
    stream.close()
    assert fake_server.requests[0].wait_disconnected(5)
