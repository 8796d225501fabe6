"""Write into these pages what the code knows: ``python docs/generate.py``.

A page says ``<!-- generated: NAME -->`` where a section begins and
``<!-- generated: end -->`` where it ends. ``tests/unit_tests/test_generated_pages.py``
fails when a page is not what this program would write.
"""

# ruff: noqa: INP001 - a program beside its pages, not a package

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_streamkit import ChatStreamKit, errors
from langchain_streamkit._langchain.parameters import ALIASES, ELSEWHERE
from langchain_streamkit._langchain.request_parameters import (
    CALL_OPTIONS,
    REQUEST_FIELDS,
)
from langchain_streamkit._settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CHAT_OPENAI", "GROUPS", "main", "refresh"]

HERE = Path(__file__).parent

GROUPS: dict[str, tuple[str, ...]] = {
    "Which server, and how to get there": (
        *("model", "provider", "base_url", "api_key", "organization"),
        *("default_headers", "default_query", "proxy", "http_client"),
        *("http_async_client", "azure_endpoint", "azure_deployment", "api_version"),
    ),
    "What the request asks for": (
        *REQUEST_FIELDS[1:],
        *("model_kwargs", "extra_body", "send_reasoning"),
    ),
    "What the answer looks like": (
        *("stream_usage", "streaming", "reasoning_tags"),
        *("include_response_headers", "max_event_bytes", "max_response_bytes"),
        "prices",
    ),
    "How long to wait, and what follows a failure": (
        *("timeout", "first_token_timeout", "stall_timeout", "total_timeout"),
        *("max_retries", "resume", "stream_fallback"),
    ),
    "When a stream is ended, and what is kept of it": (
        *("max_repetitions", "max_reasoning_tokens", "max_cost"),
        "record",
    ),
}
"""Every parameter of our own, in the order of the page."""

CALL_ONLY = {
    "extra_headers": "Headers of this request, over `default_headers`.",
    "extra_query": "Query values of this request, over `default_query`.",
}

CHAT_OPENAI: dict[str, str] = {
    "model_name": "`model` is our name, and `ChatOpenAI`'s other one. There is no "
    "default model.",
    "openai_api_key": "Needed only where the server needs one.",
    "openai_api_base": "",
    "openai_organization": "The variable `OPENAI_ORG_ID` is not read.",
    "openai_proxy": "The variable `OPENAI_PROXY` is not read; `HTTPS_PROXY` and its "
    "like are.",
    "request_timeout": "Seconds, a pair of them for connecting and reading, an "
    "`httpx.Timeout`, or a dict of its four bounds. A stream has three more "
    "clocks: `first_token_timeout`, `stall_timeout`, `total_timeout`.",
    "max_retries": "2 if not given, and for `None`.",
    "stream_usage": "On for every server, and for `None`.",
    "temperature": "Sent as you give it, to every model.",
    "top_p": "",
    "max_tokens": "Sent under the name that the server's row says.",
    "stop": "",
    "seed": "",
    "n": "`generate` gives all `n` answers. Streaming more than one is an error.",
    "presence_penalty": "",
    "frequency_penalty": "",
    "logit_bias": "",
    "logprobs": "",
    "top_logprobs": "",
    "reasoning_effort": "Chat completions' own field.",
    "verbosity": "",
    "service_tier": "",
    "store": "",
    "streaming": "",
    "model_kwargs": "",
    "extra_body": "Values stay out of traces.",
    "default_headers": "Values stay out of traces.",
    "default_query": "Values stay out of traces.",
    "include_response_headers": "Under `response_metadata['headers']`, as before.",
    "http_client": "An `httpx.Client`. It stays yours to close.",
    "http_async_client": "An `httpx.AsyncClient`. It stays yours to close.",
    "stream_chunk_timeout": "",
    "http_socket_options": "",
    "client": "",
    "async_client": "",
    "root_client": "",
    "root_async_client": "",
    "tiktoken_model_name": "",
    "disabled_params": "",
    "reasoning": "",
    "use_responses_api": "",
    "use_previous_response_id": "",
    "truncation": "",
    "include": "",
    "context_management": "",
    "prompt_cache_options": "",
    "azure_endpoint": "The variable `AZURE_OPENAI_ENDPOINT` is not read.",
    "deployment_name": "The model's name if you give none.",
    "openai_api_version": "The variable `OPENAI_API_VERSION` is not read.",
    "azure_ad_token": "",
    "azure_ad_token_provider": "",
    "azure_ad_async_token_provider": "",
    "model_version": "",
    "openai_api_type": "",
    "validate_base_url": "",
}
"""The fields of ``ChatOpenAI`` and ``AzureChatOpenAI`` 1.7.3, with what to know."""

OTHER_NAMES = {
    "model_name": "model",
    "openai_api_key": "api_key",
    "openai_api_base": "base_url",
    "openai_organization": "organization",
    "request_timeout": "timeout",
    "max_tokens": "max_completion_tokens",
    "stop": "stop_sequences",
    "deployment_name": "azure_deployment",
    "openai_api_version": "api_version",
}
"""The second names of those fields."""


def refresh(page: str) -> str:
    """A page with its generated sections made anew.

    Args:
        page: The Markdown.

    Returns:
        The same page; sections that it does not have are not added.
    """

    def renew(found: re.Match[str]) -> str:
        return f"{found[1]}\n\n{SECTIONS[found[2]]()}\n{found[3]}"

    return re.sub(
        r"(<!-- generated: (?!end)([\w-]+) -->).*?(<!-- generated: end -->)",
        renew,
        page,
        flags=re.DOTALL,
    )


def parameters() -> str:
    """All parameters of our own, a table for each group."""
    return "\n".join(
        f"### {title}\n\n{_table(('Parameter', 'Type', 'Default', ''), rows)}"
        for title, rows in (
            (title, map(_parameter_row, names)) for title, names in GROUPS.items()
        )
    )


def call_options() -> str:
    """The keywords of a call that are no fields of the request."""
    shared = sorted(CALL_OPTIONS - set(CALL_ONLY))
    rows = [(f"`{name}`", words) for name, words in CALL_ONLY.items()]
    return _table(
        ("Keyword", ""),
        [*rows, (_codes(shared), "As the parameter of this name, for this call.")],
    )


def request_fields() -> str:
    """The parameters that are fields of the request, as one line."""
    return f"{_codes(REQUEST_FIELDS)}.\n"


def chat_openai() -> str:
    """What becomes of each field of ``ChatOpenAI``."""
    rows = [
        (_codes(filter(None, (name, OTHER_NAMES.get(name)))), *_verdict(name, note))
        for name, note in CHAT_OPENAI.items()
    ]
    return _table(("`ChatOpenAI`", "Here", "What to know"), rows)


def error_tree() -> str:
    """All errors, each under the one it descends from."""
    rows = list(_error_rows(errors.StreamKitError, 0))
    return _table(("Error", "When", "May pass by itself"), rows)


def main() -> int:
    """Refresh all pages; says which ones have changed."""
    for path in sorted(HERE.rglob("*.md")):
        page = path.read_text("utf-8")
        if (fresh := refresh(page)) != page:
            path.write_text(fresh, "utf-8")
            sys.stdout.write(f"{path}\n")
    return 0


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _parameter_row(name: str) -> tuple[str, str, str, str]:
    field = ChatStreamKit.model_fields[name]
    default = field.get_default(call_default_factory=True)
    shown = "" if field.is_required() else f"`{default!r}`"
    words = (field.description or _docstrings().get(name, "")).replace("``", "`")
    others = [a for a, own in ALIASES.items() if own == name and f"`{a}`" not in words]
    also = f" Also {_codes(others)}." if others else ""
    return f"`{name}`", _type_of(name, default), shown, words + also


@cache
def _docstrings() -> dict[str, str]:
    """What stands under each parameter where it is declared."""
    tree = ast.parse(inspect.getsource(ModelSettings))
    (declaring,) = (one for one in ast.walk(tree) if isinstance(one, ast.ClassDef))
    found: dict[str, str] = {}
    for declared, said in pairwise(declaring.body):
        if isinstance(declared, ast.AnnAssign) and isinstance(said, ast.Expr):
            words = ast.literal_eval(said.value)
            found[ast.unparse(declared.target)] = inspect.cleandoc(words)
    return found


def _type_of(name: str, default: object) -> str:
    """The type as the class says it; a None that is the default goes unsaid."""
    parts = re.split(r" \| (?![^\[]*\])", ModelSettings.__annotations__[name])
    if default is None and len(parts) > 1:
        parts.remove("None")
    return " or ".join(f"`{part}`".replace(" | ", " or ") for part in parts)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _verdict(name: str, note: str) -> tuple[str, str]:
    if name in ChatStreamKit.model_fields:
        return "the same", note
    if name in ALIASES:
        return f"the same; our name is `{ALIASES[name]}`", note
    words = ELSEWHERE.get(name)
    return "refused", note if words is None else f"`{name}` {words}."


def _error_rows(
    error: type[errors.StreamKitError], depth: int
) -> Iterable[tuple[str, str, str]]:
    words = (error.__doc__ or "").split("\n")[0].replace("``", "`")
    if not depth:
        words = "Any of the following."
    indent = "&nbsp;" * 4 * max(depth - 1, 0)
    yield f"{indent}`{error.__name__}`", words, "yes" if error.is_retryable else "no"
    names = (getattr(errors, name) for name in errors.__all__)
    for child in (child for child in names if error in child.__bases__):
        yield from _error_rows(child, depth + 1)


SECTIONS: dict[str, Callable[[], str]] = {
    "parameters": parameters,
    "call-options": call_options,
    "request-fields": request_fields,
    "chat-openai": chat_openai,
    "error-tree": error_tree,
}
"""What stands behind each marker."""


if __name__ == "__main__":
    sys.exit(main())
