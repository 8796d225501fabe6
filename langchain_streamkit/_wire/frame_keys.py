"""The names of what frames hold, in tables."""

from __future__ import annotations

from langchain_streamkit._wire.reasoning import REASONING_FIELDS

__all__ = [
    "CHOICE_KEYS",
    "DELTA_KEYS",
    "FRAME_KEYS",
    "IDENTITY",
    "IMAGE_PARTS",
    "INERT_DELTA_KEYS",
    "INERT_KEYS",
    "MEDIA_KEYS",
    "NO_REASONS",
    "PLAIN_DELTA_KEYS",
    "REPEATED",
    "SPEAKING_KEYS",
]

FRAME_KEYS = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint"),
        *("service_tier", "error", "obfuscation", "p", "padding", "x_groq"),
        *("citations", "search_results", "references", "sources"),
    }
)
CHOICE_KEYS = frozenset(
    {
        *("index", "delta", "message", "finish_reason", "finishReason", "logprobs"),
        *("text", "usage", "error", "obfuscation", "p"),
    }
)
DELTA_KEYS = frozenset(
    {
        *("role", "content", "tool_calls", "function_call", "refusal", "padding"),
        *("reasoning_content", "reasoning", "reasoning_text", "thinking"),
        *("reasoning_details", "annotations", "audio", "images", "name"),
        *("obfuscation", "p", "sources", "citations", "context", "executed_tools"),
        *("usage",),
    }
)
IDENTITY = ("id", "model", "created", "system_fingerprint", "service_tier")
# A frame of these keys alone says nothing new beside its one delta.
INERT_KEYS = frozenset(
    {*IDENTITY, "object", "choices", "usage", "obfuscation", "p", "padding"}
)
INERT_DELTA_KEYS = frozenset({"role", "obfuscation", "p", "padding"})
# One of these may speak in a frame that is read at a glance.
PLAIN_DELTA_KEYS = frozenset(
    {
        *INERT_DELTA_KEYS,
        *("content", "refusal", "tool_calls", "function_call"),
        *REASONING_FIELDS,
    }
)
SPEAKING_KEYS = frozenset({"usage", "error", "message", "finishReason"})
# Some servers write a word while the answer goes on.
NO_REASONS = frozenset({"null", "None"})
MEDIA_KEYS = frozenset({"audio", "images"})
IMAGE_PARTS = frozenset({"image", "image_url"})
# What a whole message repeats, by the part of the answer that shows it.
REPEATED = {
    "reasoning_parts": (*REASONING_FIELDS, "reasoning_details"),
    "details": ("reasoning_details",),
    "refusal_parts": ("refusal",),
    "media": ("audio", "images"),
    "tool_calls": ("tool_calls",),
    "function_call": ("function_call",),
}
