"""What ``streamkit probe`` wants to know: a row a question.

Strategy: a question is a name, the request that answers it (``probe_asks``) and its
judge (``probe_judges``). What kept the answer from coming is found out here, once,
for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from langchain_streamkit.cli.probe_findings import Finding, unclear
from langchain_streamkit.cli.probe_judges import JUDGES, Seen
from langchain_streamkit.cli.probe_reading import obstacle

__all__ = ["QUESTIONS", "Question", "judge"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: Its name in ``--json``, and of its judge.
        title: The same for people.
        ask: The name of the request that answers it; its own name if empty.
        takes_part: True if an answer that was cut, or is empty, will do.
        wants_refusal: True if a refusal is what is looked at.
    """

    name: str
    title: str
    ask: str = ""
    takes_part: bool = False
    wants_refusal: bool = False


QUESTIONS = (
    Question("answers", "answers", "whole"),
    Question("streaming", "streaming", "stream", takes_part=True),
    Question("done", "  [DONE] at the end", "stream"),
    Question("stream_options", "  usage, with stream_options"),
    Question("usage_unasked", "  usage, unasked", "stream"),
    Question("reasoning", "reasoning", takes_part=True),
    Question("reasoning_effort", "  reasoning_effort"),
    Question("tools", "tools"),
    Question("streamed_arguments", "  arguments in pieces", "tools"),
    Question("tools_required", '  tool_choice "required"'),
    Question("tools_any", '  tool_choice "any"'),
    Question("tools_named", "  tool_choice by name"),
    Question("tools_parallel", "  several calls at once"),
    Question("parallel_tool_calls", "  parallel_tool_calls"),
    Question("strict", "  strict"),
    Question("tool_results", '  results, after content ""'),
    Question("tool_results_null", "  results, after content null"),
    Question("json_schema", "JSON schema"),
    Question("json_schema_enforced", "  against the prompt"),
    Question("json_mode", "JSON mode"),
    Question("logprobs", "logprobs"),
    Question("stop", "stop"),
    Question("n", "n > 1"),
    Question("seed", "seed"),
    Question("max_completion_tokens", "max_completion_tokens", takes_part=True),
    Question("max_tokens", "max_tokens", takes_part=True),
    Question("image", "images"),
    Question("prefill_trailing", "prefix continued, as it is"),
    Question("prefill_prefix", "  with prefix"),
    Question("prefill_partial", "  with partial"),
    Question("prefill_continue_final_message", "  with continue_final_message"),
    Question("developer_role", "developer role"),
    Question("message_names", "names of messages"),
    Question("unknown_fields", "refuses unknown fields", wants_refusal=True),
    Question("unknown_model", "refuses unknown models", wants_refusal=True),
    Question("error_details", "errors name the field", wants_refusal=True),
)
"""All questions, in the order of the report."""


def judge(question: Question, seen: Seen) -> Finding:
    """Answer a question.

    Args:
        question: The question.
        seen: What was asked and answered.

    Returns:
        What is known.
    """
    reading = seen.readings.get(question.ask or question.name)
    if reading is None:
        return unclear("the first answer was too short to cut it in two")
    found = obstacle(reading, takes_part=question.takes_part)
    if found is None or (question.wants_refusal and found.answer == "refused"):
        return JUDGES[question.name](reading, seen)
    return found
