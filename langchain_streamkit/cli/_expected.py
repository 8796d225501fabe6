"""What a correct client reports of an answer, read from its bytes by plain rules.

Strategy: deliberately not the reader of ``_wire``, which is one of the things that
are judged by this: every frame is parsed whole, everything is gathered in the
simplest way, and nothing is tuned. Frames alone are cut by the package's decoder.
Where a recording comes with what to expect, that counts instead.

Rules:
- text: every ``delta.content`` of choice 0, and the text parts of list content.
- reasoning: in each frame the first of ``reasoning_content``, ``reasoning``,
  ``thinking`` and ``reasoning_text`` that is not empty, else thinking parts of list
  content, else the texts of ``reasoning_details``.
- tool calls: a new id (with a name, if its index is known) opens a call; a piece goes
  to the call of its index, else to the latest. Arguments that are not one JSON object
  must not run; ``null`` and nothing are ``{}``, unless the answer was cut there.
- finish reason: the last one. Usage: the last object.
- An error frame is an error; neither ``[DONE]`` nor a finish reason is a cut.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from langchain_streamkit._wire.sse import SSEDecoder
from langchain_streamkit.testing._values import (
    JsonObject,
    as_list,
    as_object,
    as_text,
    dump_text,
    is_object,
    load_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CUT_REASONS",
    "Ending",
    "Expected",
    "ExpectedCall",
    "Words",
    "arguments_to_expect",
    "expect",
]

Ending: TypeAlias = Literal["answer", "error", "cut", "open"]
"""``open``: the recording does not show how the stream ended, so nothing is asked."""

CUT_REASONS = frozenset({"length", "max_tokens", "content_filter"})
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text")


@dataclass(frozen=True, slots=True)
class Words:
    """A text, known by its length and its digest.

    Attributes:
        length: In characters.
        sha256: Of its UTF-8 bytes, in hexadecimal.
    """

    length: int
    sha256: str

    @classmethod
    def of(cls, text: str) -> Words:
        """The words of a text; lone surrogates count as what UTF-8 puts for them."""
        data = text.encode("utf-8", "replace")
        return cls(len(text), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A tool call that the server made.

    Attributes:
        id: The server's id, or an empty string.
        name: The tool's name; empty where the server named none.
        arguments: The arguments, or None for a call that must not run.
    """

    id: str
    name: str
    arguments: JsonObject | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a correct client reports.

    Attributes:
        ending: How the answer ends.
        text: The text of choice 0.
        reasoning: Its reasoning.
        calls: Its tool calls, in order.
        finish_reason: The server's last one.
        usage: The server's last usage object.
        refusal: The text of its refusal.
        function_call: A call in the form that came before tool calls.
        errors: The server's errors, in its own shapes.
        others: Of each further choice, its text and finish reason, where a recording
            says so.
    """

    ending: Ending
    text: Words
    reasoning: Words
    calls: tuple[ExpectedCall, ...] = ()
    finish_reason: str | None = None
    usage: JsonObject | None = None
    refusal: str = ""
    function_call: JsonObject | None = None
    errors: tuple[object, ...] = ()
    others: tuple[tuple[Words, str | None], ...] = ()


def expect(body: bytes, *, is_stream: bool, status: int = 200) -> Expected:
    r"""What a correct client reports of these bytes.

    Args:
        body: The body of the response.
        is_stream: Whether it is an event stream; else it is one JSON value.
        status: The HTTP status.

    Example:
        >>> frame = b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n'
        >>> expect(frame, is_stream=True).ending
        'cut'
        >>> expect(frame + b"data: [DONE]\n\n", is_stream=True).text.length
        2
    """
    gatherer = _Gatherer()
    if is_stream:
        gatherer.read_stream(body)
    else:
        gatherer.read_body(body, has_failed=status >= 400)
    return gatherer.expected()


def arguments_to_expect(
    name: str, value: object, *, is_empty: bool, is_cut: bool
) -> JsonObject | None:
    """The arguments of a call, or None if it must not run.

    Args:
        name: The tool's name.
        value: The arguments, parsed; anything where the text is no JSON.
        is_empty: Whether the text was empty or ``null``.
        is_cut: Whether the answer stopped in this call for want of room.
    """
    if not name:
        return None
    if is_empty:
        return None if is_cut else {}
    return value if is_object(value) else None


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    index: object
    text: str = ""


class _Gatherer:
    """All that the frames of one answer say."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_Call] = []
        self._function_call: dict[str, str] = {}
        self._finish_reason: str | None = None
        self._usage: JsonObject | None = None
        self._errors: list[object] = []
        self._has_end = False

    def read_stream(self, body: bytes) -> None:
        decoder = SSEDecoder()
        events = decoder.feed(body)
        rest = decoder.flush()
        for sent in [*events, *([rest] if rest else [])]:
            if sent.data.strip() == b"[DONE]":
                self._has_end = True
                return
            try:
                frame = load_json(sent.data)
            except ValueError:
                return  # cut in the middle of a frame
            if is_object(frame):
                self._read_frame(frame, sent.event, ("delta", "message"))

    def read_body(self, body: bytes, *, has_failed: bool) -> None:
        self._has_end = True
        try:
            value = load_json(body)
        except ValueError:
            self._errors.append(body.decode("utf-8", "replace"))
            return
        value = next(iter(as_list(value)), value)
        if not is_object(value) or has_failed or "choices" not in value:
            inner = as_object(value).get("error") if is_object(value) else None
            self._errors.append(inner or value)
        else:
            self._read_frame(value, "message", ("message", "delta"))

    def _read_frame(self, frame: JsonObject, event: str, keys: Sequence[str]) -> None:
        if frame.get("error") or event == "error":
            self._errors.append(frame.get("error") or frame)
        choice: JsonObject = {}
        for one in map(as_object, as_list(frame.get("choices"))):
            if one.get("index", 0) in {0, None}:
                choice = one
                break
        if choice.get("error"):
            self._errors.append(choice["error"])
        groq = as_object(frame.get("x_groq"))
        for usage in (frame.get("usage"), groq.get("usage"), choice.get("usage")):
            if is_object(usage) and usage:
                self._usage = usage
        self._finish_reason = (
            as_text(choice.get("finish_reason")) or self._finish_reason
        )
        said = [as_object(choice.get(key)) for key in keys if choice.get(key)]
        self._read_delta(said[0] if said else {})

    def _read_delta(self, delta: JsonObject) -> None:
        content = delta.get("content")
        parts = [as_object(part) for part in as_list(content)]
        self._text.append(as_text(content))
        self._text += [as_text(p.get("text")) for p in parts if p.get("type") == "text"]
        self._reasoning.append(_thought(delta, parts))
        self._refusal.append(as_text(delta.get("refusal")))
        for piece in as_list(delta.get("tool_calls")):
            self._read_piece(as_object(piece))
        for key, value in as_object(delta.get("function_call")).items():
            self._function_call[key] = self._function_call.get(key, "") + as_text(value)

    def _read_piece(self, piece: JsonObject) -> None:
        function = as_object(piece.get("function"))
        call_id, name = as_text(piece.get("id")), as_text(function.get("name"))
        index, call = piece.get("index"), None
        if index is None:
            call = self._calls[-1] if self._calls and not call_id else None
        for known in reversed(self._calls) if index is not None else ():
            if known.index == index:
                is_new = bool(call_id and name) and known.id not in {"", call_id}
                call = None if is_new else known
                break
        if call is None:
            call = _Call(call_id, name, index)
            self._calls.append(call)
        call.id, call.name = call.id or call_id, call.name or name
        text = _arguments_text(function.get("arguments"))
        call.text = text if call.text.strip() in {"", "null"} else call.text + text

    def expected(self) -> Expected:
        ending: Ending = "answer" if self._has_end or self._finish_reason else "cut"
        return Expected(
            ending="error" if self._errors else ending,
            text=Words.of("".join(self._text)),
            reasoning=Words.of("".join(self._reasoning)),
            calls=tuple(map(self._expected_call, self._calls)),
            finish_reason=self._finish_reason,
            usage=self._usage,
            refusal="".join(self._refusal),
            function_call=dict(self._function_call) or None,
            errors=tuple(self._errors),
        )

    def _expected_call(self, call: _Call) -> ExpectedCall:
        try:
            value = load_json(call.text.encode("utf-8", "replace"))
        except ValueError:
            value = None
        is_last = call is self._calls[-1]
        arguments = arguments_to_expect(
            call.name,
            value,
            is_empty=call.text.strip() in {"", "null"},
            is_cut=is_last and self._finish_reason in CUT_REASONS,
        )
        return ExpectedCall(call.id, call.name, arguments)


def _thought(delta: JsonObject, parts: list[JsonObject]) -> str:
    for name in _REASONING:
        if as_text(delta.get(name)):
            return as_text(delta[name])
    thinking = [part["thinking"] for part in parts if part.get("type") == "thinking"]
    if thinking:
        return "".join(as_text(one) or _texts(one, "text") for one in thinking)
    return _texts(delta.get("reasoning_details"), "text", "summary")


def _texts(value: object, *keys: str) -> str:
    blocks = map(as_object, as_list(value))
    return "".join(as_text(block.get(key)) for block in blocks for key in keys)


def _arguments_text(value: object) -> str:
    """Arguments come as text, or, where a server slips, as the object itself."""
    if value is None or isinstance(value, str):
        return value or ""
    return dump_text(value)
