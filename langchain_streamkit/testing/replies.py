"""What the server is told to answer.

A ``Reply`` says what the model says; the server turns it into a stream of frames or
into one JSON body, as the request asks. ``Reply.error``, ``Reply.frames``,
``Reply.replay`` and ``Reply.script`` go down from there, step by step, to single
socket writes.

Example:
    >>> from langchain_streamkit.testing import Reply, ToolCall
    >>> Reply("Hello there!").text
    'Hello there!'
    >>> Reply(tool_calls=[ToolCall("get_weather", {"city": "Paris"})]).text
    ''
"""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import KW_ONLY, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from langchain_streamkit.testing._errors import ErrorShape, Trouble, render_error
from langchain_streamkit.testing._values import JsonObject, dump_json
from langchain_streamkit.testing.steps import Framing, Head, Send, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_streamkit.testing.faults import Fault

__all__ = ["Reply", "Split", "ToolCall"]

Split: TypeAlias = Literal["words", "characters", "whole"] | int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that the model makes.

    Attributes:
        name: The tool's name.
        arguments: Its arguments, or their text where it should not be good JSON.
        id: The call's id; None for one made from the request's number.
        pieces: How the arguments' text is cut into deltas: as ``Reply.split``, or
            the pieces themselves. ``"whole"`` puts the whole call into one delta,
            everything else opens it with a delta of its own.
        type: ``"function"``, or ``"custom"`` for a call whose input is plain text.
        extra: More fields of the call, for example ``extra_content``.
    """

    name: str
    arguments: Mapping[str, object] | str = field(default_factory=dict[str, object])
    _: KW_ONLY
    id: str | None = None
    pieces: Split | Sequence[str] = "words"
    type: Literal["function", "custom"] = "function"
    extra: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Reply:
    r"""One answer of the server.

    Attributes:
        text: What the model says. A list gives the deltas one by one.
        reasoning: What it thinks before; a list as for the text.
        tool_calls: The tools that it calls after the text.
        refusal: Why it will not answer.
        finish_reason: ``"auto"`` is ``"tool_calls"`` or ``"stop"``; None is null.
        usage: The usage object; ``"auto"`` counts tokens, None sends none.
        usage_place: ``"frame"`` puts it into a frame of its own if the request asks
            for it by ``stream_options``; ``"finish"`` puts it on the finish frame
            and ``"every"`` on every frame, asked for or not.
        logprobs: One entry a text delta; ``"auto"`` makes them if they are asked
            for.
        annotations: Annotations of the text, as OpenAI words them.
        citations: URLs at the top level of each frame, as Perplexity sends them.
        choices: Further choices. If the request asks for more than there are
            (``n``), this reply fills the rest.
        split: How text and reasoning are cut into deltas: by words, by characters,
            whole, or every so many characters.
        reasoning_field: The name that carries the reasoning: ``reasoning_content``,
            ``reasoning``, ``thinking`` or any other.
        model: The model that the answer names; None for the one asked for.
        id: The answer's id; None for one made from the request's number.
        extra: More top-level fields, in each frame and in the body.
        message_extra: More fields of the message: in the first delta that carries
            something, and in the body's message (``audio``, ``images``, ...).
        role_frame: False leaves the first frame out, which has the role alone.
        done: False leaves ``data: [DONE]`` out.
        line_end: What ends the lines of the stream.
        as_stream: None does as the request asks; False sends a JSON body and True a
            stream, whatever is asked.
        head_delay: Seconds before the headers.
        first_delay: Seconds between the headers and the first frame.
        frame_delay: Seconds between two frames.
        frames_per_send: How many frames share a socket write.
        status: The HTTP status.
        headers: More headers; a value of None takes one of the server's away.
        framing: How the body is delimited; None is ``"chunked"`` for a stream and
            ``"length"`` for a body.
        faults: What goes wrong, in the order in which it is applied.
        steps: The steps themselves, instead of all that describes a message.

    Example:
        >>> reply = Reply("one two three", frame_delay=0.01, usage=None)
        >>> reply.replace(text="four").frame_delay
        0.01
    """

    text: str | Sequence[str] = ""
    _: KW_ONLY
    reasoning: str | Sequence[str] = ""
    tool_calls: Sequence[ToolCall] = ()
    refusal: str = ""
    finish_reason: str | None = "auto"
    usage: Mapping[str, object] | Literal["auto"] | None = "auto"
    usage_place: Literal["frame", "finish", "every"] = "frame"
    logprobs: Sequence[Mapping[str, object]] | Literal["auto"] | None = "auto"
    annotations: Sequence[Mapping[str, object]] = ()
    citations: Sequence[str] = ()
    choices: Sequence[Reply] = ()
    split: Split = "words"
    reasoning_field: str = "reasoning_content"
    model: str | None = None
    id: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict[str, object])
    message_extra: Mapping[str, object] = field(default_factory=dict[str, object])
    role_frame: bool = True
    done: bool = True
    line_end: Literal["\n", "\r\n", "\r"] = "\n"
    as_stream: bool | None = None
    head_delay: float = 0.0
    first_delay: float = 0.0
    frame_delay: float = 0.0
    frames_per_send: int = 1
    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    framing: Framing | None = None
    faults: Sequence[Fault] = ()
    steps: Sequence[Step] | None = None

    def replace(self, **fields: object) -> Self:
        """A copy with some fields changed.

        Args:
            **fields: Names of fields with their new values.

        Raises:
            TypeError: If there is no such field.
        """
        known = {item.name for item in dataclasses.fields(self)}
        unknown = sorted(set(fields) - known)
        if unknown:
            message = f"{', '.join(unknown)}: a Reply has no such field."
            raise TypeError(message)
        return dataclasses.replace(self, **fields)  # type: ignore[arg-type]

    @classmethod
    def error(
        cls,
        status: int,
        message: str = "Something went wrong.",
        *,
        type: str | None = None,  # noqa: A002 - the wire's name
        code: str | int | None = None,
        param: str | None = None,
        retry_after: float | str | None = None,
        headers: Mapping[str, str | None] | None = None,
        shape: ErrorShape = "openai",
    ) -> Reply:
        """An HTTP error, worded as one of the known servers does.

        Args:
            status: The HTTP status.
            message: What happened.
            type: The kind of error; None for the usual one of the status.
            code: The server's own word or number for it.
            param: The request field to blame.
            retry_after: The ``retry-after`` header: seconds, or any text.
            headers: More headers.
            shape: How the error is worded; see ``ErrorShape``.

        Example:
            >>> Reply.error(429, "slow down", retry_after=2).headers["retry-after"]
            '2'
        """
        trouble = Trouble(
            status=status, message=message, type=type, code=code, param=param
        )
        content_type, body = render_error(trouble, shape)
        more = {} if retry_after is None else {"retry-after": _seconds(retry_after)}
        return cls.body(
            body,
            content_type=content_type,
            status=status,
            headers={**more, **(headers or {})},
        )

    @classmethod
    def body(
        cls,
        body: bytes | str | JsonObject | Sequence[object],
        *,
        content_type: str = "application/json",
        status: int = 200,
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """One whole body, whatever the request asks for.

        Args:
            body: Bytes or text as they are; anything else becomes JSON.
            content_type: Its type.
            status: The HTTP status.
            headers: More headers.

        Example:
            >>> Reply.body(
            ...     "<html>Please log in</html>", content_type="text/html"
            ... ).status
            200
        """
        if isinstance(body, str):
            body = body.encode()
        data = body if isinstance(body, bytes) else dump_json(body)
        return cls(
            steps=(Head(), Send(data)),
            status=status,
            framing="length",
            headers={"content-type": content_type, **(headers or {})},
        )

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> Reply:
        """A redirect to another place.

        Args:
            location: The new URL; an empty one leaves the header out.
            status: 301, 302, 303, 307 or 308.

        Example:
            >>> Reply.redirect("https://example.org/v1/chat/completions").status
            307
        """
        headers = {"location": location} if location else {}
        return cls.body(b"", content_type="text/plain", status=status, headers=headers)

    @classmethod
    def frames(cls, *frames: object, done: bool = True) -> Reply:
        """A stream of the given frames.

        Args:
            *frames: Objects become the JSON of a ``data:`` line, text becomes a
                ``data:`` line, and bytes are sent as they are.
            done: True if ``data: [DONE]`` follows.

        Example:
            >>> reply = Reply.frames({"choices": [{"delta": {"content": "Hi"}}]})
        """
        rendered = [_render_frame(frame) for frame in frames]
        if done:
            rendered.append(b"data: [DONE]\n\n")
        return cls(steps=(Head(), *map(Send, rendered)))

    @classmethod
    def replay(
        cls,
        data: bytes,
        chunk_ends: Iterable[int] | int | None = None,
        *,
        content_type: str = "text/event-stream",
        status: int = 200,
        framing: Framing = "chunked",
    ) -> Reply:
        r"""Recorded bytes, cut as the recording was or in any other way.

        Args:
            data: The whole body.
            chunk_ends: Where each socket write ends, in bytes from the start; or
                the size of all writes; None for a single one.
            content_type: Its type.
            status: The HTTP status.
            framing: How the body is delimited.

        Raises:
            ValueError: If an end lies outside of the data or before another.

        Example:
            >>> reply = Reply.replay(b"data: [DONE]\n\n", chunk_ends=1)
            >>> len(reply.steps)
            15
        """
        if isinstance(chunk_ends, int):
            chunk_ends = range(chunk_ends, len(data), chunk_ends)
        ends = [0, *(chunk_ends or ()), len(data)]
        if any(start > end for start, end in pairwise(ends)):
            message = f"chunk_ends must ascend within 0 and {len(data)}."
            raise ValueError(message)
        writes = (data[start:end] for start, end in pairwise(ends))
        return cls(
            steps=(Head(), *(Send(write) for write in writes if write)),
            status=status,
            framing=framing,
            headers={"content-type": content_type},
        )

    @classmethod
    def script(
        cls,
        *steps: Step,
        status: int = 200,
        headers: Mapping[str, str | None] | None = None,
        framing: Framing = "chunked",
    ) -> Reply:
        r"""Every single thing that the server does, in order.

        Args:
            *steps: The steps; unless ``Head()`` is among them, it goes first.
            status: The HTTP status.
            headers: More headers; by default the body is an event stream.
            framing: How the body is delimited. ``"raw"``: the steps hold every
                byte, the status line included.

        Example:
            >>> Reply.script(Send(b"HTTP/1.1 200 OK\r\nbroken"), framing="raw").status
            200
        """
        headless = not any(isinstance(step, Head) for step in steps)
        return cls(
            steps=(Head(), *steps) if headless else steps,
            status=status,
            headers={"content-type": "text/event-stream", **(headers or {})},
            framing=framing,
        )

    @classmethod
    def bomb(
        cls,
        size: int = 64 * 1024 * 1024,
        coding: Literal["gzip", "deflate"] = "gzip",
    ) -> Reply:
        """A small compressed body that unpacks to one very long line.

        Args:
            size: Bytes after unpacking.
            coding: The content-encoding.

        Example:
            >>> reply = Reply.bomb(1_000_000)
            >>> sum(len(step.data) for step in reply.steps[1:]) < 2_000
            True
        """
        encoder = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
        block = b"a" * 65536
        parts = [encoder.compress(b"data: ")]
        parts += [encoder.compress(block) for _ in range(size // len(block))]
        parts += [encoder.compress(block[: size % len(block)]), encoder.flush()]
        return cls.script(
            Send(b"".join(parts)),
            headers={"content-encoding": coding},
            framing="length",
        )


def _seconds(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _render_frame(frame: object) -> bytes:
    if isinstance(frame, bytes):
        return frame
    data = frame.encode() if isinstance(frame, str) else dump_json(frame)
    return b"data: %b\n\n" % data
