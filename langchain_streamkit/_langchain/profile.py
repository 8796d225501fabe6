"""The facts of a server as LangChain's model profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models.model_profile import ModelProfile

    from langchain_streamkit.providers import Provider

__all__ = ["profile_of"]


def profile_of(provider: Provider, given: Mapping[str, Any] | None) -> ModelProfile:
    """What the server can do, under what the user says that the model can do.

    Only facts about servers stand here; a list of models would be out of date on
    the day of its release.

    Args:
        provider: The row of the server.
        given: The user's profile, which wins.

    Returns:
        A new profile.
    """
    facts: dict[str, Any] = {
        "tool_calling": provider.tools,
        "tool_choice": provider.tools and provider.tool_choice_named,
        "structured_output": provider.json_schema,
        "image_inputs": provider.image_inputs,
        "image_url_inputs": provider.image_url_inputs,
        "audio_inputs": provider.audio_inputs,
        "pdf_inputs": provider.pdf_inputs,
        "image_tool_message": provider.tool_result_images or None,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return cast("ModelProfile", {**known, **(given or {})})
