"""Images and audio that a server sends become standard blocks."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from langchain_streamkit._wire.deltas import MediaDelta
from langchain_streamkit._wire.media import parse_media
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from tests.unit_tests.wire.decoding import chunk, feed, sse

URL = "https://a.example/cat.png"


@pytest.mark.parametrize(
    ("image", "block"),
    [
        ({"image_url": {"url": URL}}, {"type": "image", "url": URL}),
        ({"type": "image_url", "image_url": URL}, {"type": "image", "url": URL}),
        ({"url": URL}, {"type": "image", "url": URL}),
        (
            {"image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "image", "base64": "AA==", "mime_type": "image/png"},
        ),
        (
            {"image_url": {"url": "data:image/svg+xml;charset=utf-8;base64,QQ=="}},
            {"type": "image", "base64": "QQ==", "mime_type": "image/svg+xml"},
        ),
    ],
)
def test_an_image_is_an_address_or_its_bytes(image: Any, block: dict[str, Any]) -> None:
    assert parse_media({"images": [image]}) == [block]


def test_audio_comes_in_pieces() -> None:
    pieces = [
        {"id": "a", "transcript": "Hi"},
        {"data": "AA==", "expires_at": 7},
        {"transcript": ""},
        {"id": None, "data": 7},
        {"expires_at": 9},
    ]
    assert [parse_media({"audio": piece}) for piece in pieces] == [
        [{"type": "audio", "id": "a", "transcript": "Hi"}],
        [{"type": "audio", "base64": "AA==", "expires_at": 7}],
        *([], [], []),
    ]


@pytest.mark.parametrize(
    "nothing", [None, "", "x", 7, [], {}, [None, 7, "x", {}, {"url": ""}]]
)
@pytest.mark.parametrize("name", ["audio", "images"])
def test_what_is_no_media_is_none(name: str, nothing: Any) -> None:
    assert parse_media({name: nothing}) == []


def test_media_are_events_and_part_of_the_answer() -> None:
    decoder = StreamDecoder()
    frames = [
        chunk({"images": [{"url": URL}]}),
        chunk({"audio": {"id": "a", "data": "AA=="}}),
    ]
    events = feed(decoder, [sse(*frames)])
    assert [event.block for event in events if isinstance(event, MediaDelta)] == (
        decoder.answer.media
    )
    assert [block["type"] for block in decoder.answer.media] == ["image", "audio"]
    assert decoder.answer.has_content
    assert decoder.answer.extras == {}


def test_a_long_address_is_read_in_time_by_its_length_only() -> None:
    start = perf_counter()
    for url in ("data:image/png;" + "a=b;" * 300_000, "data:" + "a" * 1_000_000):
        assert parse_media({"images": [{"url": url}]}) == [
            {"type": "image", "url": url}
        ]
    assert perf_counter() - start < 5
