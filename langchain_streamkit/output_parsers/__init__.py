"""Answers become objects: TOON, JSON that grows, or whichever of them it is.

All of them are LangChain output parsers: ``prompt | model | parser`` streams, traces
and stops like any chain, and every failure is an ``OutputParserException``. A reader
that leaves early closes the model's stream at once.

Strategy: a reading follows one answer without any I/O; the parser is its shell.

Example:
    >>> from langchain_streamkit.output_parsers import PartialJsonParser
    >>> PartialJsonParser().parse('Here it is: {"name": "Ada"}')
    {'name': 'Ada'}
"""

from __future__ import annotations

from langchain_streamkit.output_parsers._cascade import (
    AnswerFormat,
    CascadeOutputParser,
    ParsedAnswer,
)
from langchain_streamkit.output_parsers._partial_json import PartialJsonParser
from langchain_streamkit.output_parsers._toon import ToonOutputParser

__all__ = [
    "AnswerFormat",
    "CascadeOutputParser",
    "ParsedAnswer",
    "PartialJsonParser",
    "ToonOutputParser",
]
