"""Gateways: one address in front of many servers."""

from __future__ import annotations

from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["GATEWAYS"]

OPENROUTER = Provider(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    key_variables=("OPENROUTER_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    reasoning_input="reasoning_details",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="https://openrouter.ai/docs/api-reference/overview",
            date="2026-11",
        ),
        Evidence(
            fields=("reasoning_input",),
            source="https://openrouter.ai/docs/use-cases/reasoning-tokens",
            date="2026-11",
            note="all of them, unchanged and in order",
        ),
        Evidence(
            fields=("prefill",),
            source="https://openrouter.ai/docs/api-reference/overview",
            date="2026-11",
            note="only some models continue a trailing turn, so it is not declared",
        ),
    ),
)

VERCEL = Provider(
    name="vercel",
    title="Vercel AI Gateway",
    base_url="https://ai-gateway.vercel.sh/v1",
    key_variables=(
        "AI_GATEWAY_API_KEY",
        "VERCEL_AI_GATEWAY_API_KEY",
        "VERCEL_OIDC_TOKEN",
    ),
    key_required=True,
    reasoning_input="reasoning_details",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "reasoning_input"),
            source=(
                "https://vercel.com/docs/ai-gateway/sdks-and-apis/"
                "openai-chat-completions/reasoning"
            ),
            date="2026-09",
        ),
    ),
)

HUGGINGFACE = Provider(
    name="huggingface",
    title="Hugging Face Inference Providers",
    base_url="https://router.huggingface.co/v1",
    key_variables=("HF_TOKEN", "HUGGINGFACEHUB_API_TOKEN", "HUGGINGFACE_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="vercel/ai, packages/huggingface; any-llm 1.40.2",
            date="2026-11",
        ),
        Evidence(
            fields=("max_tokens_field",),
            source=(
                "recording hf_router/reasoning-deepseek-ai-deepseek-r1-0528-01 "
                "in the wire corpus"
            ),
            date="2026-11",
            note="whichever server answers, it knows this name",
        ),
    ),
)

AIHUBMIX = Provider(
    name="aihubmix",
    title="AIHubMix",
    base_url="https://aihubmix.com/v1",
    key_variables=("AIHUBMIX_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/openai_like/providers.json",
            date="2026-11",
        ),
    ),
)

LITELLM = Provider(
    name="litellm",
    title="LiteLLM proxy",
    key_variables=("LITELLM_API_KEY", "LITELLM_PROXY_API_KEY"),
    evidence=(
        Evidence(
            fields=("key_variables",),
            source="litellm 1.109.1",
            date="2026-11",
            note="it renames the bound on tokens for the server behind it",
        ),
    ),
)

GATEWAYS = (OPENROUTER, VERCEL, HUGGINGFACE, AIHUBMIX, LITELLM)
