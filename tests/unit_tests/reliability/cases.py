"""The catalogue of faults: what a server does, and what must come of it.

A case is one fault, at two moments: before the first content (only the role has
come) and after two words. The tests run each against this package, sync and async;
``python -m tests.reliability_table`` runs the same ones against another model, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from typing_extensions import override

from langchain_streamkit import errors
from langchain_streamkit.testing import (
    Close,
    Compress,
    Cut,
    Drip,
    ErrorFrame,
    Fault,
    Head,
    Insert,
    Raw,
    Reply,
    Reset,
    Rewrite,
    Send,
    Stall,
    broken_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from langchain_streamkit.testing.steps import Step

__all__ = [
    "BEFORE",
    "CASES",
    "CLOCK_SECONDS",
    "FRAMES",
    "MOMENTS",
    "SAID",
    "TEXT",
    "Case",
    "Ending",
    "Moment",
    "Scene",
    "case_ids",
    "render",
]

TEXT = "One two three four"
SAID = "One two"
Moment: TypeAlias = Literal["before", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "after")
BEFORE: Moment = "before"
FRAMES: dict[Moment, int] = {"before": 1, "after": 3}
"""How many frames have been sent: the role alone, or with two words."""

CLOCK_SECONDS = 0.2
_CLOCKS = {"first_token_timeout": CLOCK_SECONDS, "stall_timeout": CLOCK_SECONDS}
_LIMIT = 256 * 1024
_MANY = 50  # drips, one every hundredth of a second: longer than any clock here


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault happens.

    Attributes:
        frames: How many frames come before it.
        elsewhere: The address of another server, for redirects.
    """

    frames: int
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """What must come of a fault.

    Attributes:
        error: The class of the error; None for a whole answer.
        says: Words that its message must hold.
        retried: Whether it is worth a second request, before content.
        text: What the reader has at the end.
    """

    error: type[errors.StreamKitError] | None = None
    says: tuple[str, ...] = ()
    retried: bool = False
    text: str = TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault.

    Attributes:
        row: Its number in the catalogue.
        name: What happens, for people.
        reply: What the server answers.
        before: The ending if it happens before any content; None if it cannot.
        after: The ending if it happens after two words.
        parameters: The model's, where a clock or a bound is part of the case.
        on_connect: What the server does with each new connection.
        where: ``"stopped"``: nobody listens. ``"unreachable"``: nobody opens.
        tls: Whether the server speaks TLS with a certificate that nobody trusts.
        is_redirect: Whether another server is part of the case.
    """

    row: int
    name: str
    reply: Callable[[Scene], Reply] = lambda _: Reply(TEXT)
    before: Ending | None = None
    after: Ending | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on_connect: Sequence[Step] = ()
    where: Literal["server", "stopped", "unreachable"] = "server"
    tls: bool = False
    is_redirect: bool = False

    def ending(self, moment: Moment) -> Ending | None:
        """What must come of it at that moment."""
        return self.before if moment == BEFORE else self.after


class EarlyHints(Fault):
    """A head of status 103 comes before the real one."""

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Send it before anything else."""
        yield Raw(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        yield from steps


# ── small words for the table ───────────────────────────────────────────────────

_WHOLE = Ending()


def _fails(
    error: type[errors.StreamKitError], *says: str, retried: bool = False
) -> dict[str, Ending]:
    """The same error at both moments; only what came before differs."""
    return {
        "before": Ending(error, says, retried, ""),
        "after": Ending(error, says, text=SAID),
    }


def _refused(
    error: type[errors.StreamKitError], *says: str, retried: bool = False
) -> dict[str, Ending]:
    """An error that can come before any content only."""
    return {"before": Ending(error, says, retried, "")}


def _whole(text: str = TEXT) -> dict[str, Ending]:
    return {"before": Ending(text=text), "after": Ending(text=text)}


def _with(*faults: Callable[[int], Fault], **fields: Any) -> Callable[[Scene], Reply]:
    """The usual answer, with faults at the moment of the scene."""
    return lambda scene: Reply(
        TEXT, faults=[fault(scene.frames) for fault in faults], **fields
    )


def _plain(**fields: Any) -> Callable[[Scene], Reply]:
    return lambda _: Reply(TEXT, **fields)


def _body(body: Any, **fields: Any) -> Callable[[Scene], Reply]:
    return lambda _: Reply.body(body, **fields)


def _status(status: int, *args: Any, **fields: Any) -> Callable[[Scene], Reply]:
    return lambda _: Reply.error(status, *args, **fields)


def _half(frame: bytes) -> bytes:
    """Half of a frame, and nothing to end it."""
    return frame[: len(frame) // 2]


def _unreadable(frame: bytes) -> bytes:
    """As compressed bytes look to one who cannot unpack them."""
    return bytes(byte ^ 0xA5 for byte in frame)


def _frame(content: bytes) -> bytes:
    delta = b'{"choices":[{"index":0,"delta":{"content":"%b"}}]}' % content
    return b"data: %b\n\n" % delta


_EMPTY_DELTA = b'data: {"choices":[{"index":0,"delta":{}}]}\n\n'
_ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
_USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0,'
    b'"total_tokens":1}}\n\n'
)
_OLLAMA_LINES = b'{"message":{"content":"Hi"},"done":false}\n{"done":true}\n'
_CONTEXT = "This model's maximum context length is 8192 tokens."
_SIGN_IN = "<html><title>Sign in</title>Please sign in.</html>"
_QUOTA = "You exceeded your current quota."


def _drip(data: bytes) -> Callable[[int], Fault]:
    return lambda n: Drip(data, every=0.01, times=_MANY, after_frames=n)


def _error_frame(shape: Any, **fields: Any) -> Callable[[int], Fault]:
    return lambda n: ErrorFrame("It broke.", shape, after_frames=n, **fields)


# ── the catalogue ───────────────────────────────────────────────────────────────

_CONNECTING = [
    Case(
        row=2,
        name="connection refused",
        where="stopped",
        **_refused(errors.ConnectionFailedError, "refused", "running", retried=True),
    ),
    Case(
        row=3,
        name="connecting takes for ever",
        where="unreachable",
        parameters={"timeout": CLOCK_SECONDS},
        **_refused(errors.ConnectTimeoutError, "timeout", "timeout=", retried=True),
    ),
    Case(
        row=5,
        name="a certificate that nobody trusts",
        tls=True,
        **_refused(errors.ConnectionFailedError, "TLS", "certificate"),
    ),
    Case(
        row=6,
        name="a reset before TLS",
        tls=True,
        on_connect=[Reset()],
        **_refused(errors.ConnectionFailedError, "connection reset", retried=True),
    ),
    Case(
        row=6,
        name="bytes in place of TLS",
        tls=True,
        on_connect=[Raw(b"HTTP/1.1 200 OK\r\n\r\n" * 3)],
        **_refused(errors.ConnectionFailedError, "TLS", retried=True),
    ),
]

_REFUSALS = [
    Case(
        row=7,
        name="400",
        reply=_status(400, "messages: too few", param="messages"),
        **_refused(errors.InvalidRequestError, "400", "too few"),
    ),
    Case(
        row=7,
        name="422, as FastAPI words it",
        reply=_status(422, "field required", shape="detail-list"),
        **_refused(errors.InvalidRequestError, "422", "field required"),
    ),
    Case(
        row=7,
        name="400, the context is full",
        reply=_status(400, _CONTEXT, code="context_length_exceeded"),
        **_refused(errors.ContextLengthError, "400", "Shorten"),
    ),
    Case(
        row=8,
        name="401",
        reply=_status(401, "no such key"),
        **_refused(errors.AuthenticationError, "401", "api_key="),
    ),
    Case(
        row=9,
        name="402",
        reply=_status(402, "Insufficient credits"),
        **_refused(errors.QuotaExceededError, "402", "credit"),
    ),
    Case(
        row=10,
        name="403",
        reply=_status(403, "not for you"),
        **_refused(errors.PermissionDeniedError, "403"),
    ),
    Case(
        row=11,
        name="404, no such model",
        reply=_status(404, "The model does not exist", code="model_not_found"),
        **_refused(errors.NotFoundError, "404", "model="),
    ),
    Case(
        row=11,
        name="404 with a page",
        reply=_status(404, "Not found", shape="html"),
        **_refused(errors.NotFoundError, "404", "base_url="),
    ),
    Case(
        row=12,
        name="408",
        reply=_status(408, "too slow"),
        **_refused(errors.ServerError, "408", retried=True),
    ),
    Case(
        row=12,
        name="409",
        reply=_status(409, "conflict"),
        **_refused(errors.ServerError, "409", retried=True),
    ),
    Case(
        row=13,
        name="413",
        reply=_status(413, "too large"),
        **_refused(errors.InvalidRequestError, "413"),
    ),
    Case(
        row=14,
        name="429, come back soon",
        reply=_status(429, "slow down", retry_after=0.01),
        **_refused(errors.RateLimitError, "429", "slow down", retried=True),
    ),
    Case(
        row=14,
        name="429, come back in an hour",
        reply=_status(429, "slow down", retry_after=3600),
        **_refused(errors.RateLimitError, "429"),
    ),
    Case(
        row=14,
        name="429, the quota is used up",
        reply=_status(429, _QUOTA, code="insufficient_quota"),
        **_refused(errors.QuotaExceededError, "429", "quota"),
    ),
    *(
        Case(
            row=15,
            name=str(status),
            reply=_status(status, "broken"),
            **_refused(errors.ServerError, str(status), retried=True),
        )
        for status in (500, 502, 503, 504, 520, 524, 529)
    ),
    Case(
        row=15,
        name="503, and do not retry",
        reply=_status(503, "broken", headers={"x-should-retry": "false"}),
        **_refused(errors.ServerError, "503"),
    ),
    Case(
        row=15,
        name="a 503 whose body never comes",
        reply=lambda _: Reply.script(
            Head(), Send(b'{"error'), Close(), status=503, framing="chunked"
        ),
        **_refused(errors.ServerError, "503", retried=True),
    ),
]

_ODD_ANSWERS = [
    Case(
        row=16,
        name="103 before the answer",
        reply=_with(lambda _: EarlyHints()),
        before=_WHOLE,
    ),
    Case(
        row=16,
        name="204",
        reply=_body(b"", status=204),
        **_refused(errors.ProtocolError, "204", "nothing"),
    ),
    Case(
        row=16,
        name="a redirect to nowhere",
        reply=lambda _: Reply.redirect(""),
        **_refused(errors.ConnectionFailedError, "307", "nowhere"),
    ),
    Case(
        row=17,
        name="a login page",
        reply=_body(_SIGN_IN, content_type="text/html"),
        **_refused(errors.ProtocolError, "HTML", "Sign in", "base_url"),
    ),
    Case(
        row=18,
        name="JSON in place of a stream",
        reply=_plain(as_stream=False),
        before=_WHOLE,
    ),
    Case(
        row=19,
        name="200 with a JSON error",
        reply=_status(200, "It broke.", type="server_error"),
        **_refused(errors.ServerError, "It broke", retried=True),
    ),
    Case(
        row=19,
        name="lines of JSON, as Ollama's own API",
        reply=_body(_OLLAMA_LINES, content_type="application/x-ndjson"),
        **_refused(errors.StreamInterruptedError, retried=True),
    ),
    Case(
        row=20,
        name="200 with an empty body",
        reply=_body(b""),
        **_refused(errors.ProtocolError, "empty", retried=True),
    ),
    Case(
        row=21,
        name="no content type",
        reply=_plain(headers={"content-type": None}),
        before=_WHOLE,
    ),
    Case(
        row=21,
        name="text/plain",
        reply=_plain(headers={"content-type": "text/plain"}),
        before=_WHOLE,
    ),
    Case(
        row=21,
        name="bytes that are no HTTP",
        reply=lambda _: Reply.script(Send(b"\x00\x01 hello\r\n\r\n"), framing="raw"),
        **_refused(errors.ProtocolError, "HTTP", retried=True),
    ),
]

_ERROR_FRAMES = [
    *(
        Case(
            row=22,
            name=f"an error frame: {shape}",
            reply=_with(_error_frame(shape)),
            **_fails(
                errors.ServerError,
                *(["It broke"] if shape != "finish" else ["finish_reason"]),
                retried=True,
            ),
        )
        for shape in (
            "openai",
            "openrouter",
            "anthropic",
            "string",
            "object",
            "message",
            "event",
            "event-message",
            "field",
            "choice",
            "finish",
        )
    ),
    Case(
        row=22,
        name="an error frame: rate limit",
        reply=_with(_error_frame("openai", status=429)),
        **_fails(errors.RateLimitError, "It broke", retried=True),
    ),
    Case(
        row=22,
        name="an error frame: context",
        reply=_with(lambda n: ErrorFrame(_CONTEXT, after_frames=n, status=400)),
        **_fails(errors.ContextLengthError, "Shorten"),
    ),
    Case(
        row=22,
        name="an error frame, and the answer goes on",
        reply=_with(_error_frame("openai", ends=False)),
        **_fails(errors.ServerError, "It broke", retried=True),
    ),
]

_BROKEN_FRAMES = [
    Case(
        row=23,
        name="half a frame, and the answer goes on",
        reply=_with(lambda n: Rewrite(broken_json, n)),
        **_fails(errors.ProtocolError, "not JSON", retried=True),
    ),
    Case(
        row=24,
        name="half a frame, then the end",
        reply=_with(lambda n: Rewrite(_half, n), lambda n: Cut(n + 1, how="end")),
        **_fails(errors.StreamInterruptedError, "closed the stream", retried=True),
    ),
    Case(
        row=25,
        name="bytes that are no UTF-8",
        reply=_with(lambda n: Insert(_frame(b"\xff"), n)),
        before=Ending(text=f"\ufffd{TEXT}"),
        after=Ending(text=f"{SAID}\ufffd three four"),
    ),
    Case(
        row=25,
        name="a line separator inside of JSON",
        reply=_with(lambda n: Insert(_frame("\u2028\x85".encode()), n)),
        before=Ending(text=f"\u2028\x85{TEXT}"),
        after=Ending(text=f"{SAID}\u2028\x85 three four"),
    ),
    *(
        Case(
            row=25,
            name=f"legal events without data: {name}",
            reply=_with(lambda n, data=data: Insert(data, n)),
            **_whole(),
        )
        for name, data in (
            ("comment", b": ping\n\n"),
            ("retry", b"retry: 3000\n\n"),
            ("id", b"id: 1\n\n"),
            ("empty data", b"data:\n\n"),
            ("type", b"event: ping\n\n"),
        )
    ),
    Case(
        row=25,
        name="a byte order mark",
        reply=_with(
            lambda _: Rewrite(lambda frame: b"\xef\xbb\xbf" + frame, 0),
            role_frame=False,
        ),
        before=_WHOLE,
    ),
    Case(
        row=25,
        name="CR for line ends",
        reply=_plain(line_end="\r"),
        before=_WHOLE,
    ),
]

_CUTS = [
    Case(
        row=26,
        name="a reset",
        reply=_with(lambda n: Cut(n, how="reset")),
        before=Ending(
            errors.ConnectionFailedError, ("connection reset",), retried=True, text=""
        ),
        after=Ending(
            errors.StreamInterruptedError, ("connection reset", "partial"), text=SAID
        ),
    ),
    Case(
        row=26,
        name="a reset before the headers",
        reply=_with(lambda _: Cut(before_headers=True, how="reset")),
        **_refused(errors.ConnectionFailedError, "connection reset", retried=True),
    ),
    Case(
        row=26,
        name="the end before the headers",
        reply=_with(lambda _: Cut(before_headers=True)),
        **_refused(errors.ConnectionFailedError, "closed", retried=True),
    ),
    Case(
        row=26,
        name="an unfinished chunked body",
        reply=_with(Cut),
        before=Ending(errors.ConnectionFailedError, ("closed",), retried=True, text=""),
        after=Ending(errors.StreamInterruptedError, ("closed",), text=SAID),
    ),
    Case(
        row=26,
        name="less than content-length",
        reply=_with(Cut, framing="length"),
        before=Ending(errors.ConnectionFailedError, ("closed",), retried=True, text=""),
        after=Ending(errors.StreamInterruptedError, ("closed",), text=SAID),
    ),
    Case(
        row=26,
        name="a broken chunk header",
        reply=lambda scene: Reply.script(
            Send(_ROLE),
            *(
                [Send(_frame(b"One")), Send(_frame(b" two"))]
                if scene.frames > 1
                else []
            ),
            Raw(b"zz\r\n"),
            Close(),
        ),
        before=Ending(errors.ProtocolError, ("HTTP",), retried=True, text=""),
        after=Ending(errors.StreamInterruptedError, ("HTTP",), text=SAID),
    ),
    Case(
        row=27,
        name="no [DONE] after the finish reason",
        reply=_plain(done=False),
        before=_WHOLE,
    ),
    Case(
        row=28,
        name="[DONE] without a finish reason",
        reply=_plain(finish_reason=None),
        before=_WHOLE,
    ),
    Case(
        row=29,
        name="the end, as if all were said",
        reply=_with(lambda n: Cut(n, how="end")),
        **_fails(errors.StreamInterruptedError, "closed the stream", retried=True),
    ),
    Case(
        row=29,
        name="the end of a body that the connection's end ends",
        reply=_with(lambda n: Cut(n, how="close"), framing="close"),
        **_fails(errors.StreamInterruptedError, "closed the stream", retried=True),
    ),
    *(
        Case(
            row=30,
            name=f"finish reason {reason}",
            reply=_plain(finish_reason=reason),
            before=_WHOLE,
        )
        for reason in ("length", "content_filter")
    ),
]

_CLOCK_CASES = [
    Case(
        row=31,
        name="a stall before the headers",
        reply=_with(lambda _: Stall(before_headers=True)),
        parameters=_CLOCKS,
        **_refused(
            errors.FirstTokenTimeoutError,
            "timeout",
            "first_token_timeout",
            retried=True,
        ),
    ),
    Case(
        row=32,
        name="a stall",
        reply=_with(Stall),
        parameters=_CLOCKS,
        before=Ending(
            errors.FirstTokenTimeoutError,
            ("timeout", "first_token_timeout"),
            retried=True,
            text="",
        ),
        after=Ending(errors.StallTimeoutError, ("timeout", "stall_timeout"), text=SAID),
    ),
    *(
        Case(
            row=33,
            name=f"a drip of {name}",
            reply=_with(_drip(data)),
            parameters=_CLOCKS,
            before=Ending(
                errors.FirstTokenTimeoutError,
                ("timeout", "first_token_timeout"),
                retried=True,
                text="",
            ),
            after=Ending(
                errors.StallTimeoutError, ("timeout", "stall_timeout"), text=SAID
            ),
        )
        for name, data in (
            ("comments", b": ping\n\n"),
            ("empty deltas", _EMPTY_DELTA),
            ("roles", _ROLE),
            ("usage", _USAGE),
            ("single bytes", b":"),
        )
    ),
    Case(
        row=34,
        name="a whole answer that takes too long",
        reply=_with(_drip(b": ping\n\n")),
        parameters={"total_timeout": CLOCK_SECONDS},
        **_fails(errors.TotalTimeoutError, "timeout", "total_timeout"),
    ),
]

_SIZES = [
    *(
        Case(
            row=35,
            name=f"{coding}, unasked",
            reply=_with(lambda _, coding=coding: Compress(coding)),
            before=_WHOLE,
        )
        for coding in ("gzip", "deflate")
    ),
    Case(
        row=35,
        name="gzip that breaks",
        reply=_with(lambda _: Compress(corrupt=True)),
        **_refused(errors.ProtocolError, "decompress"),
    ),
    Case(
        row=35,
        name="a coding that nobody asked for",
        reply=_with(lambda _: Rewrite(_unreadable), headers={"content-encoding": "br"}),
        **_refused(errors.ProtocolError, "'br'", "identity"),
    ),
    *(
        Case(
            row=36,
            name=f"a {coding} bomb",
            reply=lambda _, coding=coding: Reply.bomb(16 * 1024 * 1024, coding),
            parameters={"max_event_bytes": _LIMIT},
            **_refused(errors.StreamLimitError, "max_event_bytes", str(_LIMIT)),
        )
        for coding in ("gzip", "deflate")
    ),
    Case(
        row=37,
        name="a line without an end",
        reply=_with(lambda n: Insert(b"data: " + b"x" * 2 * _LIMIT, n)),
        parameters={"max_event_bytes": _LIMIT},
        **_fails(errors.StreamLimitError, "max_event_bytes", str(_LIMIT)),
    ),
    Case(
        row=37,
        name="an answer without an end",
        reply=_with(lambda n: Insert(b": " + b"x" * 2 * _LIMIT + b"\n\n", n)),
        parameters={"max_response_bytes": _LIMIT},
        **_fails(errors.StreamLimitError, "max_response_bytes", str(_LIMIT)),
    ),
    Case(
        row=39,
        name="the finish frame twice",
        reply=_with(lambda _: Rewrite(lambda frame: frame * 2, 5)),
        before=_WHOLE,
    ),
    Case(
        row=40,
        name="something after [DONE]",
        reply=_with(lambda _: Insert(_frame(b"more"), 10**6)),
        before=_WHOLE,
    ),
    Case(
        row=40,
        name="a response that stays open after [DONE]",
        reply=_with(lambda _: Stall(after_frames=10**6)),
        before=_WHOLE,
    ),
]

_REDIRECTS = [
    *(
        Case(
            row=42,
            name=f"{status} to another origin",
            is_redirect=True,
            reply=lambda scene, status=status: Reply.redirect(scene.elsewhere, status),
            **_refused(errors.ConnectionFailedError, str(status), "base_url"),
        )
        for status in (301, 302, 303, 307, 308)
    ),
]

CASES: list[Case] = [
    *_CONNECTING,
    *_REFUSALS,
    *_ODD_ANSWERS,
    *_ERROR_FRAMES,
    *_BROKEN_FRAMES,
    *_CUTS,
    *_CLOCK_CASES,
    *_SIZES,
    *_REDIRECTS,
]


def case_ids(cases: Sequence[Case]) -> list[str]:
    """A name for each."""
    return [f"{case.row}-{case.name}" for case in cases]


def render(case: Case, moment: Moment, elsewhere: str = "") -> Reply:
    """What the server answers to every request of the case."""
    return case.reply(Scene(FRAMES[moment], elsewhere))
