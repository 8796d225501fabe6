"""What an answer cites, by whatever shape the server gives it, becomes sources.

Strategy: every known shape is a list of strings or objects under one of a few names,
in the frame, in the delta or in the message. One reader takes an object of any of
them and looks for each fact under its usual names. Lists are repeated in every
frame by some servers (Perplexity, 2025-10), so a source is known by its address and
place, and a later report of the same one only fills what was missing.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.shapes import as_items, as_mapping, as_text, is_mapping
from langchain_streamkit.events import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SourceGatherer"]

# Names of lists of sources: Perplexity and xAI (citations, search_results), OpenAI
# and OpenRouter (annotations), Mistral (references), Vercel (sources).
_LISTS = ("annotations", "citations", "search_results", "references", "sources")
# Objects that hold such a list: Azure (context), Groq (executed_tools, each with
# search_results.results), Gemini through Vercel (groundingMetadata).
_NESTED = ("context", "executed_tools", "search_results", "results", "grounding")
_HOLDERS = frozenset({*_LISTS, *_NESTED})
_WRAPPERS = ("url_citation", "document", "web", "source", "file_citation")
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "name", "filename", "source_title"),
    "url": ("url", "uri", "link", "source_url"),
    "content_excerpt": ("content", "snippet", "cited_text", "text", "quote"),
    "relevance_score": ("score", "relevance_score", "relevance"),
    "start_index": ("start_index", "start"),
    "end_index": ("end_index", "end"),
}
_MAX_SOURCES = 1000
_MAX_EXCERPT = 4000


class SourceGatherer:
    """Gathers the sources of one answer.

    Args:
        sources: The list to fill.

    Example:
        >>> gathered: list[Source] = []
        >>> SourceGatherer(gathered).feed({"citations": ["https://a.example"]})
        >>> gathered[0].url
        'https://a.example'
    """

    __slots__ = ("_by_place", "_by_url", "_last", "_sources")

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self._by_place: dict[tuple[object, ...], Source] = {}
        self._by_url: dict[str, Source] = {}
        self._last: dict[str, object] = {}

    def feed(self, holder: Mapping[str, Any]) -> None:
        """Look for sources in a frame, a delta or a message.

        Args:
            holder: The server's object.
        """
        if _HOLDERS.isdisjoint(holder):
            return
        for name in _LISTS:
            value = holder.get(name)
            if value and value != self._last.get(name):
                self._last[name] = value
                for item in _items(value):
                    self._add(item)
        for name in _NESTED:
            value = holder.get(name)
            if value and name not in _LISTS:
                for inner in _items(value):
                    self._feed_nested(as_mapping(inner))

    def _feed_nested(self, inner: Mapping[str, Any]) -> None:
        results = inner.get("search_results")
        if is_mapping(results):
            for item in _items(results.get("results")):
                self._add(item)
            return
        for name in _LISTS:
            for item in _items(inner.get(name)):
                self._add(item)

    def _add(self, item: object) -> None:
        if len(self._sources) >= _MAX_SOURCES:
            return
        source = _parse_source(item)
        if source is None:
            return
        known = self._find(source)
        if known is None:
            self._sources.append(source)
            self._by_place[_place(source)] = source
            if source.url:
                self._by_url.setdefault(source.url, source)
            return
        for field in fields(Source):
            if getattr(known, field.name) is None:
                setattr(known, field.name, getattr(source, field.name))

    def _find(self, source: Source) -> Source | None:
        exact = self._by_place.get(_place(source))
        if exact is not None:
            return exact
        known = self._by_url.get(source.url) if source.url else None
        if known is not None and None in (known.start_index, source.start_index):
            return known
        return None


def _place(source: Source) -> tuple[object, ...]:
    name = source.url or source.title or source.content_excerpt
    return (name, source.start_index, source.end_index)


def _items(value: object) -> Sequence[Any]:
    return [value] if is_mapping(value) else as_items(value)


def _parse_source(item: object) -> Source | None:
    if isinstance(item, str):
        is_url = item.startswith(("http://", "https://"))
        return Source(url=item) if is_url else (Source(title=item) if item else None)
    flat = dict(as_mapping(item))
    for wrapper in _WRAPPERS:
        flat.update(as_mapping(flat.get(wrapper)))
    found = {name: _first(flat, names) for name, names in _NAMES.items()}
    excerpt = as_text(found["content_excerpt"])
    source = Source(
        title=as_text(found["title"]) or None,
        url=as_text(found["url"]) or None,
        content_excerpt=excerpt[:_MAX_EXCERPT] if excerpt else None,
        relevance_score=_number(found["relevance_score"]),
        start_index=_index(found["start_index"]),
        end_index=_index(found["end_index"]),
    )
    return source if source.url or source.title else None


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> object:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _index(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
