"""The table of servers as Markdown, for the documentation.

Strategy: each fact has its words, keyed by the fact's name, so that the page says
what the rows say and nothing else; ``python -m langchain_streamkit.providers PAGE``
writes it between two markers of a page.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers._provider import Provider
from langchain_streamkit.providers._rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["BEGIN", "END", "insert_table", "render_table", "request_facts"]

BEGIN = "<!-- table: begin -->"
END = "<!-- table: end -->"

_HEADER = ("Name", "Server", "Address", "Key variable", "What differs", "Sources")
_NOT_REQUEST = {
    "name",
    "title",
    "base_url",
    "hosts",
    "key_variables",
    "key_required",
    "evidence",
}
_METHODS = {
    "function_calling": "structured output by function calling",
    "json_mode": "structured output by JSON mode",
}
_TURNS = {
    "all": "",
    "tool_calls": " of turns with tool calls",
    "current": " after the last user message",
}
_PREFILLS = {
    "trailing": "a trailing assistant turn is continued",
    "prefix": "an assistant turn with `prefix` is continued",
    "partial": "an assistant turn with `partial` is continued",
    "continue_final_message": "`continue_final_message` continues an assistant turn",
}
_CALL_CONTENTS = {
    "null": "`content` is null beside tool calls",
    "omit": "no `content` beside tool calls",
}


def _list(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _reasoning_words(row: Provider) -> str:
    turns = _TURNS[row.reasoning_input_turns]
    words = f"reasoning{turns} goes back as `{row.reasoning_input}`"
    empty = row.reasoning_input_empty
    return words if empty is None else f"{words}, `{empty!r}` where there was none"


def _image_words(row: Provider) -> str:
    return "images" if row.image_inputs else "no images"


_WORDS: dict[str, Callable[[Provider], str]] = {
    "key_header": lambda row: f"the key in the header `{row.key_header}`",
    "deployment_path": lambda _: "the deployment in the path, and `api-version`",
    "max_tokens_field": lambda row: f"`{row.max_tokens_field}` bounds the answer",
    "stream_options": lambda _: "no `stream_options`",
    "refused_parameters": lambda row: f"refuses {_list(row.refused_parameters)}",
    "parameter_names": lambda row: ", ".join(
        f"`{ours}` is `{own}`" for ours, own in row.parameter_names
    ),
    "tools": lambda _: "no tools",
    "strict_tools": lambda _: "no `strict` tools",
    "parallel_tool_calls": lambda _: "no `parallel_tool_calls`",
    "tool_choice_required": lambda row: (
        f"`tool_choice` {row.tool_choice_required} for a demanded call"
        if row.tool_choice_required
        else "a call cannot be demanded"
    ),
    "tool_choice_named": lambda _: "one tool cannot be demanded by name",
    "tool_choice_while_reasoning": lambda _: (
        "a call cannot be demanded while the model reasons"
    ),
    "tool_call_id": lambda _: "tool call ids of nine letters and digits",
    "tool_call_content": lambda row: _CALL_CONTENTS[row.tool_call_content],
    "tool_result_images": lambda _: "images in tool messages",
    "developer_role": lambda _: "no `developer` role",
    "single_system_message": lambda _: "one system message, at the start",
    "message_names": lambda _: "no `name` on messages",
    "json_schema": lambda _: "no JSON schema",
    "json_mode": lambda _: "no JSON mode",
    "structured_output": lambda row: _METHODS[row.structured_output],
    "reasoning_input": _reasoning_words,
    "reasoning_input_turns": lambda _: "",  # said with reasoning_input
    "reasoning_input_empty": lambda _: "",
    "thought_signatures": lambda _: "thought signatures go back",
    "image_inputs": _image_words,
    "image_url_inputs": lambda row: (
        "images by address" if row.image_url_inputs else "no images by address"
    ),
    "audio_inputs": lambda row: "audio" if row.audio_inputs else "no `input_audio`",
    "pdf_inputs": lambda row: "PDF files" if row.pdf_inputs else "no `file` parts",
    "prefill": lambda row: _PREFILLS[row.prefill or "trailing"],
    "prefill_base_url": lambda row: f"at `{row.prefill_base_url}`",
}


def request_facts(row: Provider) -> tuple[str, ...]:
    """The names of the facts about requests in which a row differs from OpenAI.

    Args:
        row: The facts.

    Returns:
        The names in the order of the class.

    Example:
        >>> from langchain_streamkit.providers import get_provider
        >>> request_facts(get_provider("cohere"))
        ('stream_options',)
    """
    return tuple(
        field.name
        for field in dataclasses.fields(Provider)
        if field.name not in _NOT_REQUEST and getattr(row, field.name) != field.default
    )


def render_table() -> str:
    """All rows as a Markdown table.

    Returns:
        Lines with a line break at the end of each.

    Example:
        >>> print(render_table().splitlines()[0])
        | Name | Server | Address | Key variable | What differs | Sources |
    """
    lines = [_HEADER, ("---",) * len(_HEADER), *map(_render_row, ROWS)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def insert_table(page: str) -> str:
    """A page with the table between its markers.

    Args:
        page: Markdown with ``BEGIN`` and ``END``.

    Returns:
        The same page with what stood between them replaced.

    Raises:
        ConfigurationError: If the page does not hold each marker once, in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before or END in after:
        message = f"The page must hold {BEGIN} and then {END}, each once."
        raise ConfigurationError(message)
    return f"{before}{BEGIN}\n\n{render_table()}\n{END}{after}"


def _render_row(row: Provider) -> tuple[str, ...]:
    words = (_WORDS[name](row) for name in request_facts(row))
    sources = (
        f"{evidence.source} ({evidence.date})"
        + (f": {evidence.note}" if evidence.note else "")
        for evidence in row.evidence
    )
    return tuple(
        _escape(cell)
        for cell in (
            f"`{row.name}`",
            row.title,
            f"`{row.base_url}`" if row.base_url else _list(row.hosts) or "yours",
            _list(row.key_variables[:1]) or "none",
            "; ".join(filter(None, words)) or "as OpenAI",
            "; ".join(sources),
        )
    )


def _escape(cell: str) -> str:
    return cell.replace("|", r"\|").replace("<", "&lt;")
