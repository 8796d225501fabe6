"""Cut streams end in the same success, or in a typed error with a prefix on it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_streamkit._wire.stream_decoder import StreamDecoder
from tests.corpus.cut import made_streams, main, on_sockets
from tests.corpus.cuts import cut_at_every_byte
from tests.fuzz.mutations import check_decoder, mutated

STREAMS = made_streams()
SEED = 20261121


@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_cut_at_every_byte(name: str) -> None:
    assert list(cut_at_every_byte(STREAMS[name])) == []


@pytest.mark.loopback
def test_streams_are_cut_on_sockets() -> None:
    assert list(on_sockets(STREAMS, seed=SEED, places=15)) == []


def test_a_cut_that_is_taken_for_the_end_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StreamDecoder, "_check_end", lambda self: None)
    assert "success with" in next(cut_at_every_byte(STREAMS["text"]))


@pytest.mark.loopback
def test_streams_of_a_folder_are_cut(tmp_path, capsys) -> None:
    (tmp_path / "hello.sse").write_bytes(STREAMS["text"])
    assert main([str(tmp_path), "--only", "hello", "--places", "2", "--jobs", "1"]) == 0
    assert "1 streams" in capsys.readouterr().out


@given(st.sampled_from(sorted(STREAMS)), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_mutated_frames_end_in_typed_errors_only(name: str, numbers) -> None:
    check_decoder(mutated(STREAMS[name], numbers), numbers.choice([1, 7, 100_000]))


@given(st.binary(max_size=400))
def test_any_bytes_end_in_typed_errors_only(data: bytes) -> None:
    check_decoder(data, 5)
