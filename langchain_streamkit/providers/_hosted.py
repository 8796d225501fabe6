"""Companies that serve other people's models on their own machines."""

from __future__ import annotations

from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["HOSTED", "NVIDIA"]

GROQ = Provider(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com/openai/v1",
    key_variables=("GROQ_API_KEY",),
    key_required=True,
    refused_parameters=("logit_bias", "logprobs", "top_logprobs"),
    message_names=False,
    structured_output="function_calling",
    prefill="trailing",
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "refused_parameters",
                "message_names",
            ),
            source="https://console.groq.com/docs/openai",
            date="2026-11",
            note="a 400 for each of them",
        ),
        Evidence(
            fields=("structured_output",),
            source="litellm 1.109.1, llms/groq, after Groq's documentation",
            date="2026-11",
            note="few models take a schema, and none while streaming",
        ),
        Evidence(
            fields=("prefill",),
            source="https://console.groq.com/docs/prefilling",
            date="2026-11",
        ),
    ),
)

CEREBRAS = Provider(
    name="cerebras",
    title="Cerebras",
    base_url="https://api.cerebras.ai/v1",
    key_variables=("CEREBRAS_API_KEY",),
    key_required=True,
    reasoning_input="reasoning",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "reasoning_input"),
            source="cerebras-cloud-sdk 1.91.0, types/chat/completion_create_params.py",
            date="2026-11",
        ),
        Evidence(
            fields=("reasoning_input",),
            source="recording cerebras/reasoning-gpt-oss-120b-03 in the wire corpus",
            date="2026-11",
            note="its documentation wants think_tags for GLM models",
        ),
    ),
)

SAMBANOVA = Provider(
    name="sambanova",
    title="SambaNova",
    base_url="https://api.sambanova.ai/v1",
    key_variables=("SAMBANOVA_API_KEY",),
    key_required=True,
    strict_tools=False,
    developer_role=False,
    message_names=False,
    audio_inputs=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "strict_tools",
                "developer_role",
                "message_names",
                "audio_inputs",
            ),
            source="sambanova 1.13.0, types/chat/completion_create_params.py",
            date="2026-11",
            note="audio is an audio_content part",
        ),
    ),
)

TOGETHER = Provider(
    name="together",
    title="Together AI",
    base_url="https://api.together.xyz/v1",
    hosts=("api.together.ai",),
    key_variables=("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    strict_tools=False,
    parallel_tool_calls=False,
    developer_role=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "hosts",
                "key_variables",
                "max_tokens_field",
                "strict_tools",
                "parallel_tool_calls",
                "developer_role",
            ),
            source="together 3.1.1, types/chat/completion_create_params.py",
            date="2026-11",
        ),
    ),
)

FIREWORKS = Provider(
    name="fireworks",
    title="Fireworks AI",
    base_url="https://api.fireworks.ai/inference/v1",
    key_variables=("FIREWORKS_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    strict_tools=False,
    reasoning_input="reasoning_content",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field", "strict_tools"),
            source="litellm 1.109.1, llms/fireworks_ai",
            date="2026-11",
        ),
        Evidence(
            fields=("reasoning_input",),
            source="vercel/ai, packages/fireworks",
            date="2026-08",
            note="reasoning_history says what the server does with it",
        ),
    ),
)

DEEPINFRA = Provider(
    name="deepinfra",
    title="DeepInfra",
    base_url="https://api.deepinfra.com/v1/openai",
    key_variables=("DEEPINFRA_API_KEY", "DEEPINFRA_API_TOKEN", "DEEPINFRA_TOKEN"),
    key_required=True,
    max_tokens_field="max_tokens",
    tool_choice_required=None,
    tool_choice_named=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "max_tokens_field",
                "tool_choice_required",
                "tool_choice_named",
            ),
            source="litellm 1.109.1, llms/deepinfra",
            date="2026-11",
            note="auto and none are the only tool_choices",
        ),
    ),
)

NVIDIA = Provider(
    name="nvidia",
    title="NVIDIA API catalog",
    base_url="https://integrate.api.nvidia.com/v1",
    key_variables=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="litellm 1.109.1, llms/nvidia_nim",
            date="2026-11",
        ),
    ),
)

NEBIUS = Provider(
    name="nebius",
    title="Nebius Token Factory",
    base_url="https://api.tokenfactory.nebius.com/v1",
    hosts=(
        "api.tokenfactory.*.nebius.com",
        "api.studio.nebius.com",
        "api.studio.nebius.ai",
    ),
    key_variables=("NEBIUS_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables"),
            source="OpenClaw documentation, Nebius; pydantic-ai 2.68.0",
            date="2026-11",
            note="AI Studio is the older name",
        ),
    ),
)

NOVITA = Provider(
    name="novita",
    title="Novita AI",
    base_url="https://api.novita.ai/v3/openai",
    key_variables=("NOVITA_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/novita",
            date="2026-11",
        ),
    ),
)

HYPERBOLIC = Provider(
    name="hyperbolic",
    title="Hyperbolic",
    base_url="https://api.hyperbolic.xyz/v1",
    key_variables=("HYPERBOLIC_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="litellm 1.109.1, llms/hyperbolic",
            date="2026-11",
        ),
    ),
)

VENICE = Provider(
    name="venice",
    title="Venice AI",
    base_url="https://api.venice.ai/api/v1",
    key_variables=("VENICE_API_KEY", "VENICE_AI_API_KEY"),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/openai_like/providers.json",
            date="2026-11",
        ),
    ),
)

SILICONFLOW = Provider(
    name="siliconflow",
    title="SiliconFlow",
    base_url="https://api.siliconflow.com/v1",
    hosts=("api.siliconflow.cn",),
    key_variables=("SILICONFLOW_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables"),
            source="client code in public repositories",
            date="2026-11",
        ),
    ),
)

BASETEN = Provider(
    name="baseten",
    title="Baseten Model APIs",
    base_url="https://inference.baseten.co/v1",
    key_variables=("BASETEN_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="litellm 1.109.1, llms/baseten",
            date="2026-11",
        ),
    ),
)

FRIENDLI = Provider(
    name="friendli",
    title="Friendli",
    base_url="https://api.friendli.ai/serverless/v1",
    key_variables=("FRIENDLI_TOKEN", "FRIENDLIAI_API_KEY"),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/friendliai",
            date="2026-11",
        ),
    ),
)

CRUSOE = Provider(
    name="crusoe",
    title="Crusoe",
    base_url="https://api.inference.crusoecloud.com/v1",
    key_variables=("CRUSOE_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="litellm 1.109.1, llms/openai_like/providers.json",
            date="2026-11",
        ),
    ),
)

CHUTES = Provider(
    name="chutes",
    title="Chutes",
    base_url="https://llm.chutes.ai/v1",
    key_variables=("CHUTES_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    developer_role=False,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="litellm 1.109.1, llms/openai_like/providers.json",
            date="2026-11",
        ),
        Evidence(
            fields=("max_tokens_field", "developer_role"),
            source="badlogic/pi-mono, packages/ai, openai-completions.ts",
            date="2026-03",
        ),
    ),
)

HOSTED = (
    GROQ,
    CEREBRAS,
    SAMBANOVA,
    TOGETHER,
    FIREWORKS,
    DEEPINFRA,
    NVIDIA,
    NEBIUS,
    NOVITA,
    HYPERBOLIC,
    VENICE,
    SILICONFLOW,
    BASETEN,
    FRIENDLI,
    CRUSOE,
    CHUTES,
)
