"""What a model thought in earlier turns, in the form in which its server wants it back.

Strategy: servers disagree more about this than about anything else. DeepSeek
demands the field on every turn, empty where there was no thought; Kimi refuses an
empty one; OpenRouter wants its blocks back whole and in order; Cerebras' GLM reads
``<think>`` in the content, Mistral a content part; most want nothing at all, and
some refuse it. All of that is in the provider's row (``reasoning_input``,
``reasoning_input_turns``, ``reasoning_input_empty``, ``thought_signatures``); here
is one function that finds the thought, wherever the model that had it left it, and
a table of writers, one a form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_streamkit._langchain.content import text_part
from langchain_streamkit._langchain.json_values import (
    as_mapping,
    clean_text,
    plain_json,
)
from langchain_streamkit._wire.reasoning import thinking_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langchain_core.messages import BaseMessage

    from langchain_streamkit.providers import Provider

__all__ = ["add_reasoning", "add_signatures", "reasoning_details", "reasoning_text"]

Message = dict[str, Any]


def add_reasoning(
    wire: Message,
    message: BaseMessage,
    provider: Provider,
    place: str,
    *,
    is_current: bool,
) -> None:
    """Write a turn's reasoning into its outgoing form.

    Args:
        wire: The turn as it will be sent, complete but for this; changed in place.
        message: The turn as LangChain has it.
        provider: The server's facts: the form, the turns, the value for none.
        place: Where it stands, for errors.
        is_current: True if it comes after the last user message.

    Example:
        >>> from langchain_core.messages import AIMessage
        >>> from langchain_streamkit.providers import Provider
        >>> turn = AIMessage("4", additional_kwargs={"reasoning_content": "2+2"})
        >>> wire = {"role": "assistant", "content": "4"}
        >>> row = Provider(name="mine", reasoning_input="reasoning_content")
        >>> add_reasoning(wire, turn, row, "here", is_current=False)
        >>> wire["reasoning_content"]
        '2+2'
    """
    form = provider.reasoning_input
    turns = provider.reasoning_input_turns
    if form is None or (turns == "current" and not is_current):
        return
    if turns == "tool_calls" and "tool_calls" not in wire:
        return
    details = reasoning_details(message, place)
    if form == "reasoning_details" and details:
        wire["reasoning_details"] = details
        return
    text = reasoning_text(message, details)
    if text:
        _WRITERS[form](wire, clean_text(text))
    elif provider.reasoning_input_empty is not None and form in _FIELDS:
        wire[form] = provider.reasoning_input_empty


def add_signatures(
    calls: list[Message], message: BaseMessage, provider: Provider, place: str
) -> None:
    """Write the ``extra_content`` of tool calls back onto them (Gemini's signatures).

    Args:
        calls: The calls as they will be sent, with their own ids; changed in place.
        message: The turn that made them.
        provider: The server's facts.
        place: Where it stands, for errors.
    """
    if not provider.thought_signatures:
        return
    kept = as_mapping(message.additional_kwargs.get("tool_call_extras"))
    blocks = {block.get("id"): block.get("extras") for block in _blocks(message)}
    for call in calls:
        for extras in (kept.get(call["id"]), blocks.get(call["id"])):
            if content := as_mapping(extras).get("extra_content"):
                call["extra_content"] = plain_json(content, place)
                break


def reasoning_text(message: BaseMessage, details: list[Message]) -> str:
    """The thought of a turn as text, from the first place that has one.

    Args:
        message: The turn, written by any model.
        details: Its ``reasoning_details``.

    Returns:
        The text, or an empty string.
    """
    field = message.additional_kwargs.get("reasoning_content")
    if isinstance(field, str) and field:
        return field
    from_blocks = "\n\n".join(filter(None, map(_block_text, _blocks(message))))
    if from_blocks:
        return from_blocks
    other = message.additional_kwargs.get("reasoning")
    if text := other if isinstance(other, str) else _summary_text(as_mapping(other)):
        return text
    return "".join(map(_detail_text, details))


def reasoning_details(message: BaseMessage, place: str) -> list[Message]:
    """A copy of the turn's ``reasoning_details``, whole and in order.

    Args:
        message: The turn.
        place: Where it stands, for errors.

    Returns:
        The blocks, or an empty list.
    """
    for holder in (message.response_metadata, message.additional_kwargs):
        details = holder.get("reasoning_details")
        if isinstance(details, list) and details:
            copied = plain_json(cast("list[object]", details), place)
            return cast("list[Message]", copied)
    return []


def _blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    for item in message.content if isinstance(message.content, list) else []:
        block = as_mapping(item)
        is_wrapped = block.get("type") == "non_standard"
        yield as_mapping(block.get("value")) if is_wrapped else block


def _block_text(block: Mapping[str, Any]) -> str:
    kind = block.get("type")
    if kind == "reasoning":
        text = block.get("reasoning")
        return text if isinstance(text, str) and text else _summary_text(block)
    if kind == "thinking":
        return thinking_text(block)
    if kind == "reasoning_content":
        return _detail_text(as_mapping(block.get("reasoning_content")))
    return ""


def _summary_text(block: Mapping[str, Any]) -> str:
    """The text of the form that OpenAI's Responses give."""
    for key, separator in (("content", ""), ("summary", "\n\n")):
        parts = block.get(key)
        if isinstance(parts, list):
            items = cast("list[object]", parts)
            texts = (_detail_text(as_mapping(item)) for item in items)
            if text := separator.join(filter(None, texts)):
                return text
    return ""


def _detail_text(detail: Mapping[str, Any]) -> str:
    texts = (detail.get(key) for key in ("text", "summary"))
    return next((text for text in texts if isinstance(text, str)), "")


def _write_field(name: str) -> Callable[[Message, str], None]:
    def write(wire: Message, text: str) -> None:
        wire[name] = text

    return write


def _write_think_tags(wire: Message, text: str) -> None:
    content = wire.get("content") or ""
    tagged = f"<think>{text}</think>"
    if isinstance(content, str):
        wire["content"] = f"{tagged}\n{content}" if content else tagged
    else:
        wire["content"] = [text_part(tagged), *content]


def _write_content_parts(wire: Message, text: str) -> None:
    content: Any = wire.get("content") or []
    rest = [text_part(content)] if isinstance(content, str) else content
    wire["content"] = [{"type": "thinking", "thinking": [text_part(text)]}, *rest]


_FIELDS = frozenset({"reasoning_content", "reasoning"})
_WRITERS: dict[str, Callable[[Message, str], None]] = {
    "reasoning_content": _write_field("reasoning_content"),
    "reasoning": _write_field("reasoning"),
    # OpenRouter takes the plain field where there are no blocks of its own.
    "reasoning_details": _write_field("reasoning"),
    "think_tags": _write_think_tags,
    "content_parts": _write_content_parts,
}
