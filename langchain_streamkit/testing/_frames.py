"""What a model says -> frames of a stream, or one body, as OpenAI words them.

Strategy: a choice is a series of deltas; a stream interleaves the choices' deltas,
puts each into a frame, and closes with finish frames, usage and ``[DONE]``. Frames
are made one by one, when they are sent: a long answer costs the memory of its text.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, cast

from langchain_streamkit.testing._tokens import PromptTokens, count_tokens, split_text
from langchain_streamkit.testing._values import as_object, as_text, dump_json, dump_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_streamkit.testing._values import JsonObject
    from langchain_streamkit.testing.replies import Reply, Split, ToolCall

__all__ = ["Asked", "render_body", "render_frames"]

_CREATED = 1_767_225_600  # 2026-01-01: the same answer at any time of day


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request matters for the form of its answer.

    Attributes:
        number: The request's number.
        model: The model asked for.
        stream: True if the answer is to be a stream.
        include_usage: True if the stream is to report usage.
        choices: How many choices (``n``).
        top_logprobs: How many alternatives per token; None for no logprobs.
        service_tier: The tier asked for, which is the one that is given.
        prompt: What the prompt costs.
    """

    number: int = 1
    model: str = ""
    stream: bool = False
    include_usage: bool = False
    choices: int = 1
    top_logprobs: int | None = None
    service_tier: str | None = None
    prompt: PromptTokens = field(default_factory=PromptTokens)


def render_body(reply: Reply, asked: Asked) -> bytes:
    """The whole answer as one JSON body."""
    choices = [
        {
            "index": index,
            "message": _message(choice, asked, index),
            "logprobs": _all_logprobs(choice, asked),
            "finish_reason": _finish_reason(choice),
        }
        for index, choice in enumerate(_choices(reply, asked))
    ]
    body = {**_base(reply, asked, "chat.completion"), "choices": choices}
    usage = _usage(reply, asked)
    return dump_json(body if usage is None else {**body, "usage": usage})


def render_frames(
    reply: Reply, asked: Asked
) -> tuple[Iterator[bytes], Iterator[bytes]]:
    """The whole answer as frames: those before the first content, and the others."""
    base = _base(reply, asked, "chat.completion.chunk")
    place = reply.usage_place
    wanted = place != "frame" or asked.include_usage
    usage = _usage(reply, asked) if wanted else None
    if usage is not None and place != "finish":
        base["usage"] = usage if place == "every" else None
    choices = _choices(reply, asked)
    roles = (
        _frame(base, _role(choice, asked, index), reply)
        for index, choice in enumerate(choices)
        if choice.role_frame
    )
    deltas = zip_longest(*(_deltas(item, asked, i) for i, item in enumerate(choices)))
    contents = (
        _frame(base, delta, reply)
        for turn in deltas
        for delta in turn
        if delta is not None
    )
    return roles, chain(contents, _end(reply, asked, base, usage))


def _end(
    reply: Reply, asked: Asked, base: JsonObject, usage: JsonObject | None
) -> Iterator[bytes]:
    """The finish frames, usage, and ``[DONE]``."""
    choices = _choices(reply, asked)
    place = None if usage is None else reply.usage_place
    for index, choice in enumerate(choices):
        last = _choice(index, {}, asked, _finish_reason(choice))
        is_last = index == len(choices) - 1
        extra = {"usage": usage} if place == "finish" and is_last else {}
        yield _frame({**base, **extra}, last, reply)
    if place == "frame":
        yield _frame({**base, "usage": usage}, None, reply)
    if reply.done:
        yield b"data: [DONE]\n\n".replace(b"\n", reply.line_end.encode())


def _frame(base: JsonObject, choice: JsonObject | None, reply: Reply) -> bytes:
    choices = [] if choice is None else [choice]
    frame = b"data: %b\n\n" % dump_json({**base, "choices": choices})
    if reply.line_end == "\n":
        return frame
    return frame.replace(b"\n", reply.line_end.encode())


def _base(reply: Reply, asked: Asked, kind: str) -> JsonObject:
    base: JsonObject = {
        "id": f"chatcmpl-{asked.number:06d}" if reply.id is None else reply.id,
        "object": kind,
        "created": _CREATED,
        "model": reply.model or asked.model,
        "system_fingerprint": "fp_fakeserver",
    }
    if asked.service_tier is not None:
        base["service_tier"] = asked.service_tier
    if reply.citations:
        base["citations"] = list(reply.citations)
    return {**base, **reply.extra}


def _choices(reply: Reply, asked: Asked) -> list[Reply]:
    given = [reply, *reply.choices]
    return given + [reply] * (asked.choices - len(given))


def _finish_reason(reply: Reply) -> str | None:
    if reply.finish_reason != "auto":
        return reply.finish_reason
    return "tool_calls" if reply.tool_calls else "stop"


def _role(reply: Reply, asked: Asked, index: int) -> JsonObject:
    content = "" if reply.text or not reply.tool_calls else None
    delta: JsonObject = {"role": "assistant", "content": content, "refusal": None}
    return _choice(index, delta, asked)


def _choice(
    index: int,
    delta: JsonObject,
    asked: Asked,
    finish_reason: str | None = None,
    logprobs: object = None,
) -> JsonObject:
    choice: JsonObject = {"index": index, "delta": delta}
    if asked.top_logprobs is not None or logprobs is not None:
        choice["logprobs"] = logprobs
    choice["finish_reason"] = finish_reason
    return choice


def _deltas(reply: Reply, asked: Asked, index: int) -> Iterator[JsonObject]:
    """The choice objects of all deltas that carry something, in order."""
    extra = dict(reply.message_extra)
    pieces: Iterator[JsonObject] = chain(
        ({reply.reasoning_field: piece} for piece in _pieces(reply.reasoning, reply)),
        _text_deltas(reply),
        ({"refusal": piece} for piece in split_text(reply.refusal, reply.split)),
        _tool_deltas(reply, asked, index),
        [{"annotations": list(reply.annotations)}] if reply.annotations else (),
    )
    texts = 0
    for piece in pieces:
        delta = {**extra, **piece}
        extra = {}
        logprobs = None
        if "content" in piece:
            logprobs = _logprobs(reply, asked, as_text(piece["content"]), texts)
            texts += 1
        yield _choice(index, delta, asked, logprobs=logprobs)
    if extra:
        yield _choice(index, extra, asked)


def _pieces(text: str | Sequence[str], reply: Reply) -> list[str]:
    return split_text(text, reply.split) if isinstance(text, str) else list(text)


def _text_deltas(reply: Reply) -> Iterator[JsonObject]:
    for piece in _pieces(reply.text, reply):
        yield {"content": piece}


def _tool_deltas(reply: Reply, asked: Asked, choice: int) -> Iterator[JsonObject]:
    for index, call in enumerate(reply.tool_calls):
        whole = _tool_call(call, asked, choice, index)
        text = _argument_text(call)
        if call.pieces == "whole":
            yield {"tool_calls": [{"index": index, **whole}]}
            continue
        carrier, field_name = _CARRIERS[call.type]
        opening = {**whole, carrier: {"name": call.name, field_name: ""}}
        yield {"tool_calls": [{"index": index, **opening}]}
        for piece in _argument_pieces(text, call.pieces):
            yield {"tool_calls": [{"index": index, carrier: {field_name: piece}}]}


_CARRIERS = {"function": ("function", "arguments"), "custom": ("custom", "input")}


def _argument_pieces(text: str, pieces: Split | Sequence[str]) -> list[str]:
    if isinstance(pieces, int):
        return split_text(text, pieces)
    if isinstance(pieces, str):
        return split_text(text, cast("Split", pieces))
    return list(pieces)


def _argument_text(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        return call.arguments
    return dump_text(dict(call.arguments))


def _tool_call(call: ToolCall, asked: Asked, choice: int, index: int) -> JsonObject:
    carrier, field_name = _CARRIERS[call.type]
    made = f"call_{asked.number:06d}{choice:02d}{index:02d}"
    return {
        "id": made if call.id is None else call.id,
        "type": call.type,
        carrier: {"name": call.name, field_name: _argument_text(call)},
        **call.extra,
    }


def _message(reply: Reply, asked: Asked, index: int) -> JsonObject:
    text = _joined(reply.text)
    empty = None if reply.tool_calls or reply.refusal else ""
    message: JsonObject = {
        "role": "assistant",
        "content": text or empty,
        "refusal": reply.refusal or None,
        **reply.message_extra,
    }
    if reply.reasoning:
        message[reply.reasoning_field] = _joined(reply.reasoning)
    if reply.tool_calls:
        message["tool_calls"] = [
            _tool_call(call, asked, index, place)
            for place, call in enumerate(reply.tool_calls)
        ]
    if reply.annotations:
        message["annotations"] = list(reply.annotations)
    return message


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _usage(reply: Reply, asked: Asked) -> JsonObject | None:
    if reply.usage is None:
        return None
    if not isinstance(reply.usage, str):
        return dict(reply.usage)
    output = reasoning = audio = 0
    for choice in _choices(reply, asked):
        reasoning += count_tokens(_joined(choice.reasoning))
        output += count_tokens(_joined(choice.text)) + count_tokens(choice.refusal)
        for call in choice.tool_calls:
            output += 1 + count_tokens(_argument_text(call))
        sound = as_object(choice.message_extra.get("audio"))
        audio += count_tokens(as_text(sound.get("transcript")))
    output += reasoning + audio
    prompt = asked.prompt
    return {
        "prompt_tokens": prompt.total,
        "completion_tokens": output,
        "total_tokens": prompt.total + output,
        "prompt_tokens_details": {
            "cached_tokens": prompt.cached,
            "audio_tokens": prompt.audio,
        },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _logprobs(reply: Reply, asked: Asked, token: str, place: int) -> JsonObject | None:
    if reply.logprobs is None:
        return None
    if not isinstance(reply.logprobs, str):
        given = reply.logprobs[place : place + 1]
        return {"content": [dict(entry) for entry in given], "refusal": None}
    if asked.top_logprobs is None:
        return None
    alternatives = [f"{token}{'~' * rank}" for rank in range(asked.top_logprobs)]
    ranked = [_entry(text, token, rank) for rank, text in enumerate(alternatives)]
    entry = {**_entry(token, token, 0), "top_logprobs": ranked}
    return {"content": [entry], "refusal": None}


def _entry(text: str, token: str, rank: int) -> JsonObject:
    data = text.encode("utf-8", "replace")
    likely = zlib.crc32(token.encode("utf-8", "replace")) % 1000 / 1000
    return {"token": text, "logprob": -likely - rank, "bytes": list(data)}


def _all_logprobs(reply: Reply, asked: Asked) -> JsonObject | None:
    found = [
        _logprobs(reply, asked, piece, place)
        for place, piece in enumerate(_pieces(reply.text, reply))
    ]
    kept = [entries for entries in found if entries is not None]
    if not kept:
        return None
    content: list[object] = []
    for entries in kept:
        content += entries["content"] if isinstance(entries["content"], list) else []
    return {"content": content, "refusal": None}
