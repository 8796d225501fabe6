"""Between the model and the screen: gather, split, follow, buffer a stream.

Each function takes a stream of texts, of LangChain chunks or of this package's
events, and gives a stream. A sync iterable gives a generator, an async one an async
generator. They compose, lose nothing, and close what they read when the reader
leaves::

    coalesce         fewer, bigger pieces: by time, by words or by lines
    split_reasoning  text with <think> in it becomes reasoning and text
    segments         text and code apart, by the fences of Markdown
    tail             the last characters, for answers that fill the screen
    buffered         read ahead, but not far: the producer pauses
    transform        the same for a core of your own
    close_open       Markdown that was cut, made whole for a renderer

Strategy: a core is a small object that does no I/O: ``feed`` takes an item and gives
what is certain, ``finish`` gives what was held. ``transform`` turns any core into a
generator, sync or async; there is one core for both.

Example:
    >>> from langchain_streamkit.transforms import coalesce
    >>> list(coalesce(["It r", "ains in Ber", "gen"], by="words"))
    ['It', ' rains', ' in', ' Bergen']
"""

from __future__ import annotations

from langchain_streamkit.transforms._buffered import buffered
from langchain_streamkit.transforms._coalesce import coalesce
from langchain_streamkit.transforms._markdown import close_open
from langchain_streamkit.transforms._reasoning import split_reasoning
from langchain_streamkit.transforms._segments import Segment, segments
from langchain_streamkit.transforms._shells import Core, transform
from langchain_streamkit.transforms._tail import Tail, tail

__all__ = [
    "Core",
    "Segment",
    "Tail",
    "buffered",
    "close_open",
    "coalesce",
    "segments",
    "split_reasoning",
    "tail",
    "transform",
]
