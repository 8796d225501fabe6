"""The model behind a ``FakeServer`` that was not told what to answer.

It understands nothing, but it does what a test of a client needs: the same request
always gets the same answer, tools are called where the prompt speaks of them, JSON
follows its schema, ``stop`` and the bounds on tokens cut, and what was sent (images,
tool results, numbers) shows in the answer. It never fetches anything.

Example:
    >>> from langchain_streamkit.testing.assistant import answer
    >>> answer({"messages": [{"role": "user", "content": "Hello"}]}).text
    'Hello there! How can I help you today?'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_streamkit.testing._arguments import fill
from langchain_streamkit.testing._content import attachments_of, text_of
from langchain_streamkit.testing._json_mode import json_answer
from langchain_streamkit.testing._limits import limited
from langchain_streamkit.testing._plan import next_calls
from langchain_streamkit.testing._prompt import Prompt
from langchain_streamkit.testing._speech import speech
from langchain_streamkit.testing._values import (
    JsonObject,
    as_list,
    as_number,
    as_object,
    as_text,
    dump_text,
)
from langchain_streamkit.testing.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_streamkit.testing._content import Attachment

__all__ = ["answer"]


def answer(body: JsonObject) -> Reply:
    """Answer a request.

    What it does, by the first that applies:

    - the last message is from the assistant: the answer is continued from there;
    - tools are offered and the prompt names one, or has words of its name and
      description, or a tool is demanded: it is called, with arguments from the
      prompt;
    - tools have answered: the text says what they said;
    - ``response_format`` asks for JSON: an object of the schema, or with the keys
      that the prompt names;
    - a greeting is returned, ``count to 20`` counts, ``say "..."`` says it, and
      everything else gets a short text about what was sent.

    Args:
        body: The request's body, which has been validated.

    Returns:
        The reply, cut by ``stop`` and by the bounds on tokens, with as many choices
        as ``n`` asks for.
    """
    turn = _Turn.of(body)
    reply = _first_choice(body, turn)
    count = int(as_number(body.get("n")) or 1)
    others = [_variant(reply, number) for number in range(2, count + 1)]
    choices = [limited(choice, body) for choice in (reply, *others)]
    return choices[0].replace(choices=choices[1:]) if others else choices[0]


@dataclass(frozen=True, slots=True)
class _Turn:
    """The conversation, as far as it matters for the answer.

    Attributes:
        prompt: The text of the last message from the user.
        attachments: What the last user and tool messages hold beside text.
        called: The names of the tools called since then.
        results: What they gave.
        partial: The beginning of an answer that is to be continued.
    """

    prompt: str
    attachments: list[Attachment]
    called: list[str]
    results: list[str]
    partial: str

    @classmethod
    def of(cls, body: JsonObject) -> _Turn:
        messages = [as_object(item) for item in as_list(body.get("messages"))]
        roles = [as_text(message.get("role")) for message in messages]
        last_user = max(
            (i for i, role in enumerate(roles) if role == "user"), default=0
        )
        since = messages[last_user:]
        calls = [
            as_object(call)
            for message in since
            for call in as_list(message.get("tool_calls"))
        ]
        inner = [as_object(call.get(as_text(call.get("type")))) for call in calls]
        heard = [m for m in since if m.get("role") in {"user", "tool", "function"}]
        partial = as_text(messages[-1].get("content")) if messages else ""
        return cls(
            prompt=text_of(since[0].get("content")) if since else "",
            attachments=[a for m in heard for a in attachments_of(m.get("content"))],
            called=[as_text(function.get("name")) for function in inner],
            results=[
                text_of(message.get("content"))
                for message in since
                if message.get("role") == "tool"
            ],
            partial=partial if roles[-1:] == ["assistant"] else "",
        )


def _first_choice(body: JsonObject, turn: _Turn) -> Reply:
    sound = _sound(body, turn)
    reply = Reply("" if sound else _text(body, turn), message_extra=sound)
    if turn.partial:
        return reply.replace(text=as_text(reply.text).removeprefix(turn.partial))
    calls = next_calls(body, turn.prompt, turn.called, "\n".join(turn.results))
    if calls:
        reply = Reply(tool_calls=calls)
    if _wants_reasoning(body, turn.prompt):
        reply = reply.replace(reasoning=_thoughts(turn, calls))
    return reply


def _text(body: JsonObject, turn: _Turn) -> str:
    form = as_object(body.get("response_format"))
    prompt = Prompt("\n".join([turn.prompt, *turn.results]))
    if form.get("type") == "json_schema":
        schema = as_object(as_object(form.get("json_schema")).get("schema"))
        return dump_text(fill(schema, prompt))
    if form.get("type") == "json_object":
        return dump_text(json_answer(prompt))
    if turn.results:
        return _report(turn)
    return speech(turn.prompt, turn.attachments, as_number(body.get("seed")))


def _report(turn: _Turn) -> str:
    names = [*turn.called, *["the tool"] * len(turn.results)]
    pairs = zip(names, turn.results, strict=False)
    said = [f"{name} says: {result}" for name, result in pairs if result]
    return "\n".join([*said, *_given(turn.attachments)]) or "The tool gave no result."


def _given(attachments: Sequence[Attachment]) -> list[str]:
    return [f"I was given {attachment}." for attachment in attachments]


def _thoughts(turn: _Turn, calls: Sequence[object]) -> str:
    plan = "A tool can tell." if calls else "No tool is needed, so I answer at once."
    return f"The user asks about {Prompt(turn.prompt).topic}. {plan}"


_SWITCHES = (
    ("reasoning_effort",),
    ("reasoning", "effort"),
    ("reasoning", "enabled"),
    ("thinking", "type"),
    ("enable_thinking",),
    ("chat_template_kwargs", "enable_thinking"),
    ("chat_template_kwargs", "thinking"),
)
_OFF = frozenset([None, False, "none", "disabled", "off"])


def _wants_reasoning(body: JsonObject, prompt: str) -> bool:
    """True if a switch of any known server is on, or the prompt says "think"."""
    for path in _SWITCHES:
        value: object = body
        for name in path:
            value = as_object(value).get(name)
        if isinstance(value, bool | str):
            return value not in _OFF
    return re.search(r"\bthink", prompt, re.IGNORECASE) is not None


_SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="


def _sound(body: JsonObject, turn: _Turn) -> JsonObject:
    """An audio answer, where one is asked for: no sound, with its transcript."""
    if "audio" not in as_list(body.get("modalities")):
        return {}
    transcript = speech(turn.prompt, turn.attachments, None)
    audio = {"id": "audio_000001", "data": _SILENCE, "expires_at": 1_767_229_200}
    return {"audio": {**audio, "transcript": transcript}}


def _variant(reply: Reply, number: int) -> Reply:
    """A further choice: a text says which one it is; calls and JSON are as before."""
    text = as_text(reply.text)
    if not text or text.startswith("{"):
        return reply
    return reply.replace(text=f"{text} (Choice {number}.)")
