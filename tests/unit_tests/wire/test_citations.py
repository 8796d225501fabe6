"""What an answer cites, by whatever shape, becomes sources."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.citations import SourceGatherer
from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit.events import Source
from tests.unit_tests.wire.decoding import chunk, read, sse, text


def gather(*holders: dict[str, Any]) -> list[Source]:
    found: list[Source] = []
    gatherer = SourceGatherer(found)
    for holder in holders:
        gatherer.feed(holder)
    return found


A, B = "https://a.example", "https://b.example"

SHAPES: dict[str, tuple[dict[str, Any], list[Source]]] = {
    "addresses": ({"citations": [A, B]}, [Source(url=A), Source(url=B)]),
    "names": ({"sources": ["Handbook", ""]}, [Source(title="Handbook")]),
    "openai": (
        {
            "annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {
                        "url": A,
                        "title": "A",
                        "content": "words",
                        "start_index": 3,
                        "end_index": 9,
                    },
                }
            ]
        },
        [Source("A", A, "words", None, 3, 9)],
    ),
    "flat": (
        {"annotations": [{"type": "url_citation", "url": A, "start_index": 0}]},
        [Source(url=A, start_index=0)],
    ),
    "perplexity": (
        {
            "citations": [A],
            "search_results": [
                {"title": "A", "url": A, "date": None, "snippet": "words"}
            ],
        },
        [Source("A", A, "words")],
    ),
    "azure": (
        {
            "context": {
                "citations": [{"title": "A", "url": A, "content": "w"}],
                "intent": "x",
            }
        },
        [Source("A", A, "w")],
    ),
    "groq": (
        {
            "executed_tools": [
                {
                    "type": "search",
                    "search_results": {
                        "results": [
                            {"title": "A", "url": A, "content": "w", "score": 0.5}
                        ]
                    },
                },
                {"type": "python", "search_results": None},
            ]
        },
        [Source("A", A, "w", 0.5)],
    ),
    "a file": (
        {"annotations": [{"file_citation": {"filename": "a.pdf", "quote": "w"}}]},
        [Source("a.pdf", None, "w")],
    ),
    "a page": (
        {"grounding": [{"sources": [{"web": {"uri": A, "title": "A"}}]}]},
        [Source("A", A)],
    ),
    "one object": ({"citations": {"url": A}}, [Source(url=A)]),
}


@pytest.mark.parametrize(("holder", "sources"), SHAPES.values(), ids=SHAPES)
def test_every_shape_becomes_sources(
    holder: dict[str, Any], sources: list[Source]
) -> None:
    assert gather(holder) == sources
    assert gather(holder, holder, json.loads(json.dumps(holder))) == sources


@pytest.mark.parametrize(
    "nothing", [None, [], {}, "", "x", 7, [None, 7, {}, []], [{"a": 1}]]
)
@pytest.mark.parametrize(
    "name", ["citations", "annotations", "context", "executed_tools"]
)
def test_what_cites_nothing_is_no_source(name: str, nothing: Any) -> None:
    assert gather({name: nothing}) == []


def test_a_growing_list_is_gathered_once() -> None:
    holders = [{"citations": [A, B][:n]} for n in (1, 2, 2, 1)]
    assert gather(*holders) == [Source(url=A), Source(url=B)]


def test_a_later_report_fills_what_was_missing() -> None:
    later = {"search_results": [{"url": A, "title": "A", "snippet": "w"}]}
    placed = {"annotations": [{"url": A, "title": "Other", "start_index": 3}]}
    assert gather({"citations": [A]}, later, placed) == [Source("A", A, "w", None, 3)]


def test_two_places_of_one_address_are_two_sources() -> None:
    places = [{"url": A, "start_index": n, "end_index": n + 2} for n in (0, 5, 5)]
    found = gather({"annotations": places})
    assert [(source.start_index, source.end_index) for source in found] == [
        (0, 2),
        (5, 7),
    ]


def test_an_excerpt_and_the_number_of_sources_are_bounded() -> None:
    (source,) = gather({"citations": [{"url": A, "content": "w" * 10_000}]})
    assert len(source.content_excerpt or "") == 4000
    many = gather({"citations": [f"{A}/{n}" for n in range(3000)]})
    assert len(many) == 1000


def test_facts_of_another_kind_are_left_out() -> None:
    odd = {"url": A, "title": 7, "content": ["x"], "score": True, "start_index": 1.5}
    assert gather({"citations": [odd]}) == [Source(url=A)]
    big = parse_json(b'{"citations":[{"url":"u","score":' + b"9" * 400 + b',"a":NaN}]}')
    assert gather(big) == [Source(url="u")]


@pytest.mark.parametrize(
    "frame",
    [
        text("Hi", citations=[A]),
        text("Hi", search_results=[{"url": A}]),
        chunk({"content": "Hi", "annotations": [{"url_citation": {"url": A}}]}),
        {"choices": [{"message": {"content": "Hi", "annotations": [{"url": A}]}}]},
        chunk(
            {
                "content": [
                    {"type": "text", "text": "Hi"},
                    {"type": "reference", "url": A},
                ]
            }
        ),
    ],
)
def test_sources_are_found_in_frames_deltas_messages_and_parts(frame: Any) -> None:
    answer = read(sse(frame)).answer
    assert [source.url for source in answer.sources] == [A]
    assert answer.text == "Hi"
    assert answer.extras == {}


@given(
    st.dictionaries(
        st.sampled_from(
            ["citations", "annotations", "context", "executed_tools", "sources"]
        ),
        st.recursive(
            st.none() | st.text(max_size=4) | st.integers() | st.floats(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["url", "title", "content", "score", "url_citation", "web"]
                    ),
                    inner,
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_anything_gives_sources_of_the_right_kinds(holder: dict[str, Any]) -> None:
    for source in gather(holder):
        assert source.url or source.title
        assert isinstance(source.relevance_score, float | None)
