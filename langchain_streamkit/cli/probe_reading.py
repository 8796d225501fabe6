"""An answer to ``streamkit probe``, read without mending anything.

Strategy: a stream and a whole body become one record of what was in them, and where:
in which field the reasoning, on which frame the usage, in how many pieces the
arguments. The model's own reading is not used, for it makes all servers look alike.
The key is taken out of all text as soon as it is text, in case a server quotes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from langchain_streamkit._wire.failures import (
    Failure,
    clean_text,
    parse_failure,
    parse_frame_failure,
)
from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit._wire.usage import is_report
from langchain_streamkit.cli.probe_findings import Finding, quote, refused, unclear
from langchain_streamkit.errors import StreamTimeoutError
from langchain_streamkit.testing._values import (
    JsonObject,
    as_list,
    as_object,
    as_text,
    is_object,
)

if TYPE_CHECKING:
    from langchain_streamkit._http.raw import RawAnswer, RawEvent

__all__ = [
    "Reading",
    "SeenCall",
    "obstacle",
    "read",
    "read_models",
    "refusal_words",
]

_Hide = Callable[[str], str]

_REASONING = (
    *("reasoning_content", "reasoning", "thinking", "reasoning_text"),
    "reasoning_details",
)
# Of Qwen and DeepSeek, of Claude, of Gemma, of Granite, of Mistral.
_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
)
_NOT_NOW = frozenset({401, 402, 403, 408, 409, 425, 429, 502, 503, 504, 529})
_WORDS = 160
_LONGEST_NAME = 200


@dataclass(slots=True)
class SeenCall:
    """One tool call.

    Attributes:
        name: The tool's name.
        arguments: The text of its arguments.
        pieces: In how many pieces that came.
    """

    name: str = ""
    arguments: str = ""
    pieces: int = 0


@dataclass(slots=True)
class Reading:
    """What an answer holds.

    Attributes:
        answer: The answer itself.
        frames: Its JSON objects: those of the stream, or the one body.
        failure: The server's words for no, in whatever place.
        is_stream: True if it came as server-sent events.
        is_done: True if ``[DONE]`` came.
        text: The text of the first choice.
        reasoning: The thoughts of the first choice, by the field that holds them.
        tags: The tags between which they stood in the text; they are not in
            ``text`` any more.
        calls_by_key: The tool calls of the first choice, by their index or id.
        finish_reason: Why the first choice ended.
        choices: How many choices there were.
        usage: The last count of tokens that says anything.
        usage_frames: How many frames had one.
        usage_place: Where the last one was.
        logprobs: How many tokens had theirs.
        first_seconds: When the first content came.
        last_seconds: When the last content came.
        model: The model that it names.
    """

    answer: RawAnswer
    frames: list[JsonObject] = field(default_factory=list[JsonObject])
    failure: Failure | None = None
    is_stream: bool = False
    is_done: bool = False
    text: str = ""
    reasoning: dict[str, str] = field(default_factory=dict[str, str])
    tags: tuple[str, str] | None = None
    calls_by_key: dict[int | str, SeenCall] = field(
        default_factory=dict[int | str, SeenCall]
    )
    finish_reason: str = ""
    choices: int = 0
    usage: JsonObject = field(default_factory=dict[str, object])
    usage_frames: int = 0
    usage_place: str = ""
    logprobs: int = 0
    first_seconds: float | None = None
    last_seconds: float = 0.0
    model: str = ""

    @property
    def calls(self) -> list[SeenCall]:
        """The tool calls, in the order in which they began."""
        return list(self.calls_by_key.values())

    @property
    def has_content(self) -> bool:
        """True if there is text, a thought or a call."""
        return bool(self.text or self.calls or self.reasoning)

    @property
    def output_tokens(self) -> int | None:
        """The server's count of the answer's tokens."""
        return _count(self.usage, "completion_tokens", "output_tokens")

    @property
    def input_tokens(self) -> int | None:
        """The server's count of the prompt's tokens."""
        return _count(self.usage, "prompt_tokens", "input_tokens")


def _count(usage: JsonObject, *names: str) -> int | None:
    found = (_integer(usage.get(name)) for name in names)
    return next((number for number in found if number is not None), None)


def obstacle(reading: Reading, *, takes_part: bool = False) -> Finding | None:
    """What keeps an answer from saying anything about what was asked.

    Args:
        reading: The answer.
        takes_part: True if a part of an answer is good enough, and no answer too.

    Returns:
        The finding that stands instead, or None.
    """
    answer = reading.answer
    if answer.failure is not None and not (takes_part and reading.has_content):
        is_late = isinstance(answer.failure, StreamTimeoutError)
        return unclear(
            "timed out" if is_late else clean_text(str(answer.failure), _WORDS)
        )
    if reading.failure is not None:
        said = refusal_words(reading)
        return unclear(said) if answer.status in _NOT_NOW else refused(said)
    if not reading.frames:
        said = answer.body.decode("utf-8", "replace").strip()
        return unclear(f"not JSON: {quote(said)}" if said else "an empty body")
    if takes_part or reading.text or reading.calls:
        return None
    if reading.finish_reason == "length":
        return unclear("the bound on tokens was reached before any text")
    return unclear("an empty answer")


def refusal_words(reading: Reading) -> str:
    """A refusal's status, and the server's words.

    Args:
        reading: An answer with a ``failure``.

    Returns:
        A few words.
    """
    failure, status = reading.failure, reading.answer.status
    said = quote(failure.message, _WORDS) if failure is not None else ""
    return f"{status}: {said}" if status >= 300 else f"an error in the answer: {said}"


def read(answer: RawAnswer, hide: _Hide) -> Reading:
    """Read an answer.

    Args:
        answer: What came back.
        hide: Takes the key out of a text.

    Returns:
        What is in it.
    """
    reading = Reading(answer, is_stream=bool(answer.events) and answer.status == 200)
    if answer.status >= 300:
        reading.failure = _refusal(answer, hide)
    elif reading.is_stream:
        for event in answer.events:
            _read_event(reading, event, hide)
    elif answer.status:
        _read_frame(reading, _parsed(answer.body, hide), "message", answer.seconds)
    reading.text = hide(_joined(reading.text))
    _split_thoughts(reading)
    reading.reasoning = {k: hide(v) for k, v in reading.reasoning.items()}
    for call in reading.calls:
        call.arguments = hide(call.arguments)
    return reading


def _joined(text: str) -> str:
    """A text whose halves of characters are whole again, or U+FFFD.

    Servers that cut text by UTF-16 send one emoji in two deltas.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_models(answer: RawAnswer, hide: _Hide) -> list[tuple[str, str]]:
    """Read a list of models.

    Args:
        answer: What came back.
        hide: Takes the key out of a text.

    Returns:
        The name and the owner of each; empty if it is no such list.
    """
    value = _parsed(answer.body, hide) if answer.status == 200 else None
    items = as_list(as_object(value).get("data")) or as_list(value)
    models = [as_object(item) for item in items]
    pairs = [(as_text(m.get("id")), as_text(m.get("owned_by"))) for m in models]
    return [(name, owner) for name, owner in pairs if _is_name(name)]


def _is_name(name: str) -> bool:
    """Whether a model can be asked for by this name."""
    return 0 < len(name) <= _LONGEST_NAME and _joined(name) == name


def _split_thoughts(reading: Reading) -> None:
    """Take thoughts between tags out of the text."""
    for start, end in _TAGS:
        if end in reading.text or reading.text.lstrip().startswith(start):
            thought, closing, text = reading.text.rpartition(end)
            reading.tags = (start, end)
            reading.reasoning["content"] = thought if closing else text
            reading.text = text if closing else ""
            return


def _refusal(answer: RawAnswer, hide: _Hide) -> Failure:
    if answer.status < 400:
        target = hide(answer.headers.get("location", "")) or "nowhere"
        return Failure(clean_text(f"it sends the request on to {target}"))
    body = _parsed(answer.body, hide)
    return parse_failure(
        hide(answer.body.decode("utf-8", "replace")) if body is None else body
    )


def _parsed(data: bytes, hide: _Hide) -> object:
    """The JSON value of some bytes, without the key in it; None if it is none."""
    try:
        return _hidden(parse_json(data), hide)
    except ValueError:
        return None


def _hidden(value: object, hide: _Hide) -> object:
    if isinstance(value, str):
        return hide(value)
    if is_object(value):
        return {hide(name): _hidden(item, hide) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, hide) for item in cast("list[object]", value)]
    return value


def _read_event(reading: Reading, event: RawEvent, hide: _Hide) -> None:
    if event.data.strip() == b"[DONE]":
        reading.is_done = True
    elif event.data.strip():
        frame = _parsed(event.data, hide)
        _read_frame(reading, frame, event.event, event.seconds)


def _read_frame(reading: Reading, value: object, event: str, seconds: float) -> None:
    if not is_object(value):
        return
    reading.frames.append(value)
    reading.failure = parse_frame_failure(value, event) or reading.failure
    reading.model = as_text(value.get("model")) or reading.model
    choices = [as_object(choice) for choice in as_list(value.get("choices"))]
    first: JsonObject = {}
    for place, choice in enumerate(choices):
        index = _integer(choice.get("index"))
        number = place if index is None else index
        reading.choices = max(reading.choices, number + 1)
        if number == 0:
            first = choice
    said = as_object(first.get("delta")) or as_object(first.get("message"))
    if _read_message(reading, said):
        reading.last_seconds = seconds
        if reading.first_seconds is None:
            reading.first_seconds = seconds
    reading.finish_reason = as_text(first.get("finish_reason")) or reading.finish_reason
    scored = as_list(as_object(first.get("logprobs")).get("content"))
    reading.logprobs += len(scored)
    _read_usage(reading, value, first)


def _read_message(reading: Reading, said: JsonObject) -> bool:
    """Take what a delta or a message says; True if it says anything."""
    text = _text(said.get("content"), "text")
    reading.text += text
    thoughts = {name: _text(said.get(name), "text", "summary") for name in _REASONING}
    thoughts["content"] = _text(said.get("content"), "thinking")
    for name, thought in thoughts.items():
        if thought:
            reading.reasoning[name] = reading.reasoning.get(name, "") + thought
    pieces = as_list(said.get("tool_calls"))
    for piece in pieces:
        _read_call(reading, as_object(piece))
    return bool(text or pieces or any(thoughts.values()))


def _text(content: object, *names: str) -> str:
    """The text of a field, or of the parts of one that have it under these names."""
    if isinstance(content, str):
        return content if "text" in names else ""
    parts = (as_object(part) for part in as_list(content))
    inner = (part.get(name) for part in parts for name in names)
    return "".join(
        value if isinstance(value, str) else _text(value, "text") for value in inner
    )


def _read_call(reading: Reading, piece: JsonObject) -> None:
    """Add a piece to its call: that of its index, of its id, or the latest."""
    index, given = _integer(piece.get("index")), as_text(piece.get("id"))
    calls = reading.calls_by_key
    key: int | str = given if index is None else index
    if key == "" and calls:
        key = list(calls)[-1]
    call = calls.setdefault(key, SeenCall())
    function = as_object(piece.get("function"))
    call.name = call.name or as_text(function.get("name"))
    arguments = as_text(function.get("arguments"))
    call.arguments += arguments
    call.pieces += bool(arguments)


def _read_usage(reading: Reading, frame: JsonObject, choice: JsonObject) -> None:
    reports = {
        "": frame.get("usage"),
        " (in x_groq)": as_object(frame.get("x_groq")).get("usage"),
        " (in the choice)": choice.get("usage"),
    }
    for place, usage in reports.items():
        if is_object(usage) and is_report(usage):
            reading.usage = usage
            reading.usage_frames += 1
            reading.usage_place = _place(choice) + place
            return


def _place(choice: JsonObject) -> str:
    if choice.get("finish_reason"):
        return "on the frame with finish_reason"
    return "on a frame with content" if choice.get("delta") else "in a frame of its own"


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
