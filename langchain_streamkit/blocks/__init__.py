"""Things become parts of a prompt: figures, tables, nested data.

A block is LangChain's standard content block, so it goes to any chat model::

    image_block      a matplotlib figure, a PIL image, a path, bytes, a URL
    dataframe_block  a pandas frame, or rows: Markdown, CSV, JSON or TOON
    to_toon          any data as TOON text, for prompts and chains
    toon_encoder     the same as a Runnable with options
    compare_formats  what the same data costs in each format

Strategy: nothing is imported for it before it is used, and a thing is known by what
it can do, so none of the libraries has to be installed for the others.

Example:
    >>> from langchain_streamkit.blocks import dataframe_block
    >>> print(dataframe_block([{"city": "Bergen", "rain": 8}])["text"])
    | city | rain |
    | --- | --- |
    | Bergen | 8 |
"""

from __future__ import annotations

from langchain_streamkit.blocks._images import image_block
from langchain_streamkit.blocks._tables import dataframe_block
from langchain_streamkit.blocks._toon import (
    FormatSize,
    compare_formats,
    to_toon,
    toon_encoder,
)

__all__ = [
    "FormatSize",
    "compare_formats",
    "dataframe_block",
    "image_block",
    "to_toon",
    "toon_encoder",
]
