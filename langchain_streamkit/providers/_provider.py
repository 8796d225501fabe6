"""One row of the table of servers.

Strategy: what we *read* is recognised by its shape and needs no row. What we
*send* differs by server, and each difference is a field here, whose default is
what OpenAI's own API takes. Code branches on a field, never on a name, so a new
server is a new row and no new code.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any, Literal

from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import _hosts

__all__ = ["Evidence", "Provider"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Where one or more facts of a row come from.

    Attributes:
        fields: The names of the facts that it stands behind.
        source: A documentation page, an issue, a recording.
        date: When it was read or recorded, as ``YYYY-MM`` or ``YYYY-MM-DD``.
        note: What it says, in a few words.
    """

    fields: tuple[str, ...]
    source: str
    date: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """The facts about one server; each default is what OpenAI's API does.

    Attributes:
        name: The name that ``provider=`` takes and ``ls_provider`` reports.
        title: The name as its owners write it.
        base_url: Where its API lives; None where every user has another URL.
        hosts: Hosts that select this row, ``host`` or ``host:port``; a leading
            ``*.`` stands for any subdomain, any other star for a part of a name. A
            row's key goes to these and to the host of ``base_url`` only, and over
            plain http only where a port is named and ``base_url`` is not https.
        key_variables: Environment variables that hold its key, first one first.
        key_required: True where every request needs a key.
        key_header: The header that carries the key.
        deployment_path: True where the model is part of the URL's path
            (``/openai/deployments/NAME``) and an ``api-version`` is demanded, unless
            the base URL ends in ``/v1``.
        max_tokens_field: The body's name for the bound on the answer's tokens.
        stream_options: True if ``stream_options`` (usage in a stream) is taken.
        refused_parameters: Body fields that it refuses, and that are not sent.
        parameter_names: Body fields that it knows under another name: pairs of
            OpenAI's name and its own.
        tools: True if it can call tools.
        strict_tools: True if ``strict`` is taken in a tool's function.
        parallel_tool_calls: True if the field of this name is taken.
        tool_choice_required: Its word for "call some tool", None if it has none.
        tool_choice_named: True if one tool can be demanded by name.
        tool_choice_while_reasoning: True if a call can be demanded of a model that
            reasons; where not, and it reasons unless told otherwise, a demand is
            answered with an error.
        tool_call_id: ``"any"``, or ``"alphanumeric-9"`` where ids in the history
            must have that form.
        tool_call_content: What an assistant turn of tool calls alone carries as
            content: ``""``, null, or no such key.
        tool_result_images: True if images may stand in a tool message; where not,
            they follow in a user message.
        developer_role: True if the role of this name is known, else ``system``.
        single_system_message: True where system messages must be one, at the start.
        message_names: True if ``name`` is taken on messages.
        json_schema: True if ``response_format`` takes a JSON schema.
        json_mode: True if ``response_format`` takes ``json_object``.
        structured_output: The best method for ``with_structured_output``.
        reasoning_input: The form in which reasoning of earlier turns is sent back;
            None where it stays out.
        reasoning_input_turns: The assistant turns that carry it: all of them,
            those with tool calls, or those after the last user message.
        reasoning_input_empty: What is sent where such a turn has no reasoning;
            None for no field.
        thought_signatures: True if ``extra_content`` of tool calls must come back.
        image_inputs: True if images are read; None where it depends on the model.
        image_url_inputs: The same for images given by URL.
        audio_inputs: The same for audio.
        pdf_inputs: The same for PDF files.
        prefill: How a cut answer is continued from its text: a trailing assistant
            turn alone, or with a marking field; None where it cannot be.
        prefill_base_url: The base URL of such a request where it is another one.
        evidence: Where the facts come from.
    """

    name: str
    title: str = ""
    base_url: str | None = None
    hosts: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    key_required: bool = False
    key_header: Literal["authorization", "api-key"] = "authorization"
    deployment_path: bool = False

    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = (
        "max_completion_tokens"
    )
    stream_options: bool = True
    refused_parameters: tuple[str, ...] = ()
    parameter_names: tuple[tuple[str, str], ...] = ()

    tools: bool = True
    strict_tools: bool = True
    parallel_tool_calls: bool = True
    tool_choice_required: Literal["required", "any"] | None = "required"
    tool_choice_named: bool = True
    tool_choice_while_reasoning: bool = True
    tool_call_id: Literal["any", "alphanumeric-9"] = "any"
    tool_call_content: Literal["empty", "null", "omit"] = "empty"
    tool_result_images: bool = False

    developer_role: bool = True
    single_system_message: bool = False
    message_names: bool = True

    json_schema: bool = True
    json_mode: bool = True
    structured_output: Literal["json_schema", "function_calling", "json_mode"] = (
        "json_schema"
    )

    reasoning_input: (
        Literal[
            "reasoning_content",
            "reasoning",
            "reasoning_details",
            "think_tags",
            "content_parts",
        ]
        | None
    ) = None
    reasoning_input_turns: Literal["all", "tool_calls", "current"] = "all"
    reasoning_input_empty: Literal["", " "] | None = None
    thought_signatures: bool = False

    image_inputs: bool | None = None
    image_url_inputs: bool | None = None
    audio_inputs: bool | None = None
    pdf_inputs: bool | None = None

    prefill: (
        Literal["trailing", "prefix", "partial", "continue_final_message"] | None
    ) = None
    prefill_base_url: str | None = None

    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        """Refuse addresses that could never select this row.

        Raises:
            ConfigurationError: If ``base_url`` or a host is none.
        """
        url = self.base_url
        if url is not None and _hosts.parse_origin(url) is None:
            message = (
                f"provider {self.name!r}: its base_url is no plain http or https "
                "address with an ASCII host. Write it as in 'https://host.example/v1'."
            )
            raise ConfigurationError(message)
        for pattern in self.hosts:
            if error := _hosts.find_pattern_error(pattern):
                message = f"provider {self.name!r}: host {pattern!r} {error}"
                raise ConfigurationError(message)

    def replace(self, **facts: Any) -> Provider:
        """A copy of this row with some facts changed.

        Args:
            **facts: Field names of this class with their new values.

        Returns:
            The new row; this one stays as it is.

        Raises:
            ConfigurationError: If a name is not a fact; the message names the
                nearest ones.

        Example:
            >>> from langchain_streamkit.providers import get_provider
            >>> get_provider("groq").replace(strict_tools=False).strict_tools
            False
        """
        known = [field.name for field in dataclasses.fields(self)]
        unknown = sorted(set(facts) - set(known))
        if unknown:
            near = [
                match
                for name in unknown
                for match in difflib.get_close_matches(name, known, n=2)
            ]
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            message = (
                f"{', '.join(unknown)}: no such fact of a provider. {hint}"
                f"Facts are: {', '.join(sorted(known))}."
            )
            raise ConfigurationError(message)
        return dataclasses.replace(self, **facts)

    def owns(self, url: str) -> bool:
        """Whether a URL points at a host of this row.

        Args:
            url: An absolute URL.

        Returns:
            True if the URL's host (and port, where the row names one) is listed
            in ``hosts`` or is the host of ``base_url``. False for a URL with a user
            name, white space, or anything else that could hide another host.

        Example:
            >>> from langchain_streamkit.providers import get_provider
            >>> get_provider("groq").owns("https://api.groq.com/openai/v1")
            True
            >>> get_provider("groq").owns("https://api.groq.com.evil.example/")
            False
        """
        return _hosts.owns(self, url)
