"""What must be so after a run: each check yields a line for what is wrong.

Rules that are judgements, by what the answer holds and never by its name:
- a call that names no function (OpenAI's custom tools) is an invalid call;
- an error inside a choice of a whole body is raised, with the text on ``partial``;
- an error frame counts even where the stream goes on to ``[DONE]``;
- where the end was not recorded, both a message and an interruption are right.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_streamkit import errors
from langchain_streamkit.cli._expected import Words
from langchain_streamkit.errors import StreamInterruptedError, StreamKitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage, AIMessageChunk

    from langchain_streamkit.cli._expected import Expected
    from langchain_streamkit.cli._recordings import Recording

    from .ways import Outcome

BY_STATUS: dict[int, tuple[type[StreamKitError], ...]] = {
    401: (errors.AuthenticationError,),
    402: (errors.QuotaExceededError,),
    403: (errors.PermissionDeniedError,),
    404: (errors.NotFoundError,),
    408: (errors.ServerError,),
    409: (errors.ServerError,),
    425: (errors.ServerError,),
    429: (errors.RateLimitError, errors.QuotaExceededError),
}
ANY_STATUS = (errors.ContextLengthError, errors.QuotaExceededError)
SPOKEN = re.compile(r"[A-Za-z]{3,}[.,:;]?")
QUOTED_WORDS = 30
KINDS_IN_KWARGS = {"reasoning_content": "reasoning", "refusal": "refusal"}


def problems_of(recording: Recording, outcome: Outcome) -> list[str]:
    """All that is wrong with a run."""
    expected = recording.expected
    found = list(check_pieces(outcome))
    if outcome.error is not None:
        found += check_error(recording, outcome.error)
    elif expected.ending in {"error", "cut"}:
        found.append(f"no exception, and the answer ends with: {expected.ending}")
    elif outcome.message is None:
        found.append("neither a message nor an exception")
    else:
        found += check_message(expected, outcome.message)
        found += check_others(expected, outcome.others)
    return found


# ── errors ──────────────────────────────────────────────────────────────────────────


def check_error(recording: Recording, error: Exception) -> Iterator[str]:
    expected = recording.expected
    if not isinstance(error, StreamKitError):
        yield f"raised {type(error).__name__}, which is no StreamKitError: {error}"
        return
    said = f"{type(error).__name__}: {error}"
    if expected.ending == "answer":
        yield f"raised {said}"
        return
    yield from check_texts("the error", [str(error), error.body])
    if expected.ending != "error" and not isinstance(error, StreamInterruptedError):
        yield f"a cut raised {said}"
    if recording.status >= 400:
        yield from check_status(recording.status, error)
    for failure in expected.errors[:1]:
        yield from check_quote(message_of_failure(failure), str(error))
    partial = error.partial
    if partial is None:
        if expected.text.length:
            yield f"no partial, and {expected.text.length} characters had come"
        return
    yield from check_words("partial text", expected.text, partial.text)
    yield from check_words("partial reasoning", expected.reasoning, reasoning(partial))
    runnable = [call["name"] for call in partial.tool_calls]
    cut = [call.name for call in expected.calls if call.arguments is None]
    if Counter(runnable) & Counter(cut):
        yield f"partial would run {runnable}, of which {cut} must not run"


def check_status(status: int, error: StreamKitError) -> Iterator[str]:
    usual = errors.InvalidRequestError if status < 500 else errors.ServerError
    allowed = (*BY_STATUS.get(status, (usual,)), *ANY_STATUS)
    if not isinstance(error, allowed):
        yield f"{status} raised {type(error).__name__}"
    if error.status_code != status:
        yield f"status_code is {error.status_code}, not {status}"


def message_of_failure(failure: object) -> str:
    """The server's words, in any of the shapes that errors have."""
    if isinstance(failure, str):
        return failure
    if isinstance(failure, list):
        return " ".join(map(message_of_failure, failure))
    if isinstance(failure, dict):
        keys = ("message", "detail", "msg", "error", "error_message")
        return next(
            (message_of_failure(failure[k]) for k in keys if failure.get(k)), ""
        )
    return ""


def check_quote(message: str, said: str) -> Iterator[str]:
    """Plain words only: keys in a message are hidden, and long ones are cut."""
    words = message.split()[:QUOTED_WORDS]
    missing = [w for w in words if SPOKEN.fullmatch(w) and w.rstrip(".,:;") not in said]
    if missing:
        yield f"the error does not quote the server's {' '.join(missing)!r}: {said}"


# ── messages ────────────────────────────────────────────────────────────────────────


def check_message(expected: Expected, message: AIMessage) -> Iterator[str]:
    metadata, kwargs = message.response_metadata, message.additional_kwargs
    yield from check_words("text", expected.text, message.text)
    yield from check_words("reasoning", expected.reasoning, reasoning(message))
    yield from check_calls(expected, message)
    got = {
        "finish_reason": (expected.finish_reason, metadata.get("finish_reason")),
        "refusal": (expected.refusal, kwargs.get("refusal", "")),
        "function_call": (expected.function_call, kwargs.get("function_call")),
    }
    for name, (wanted, found) in got.items():
        if wanted != found:
            yield f"{name} is {found!r}, expected {wanted!r}"
    yield from check_usage(expected, message)
    yield from check_texts("the message", message.model_dump())


def check_others(expected: Expected, others: list[AIMessage]) -> Iterator[str]:
    """Further choices, which only ``generate`` gives."""
    if not others:
        return
    if len(others) != len(expected.others):
        yield f"{len(others)} further choices, expected {len(expected.others)}"
        return
    for (words, reason), message in zip(expected.others, others, strict=True):
        yield from check_words("a further choice", words, message.text)
        found = message.response_metadata["finish_reason"]
        if found != reason:
            yield f"a further choice's finish_reason is {found!r}, expected {reason!r}"


def check_words(what: str, expected: Words, got: str) -> Iterator[str]:
    if Words.of(got) != expected:
        wanted = f"{expected.length} of sha256 {expected.sha256[:8]}"
        yield f"{what} has {len(got)} characters, expected {wanted}: {got!r:.80}"


def reasoning(message: AIMessage) -> str:
    """The reasoning, which must be the same in both places that have it."""
    blocks = "".join(
        block.get("reasoning", "")
        for block in message.content_blocks
        if block["type"] == "reasoning"
    )
    kept = message.additional_kwargs.get("reasoning_content", "")
    return blocks if blocks == kept else f"blocks: {blocks!r}, kwargs: {kept!r}"


def check_calls(expected: Expected, message: AIMessage) -> Iterator[str]:
    good = [call for call in expected.calls if call.arguments is not None]
    broken = [call for call in expected.calls if call.arguments is None]
    got = [(call["name"], call["args"]) for call in message.tool_calls]
    wanted = [(call.name, call.arguments) for call in good]
    if got != wanted:
        yield f"tool_calls are {got!r:.200}, expected {wanted!r:.200}"
    names = [call["name"] for call in message.invalid_tool_calls]
    if len(names) != len(broken):
        yield f"invalid_tool_calls are {names}, expected {[c.name for c in broken]}"
        return
    for call, name in zip(broken, names, strict=True):
        if call.name and call.name != name:
            yield f"an invalid call is named {name!r}, expected {call.name!r}"
    ids = [call.id for call in expected.calls]
    kept = {call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)}
    if len(kept) != len(ids) or None in kept or "" in kept:
        yield f"ids of tool calls are {kept}: each needs one of its own"
    lost = {one for one in ids if one and ids.count(one) == 1} - kept
    if lost:
        yield f"ids of tool calls are {kept}, expected {lost} among them"


def check_usage(expected: Expected, message: AIMessage) -> Iterator[str]:
    raw = message.response_metadata.get("token_usage")
    usage: Any = message.usage_metadata
    if not says_something(expected.usage):
        return
    if raw != expected.usage:
        yield f"token_usage is {raw}, expected {expected.usage}"
        return
    if usage is None:
        yield "usage_metadata is None"
        return
    for name, allowed in counts_of(raw).items():
        side, _, detail = name.partition(".")
        got = usage.get(side, {}).get(detail) if detail else usage.get(side)
        if got not in allowed:
            yield f"usage_metadata's {name} is {got}, expected one of {allowed}"


def says_something(usage: Any) -> bool:
    """Whether any count is not zero; an object of zeros may be left for an earlier."""
    counts = (value for key, value in (usage or {}).items() if key.endswith("_tokens"))
    return any(counts)


def counts_of(raw: dict[str, Any]) -> dict[str, set[int]]:
    """What each count of ``usage_metadata`` may be."""
    inputs = raw.get("prompt_tokens", raw.get("input_tokens")) or 0
    outputs = raw.get("completion_tokens", raw.get("output_tokens")) or 0
    given = raw.get("completion_tokens_details") or {}
    thought = given.get("reasoning_tokens") or raw.get("reasoning_tokens") or 0
    total = raw.get("total_tokens") or inputs + outputs
    beside = total == inputs + outputs + thought
    counts = {
        "input_tokens": {inputs},
        "output_tokens": {outputs + thought if beside else outputs},
        "total_tokens": {total},
    }
    cached = (raw.get("prompt_tokens_details") or {}).get("cached_tokens")
    if cached is not None:
        counts["input_token_details.cache_read"] = {cached}
    if given.get("reasoning_tokens") is not None:
        counts["output_token_details.reasoning"] = {given["reasoning_tokens"]}
    return counts


# ── chunks and events ───────────────────────────────────────────────────────────────


def check_pieces(outcome: Outcome) -> Iterator[str]:
    if outcome.chunks:
        yield from check_chunks(outcome.chunks, is_whole=outcome.error is None)
    if outcome.events and isinstance(outcome.events[0], dict):
        yield from check_texts("an event", outcome.events)
        try:
            # What an error cut short has open blocks, and no finish.
            if outcome.error is None:
                assert_valid_event_stream(outcome.events)
        except AssertionError as error:
            yield f"the event stream is not valid: {error}"


def check_chunks(chunks: list[AIMessageChunk], *, is_whole: bool) -> Iterator[str]:
    first, last = chunks[0], chunks[-1]
    if not kinds_of(first) and (first is not last or not is_whole):
        yield "an empty chunk comes before any content"
    places = [i for i, c in enumerate(chunks, 1) if c.chunk_position == "last"]
    if places != ([len(chunks)] if is_whole else []):
        yield f"chunk_position is last at {places} of {len(chunks)}"
    if len({chunk.id for chunk in chunks}) != 1:
        yield "chunks have different ids"
    for chunk in chunks[:-1]:
        kinds = kinds_of(chunk)
        if len(kinds) > 1:
            yield f"a chunk carries more than one kind: {sorted(kinds)}"
        if chunk.usage_metadata or "finish_reason" in chunk.response_metadata:
            yield "metadata comes before the last chunk"
    for chunk in chunks:
        pieces = [chunk.content, chunk.additional_kwargs, chunk.tool_call_chunks]
        yield from check_texts("a chunk", pieces)


def kinds_of(chunk: AIMessageChunk) -> set[str]:
    """The kinds of content that a chunk carries."""
    content = [chunk.content] if isinstance(chunk.content, str) else chunk.content
    blocks = [block for block in content if block]
    kinds = {block["type"] if isinstance(block, dict) else "text" for block in blocks}
    kinds |= {key for key in KINDS_IN_KWARGS if key in chunk.additional_kwargs}
    kinds |= {"tool_call_chunk"} if chunk.tool_call_chunks else set()
    return {KINDS_IN_KWARGS.get(kind, kind) for kind in kinds}


def check_texts(where: str, value: Any) -> Iterator[str]:
    """Every string, at any depth, must be one that UTF-8 can hold."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            yield f"a text in {where} is no UTF-8: {value!r:.80}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from check_texts(where, key)
            yield from check_texts(where, item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from check_texts(where, item)
