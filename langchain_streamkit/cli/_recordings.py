"""Recorded answers of servers, as files.

A recording is ``NAME.sse`` (the bytes of a stream) or ``NAME.body.json`` (those of a
whole answer), with ``NAME.json`` beside it: an object that may have ``provider``,
``status`` (200), ``content_type``, ``network_chunk_ends`` (where the reads ended, in
bytes), ``wrapped`` (true where the end of the stream was not recorded),
``body_sha256``, and ``expected``, what a correct client reports. Without ``NAME.json``,
or without ``expected`` in it, that is read from the bytes (see ``_expected``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from langchain_streamkit.cli._expected import (
    CUT_REASONS,
    Ending,
    Expected,
    ExpectedCall,
    Words,
    arguments_to_expect,
    expect,
)
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.testing._values import (
    JsonObject,
    as_list,
    as_number,
    as_object,
    as_text,
    is_object,
    load_json,
)
from langchain_streamkit.testing.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from langchain_streamkit.testing.steps import Framing

__all__ = ["Recording", "find_recordings", "load_recording"]

_STREAM, _BODY = ".sse", ".body.json"
_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_TYPES = {True: "text/event-stream", False: "application/json"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded answer.

    Attributes:
        name: Its path below the folder that was asked for, without the suffix.
        provider: Who answered.
        body: The bytes.
        is_stream: Whether they are an event stream.
        status: The HTTP status.
        content_type: The header of that name.
        network_ends: Where the network's reads ended, in bytes; often not known.
        expected: What a correct client reports.
    """

    name: str
    provider: str
    body: bytes
    is_stream: bool
    status: int
    content_type: str
    network_ends: tuple[int, ...]
    expected: Expected

    @property
    def frame_ends(self) -> list[int]:
        """Where each frame ends, in bytes; of a whole body its end."""
        ends = [found.end() for found in _FRAME_END.finditer(self.body)]
        return ends if self.is_stream and ends else [len(self.body)]

    def cut_in_half(self) -> Recording | None:
        """A stream with the second half of its frames missing, as a broken server's.

        Returns:
            None for a whole body, and where the first half is an answer by itself.
        """
        ends = self.frame_ends
        body = self.body[: ends[len(ends) // 2 - 1]]
        if not self.is_stream or len(ends) < 2 or self.expected.ending != "answer":
            return None
        expected = expect(body, is_stream=True)
        if expected.ending != "cut":
            return None
        return replace(self, body=body, network_ends=(), expected=expected)

    def reply(self, ends: Iterable[int] | None = None) -> Reply:
        """The answer of a ``FakeServer`` that plays it.

        Args:
            ends: Where each write ends; None for a single one.
        """
        framing: Framing = "chunked" if self.is_stream else "length"
        return Reply.replay(
            self.body,
            ends,
            content_type=self.content_type,
            status=self.status,
            framing=framing,
        )


def find_recordings(path: Path) -> list[Path]:
    """The bodies of the recordings at a path, sorted.

    Args:
        path: A folder, whose folders are looked into as well, or one recording:
            its body or its ``NAME.json``.

    Raises:
        ConfigurationError: If there is none.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("hello.sse").write_bytes(b"data: [DONE]")
        >>> [found.name for found in find_recordings(Path())]
        ['hello.sse']
    """
    if path.is_dir():
        suffixes = (_STREAM, _BODY)
        found = [one for suffix in suffixes for one in path.rglob(f"*{suffix}")]
    elif path.name.endswith((_STREAM, _BODY)):
        found = [path]
    else:
        stem = path.name.removesuffix(".json")
        found = [path.with_name(stem + suffix) for suffix in (_STREAM, _BODY)]
    found = sorted(one for one in found if one.is_file())
    if not found:
        raise ConfigurationError(
            f"{path} has no recordings: NAME.sse or NAME.body.json, each with a "
            "NAME.json beside it."
        )
    return found


def load_recording(path: Path, root: Path) -> Recording:
    """Read one recording.

    Args:
        path: Its body.
        root: What its name leaves out.

    Raises:
        ConfigurationError: If its files are not what they should be.
    """
    is_stream = path.name.endswith(_STREAM)
    stem = path.name.removesuffix(_STREAM if is_stream else _BODY)
    body = path.read_bytes()
    facts = _facts(path.with_name(f"{stem}.json"))
    digest = facts.get("body_sha256")
    if digest and digest != hashlib.sha256(body).hexdigest():
        raise ConfigurationError(f"{path} is not what was recorded: body_sha256.")
    status = int(as_number(facts.get("status")) or 200)
    given = facts.get("expected")
    folder = path.parent.relative_to(root) if path.is_relative_to(root) else path.parent
    return Recording(
        name=(folder / stem).as_posix(),
        provider=as_text(facts.get("provider")) or path.parent.name,
        body=body,
        is_stream=is_stream,
        status=status,
        content_type=as_text(facts.get("content_type")) or _TYPES[is_stream],
        network_ends=_ends(facts.get("network_chunk_ends"), len(body)),
        expected=(
            _given(given, facts, body, is_stream=is_stream)
            if is_object(given)
            else expect(body, is_stream=is_stream, status=status)
        ),
    )


def _facts(path: Path) -> JsonObject:
    if not path.is_file():
        return {}
    try:
        facts = load_json(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}.") from error
    if not is_object(facts):
        raise ConfigurationError(f"{path} is not a JSON object.")
    return facts


def _ends(value: object, size: int) -> tuple[int, ...]:
    ends = (int(number) for end in as_list(value) if (number := as_number(end)))
    return tuple(sorted({end for end in ends if 0 < end < size}))


def _given(
    given: JsonObject, facts: JsonObject, body: bytes, *, is_stream: bool
) -> Expected:
    reason = as_text(given.get("finish_reason")) or None
    calls = [as_object(call) for call in as_list(given.get("tool_calls"))]
    errors = as_list(given.get("errors"))
    if given.get("not_json") is True:
        errors = [body.decode("utf-8", "replace")]
    errors += [] if is_stream else _choice_errors(body)
    ending: Ending = "answer"
    if errors or (as_number(facts.get("status")) or 200) >= 400:
        ending = "error"
    elif is_stream and not reason and given.get("done") is not True:
        ending = "open" if facts.get("wrapped") is True else "cut"
    return Expected(
        ending=ending,
        text=_words(given, "text"),
        reasoning=_words(given, "reasoning"),
        calls=tuple(
            _call(call, is_cut=reason in CUT_REASONS and call is calls[-1])
            for call in calls
        ),
        finish_reason=reason,
        usage=as_object(given.get("usage")) or None,
        refusal=as_text(given.get("refusal")),
        function_call=as_object(given.get("function_call")) or None,
        errors=tuple(errors),
        others=tuple(
            (_words(choice, "text"), as_text(choice.get("finish_reason")) or None)
            for index, one in sorted(as_object(given.get("choices")).items())
            if index != "0" and (choice := as_object(one))
        ),
    )


def _choice_errors(body: bytes) -> list[object]:
    """The error inside the choice of a whole body; no text beside it makes it right."""
    try:
        choices = as_list(as_object(load_json(body)).get("choices"))
    except ValueError:
        return []
    return [
        error for choice in choices[:1] if (error := as_object(choice).get("error"))
    ]


def _words(given: JsonObject, key: str) -> Words:
    length = int(as_number(given.get(f"{key}_len")) or 0)
    return (
        Words(length, as_text(given.get(f"{key}_sha256"))) if length else Words.of("")
    )


def _call(call: JsonObject, *, is_cut: bool) -> ExpectedCall:
    value = call.get("args")
    name = as_text(call.get("name"))
    is_json = call.get("args_json_ok") is not False
    is_empty = value is None if is_json else as_text(value).strip() in {"", "null"}
    arguments = arguments_to_expect(
        name, value if is_json else None, is_empty=is_empty, is_cut=is_cut
    )
    return ExpectedCall(as_text(call.get("id")), name, arguments)
