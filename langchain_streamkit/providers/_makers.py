"""Companies that serve the models they make."""

from __future__ import annotations

from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["MAKERS"]

OPENAI = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    hosts=("*.api.openai.com",),
    key_variables=("OPENAI_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables"),
            source="https://platform.openai.com/docs/api-reference/chat",
            date="2026-11",
            note="regional hosts are eu.api.openai.com and the like",
        ),
    ),
)

ANTHROPIC = Provider(
    name="anthropic",
    title="Anthropic (Claude), OpenAI-compatible",
    base_url="https://api.anthropic.com/v1",
    key_variables=("ANTHROPIC_API_KEY",),
    key_required=True,
    strict_tools=False,
    message_names=False,
    json_schema=False,
    json_mode=False,
    structured_output="function_calling",
    audio_inputs=False,
    pdf_inputs=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "strict_tools",
                "message_names",
                "json_schema",
                "json_mode",
                "structured_output",
                "audio_inputs",
                "pdf_inputs",
            ),
            source="https://platform.claude.com/docs/en/api/openai-sdk",
            date="2026-11",
            note="strict, response_format, name, audio and files are ignored",
        ),
        Evidence(
            fields=("prefill",),
            source="litellm issue #27967",
            date="2026-11",
            note="models from 4.6 on refuse a trailing assistant turn",
        ),
    ),
)

GEMINI = Provider(
    name="gemini",
    title="Google Gemini, OpenAI-compatible",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    key_required=True,
    refused_parameters=("frequency_penalty", "seed"),
    thought_signatures=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="https://ai.google.dev/gemini-api/docs/openai",
            date="2026-11",
        ),
        Evidence(
            fields=("refused_parameters",),
            source="issues Vali-98/ChatterUI #227, sleepydeer666/RPGBox #2",
            date="2026-08",
            note="400: Unknown name",
        ),
        Evidence(
            fields=("thought_signatures",),
            source="issues earendil-works/pi #6733 and #7745",
            date="2026-11",
            note="a call without its thought_signature is a 400",
        ),
    ),
)

MISTRAL = Provider(
    name="mistral",
    title="Mistral AI",
    base_url="https://api.mistral.ai/v1",
    key_variables=("MISTRAL_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    stream_options=False,
    refused_parameters=("logit_bias", "service_tier", "store", "verbosity"),
    parameter_names=(("seed", "random_seed"),),
    tool_choice_required="any",
    tool_call_id="alphanumeric-9",
    developer_role=False,
    message_names=False,
    reasoning_input="content_parts",
    pdf_inputs=False,
    prefill="prefix",
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "max_tokens_field",
                "parameter_names",
                "developer_role",
                "reasoning_input",
                "pdf_inputs",
            ),
            source="mistralai 3.7.0, chatcompletionrequest.py and its messages",
            date="2026-11",
            note="a PDF is a document_url part",
        ),
        Evidence(
            fields=("stream_options", "refused_parameters"),
            source="issues openai-agents-python #442, mistralai/platform-docs #7",
            date="2025-07",
            note="422 extra_forbidden; usage comes unasked",
        ),
        Evidence(
            fields=("tool_choice_required",),
            source=(
                "recording mistral/tool_call-mistral-small-latest-01 in the wire corpus"
            ),
            date="2026-11",
            note="the SDK knows both words, older servers only any",
        ),
        Evidence(
            fields=("tool_call_id",),
            source="pydantic-ai issue #9096",
            date="2026-11",
            note="templates that check refuse other ids with a 400",
        ),
        Evidence(
            fields=("message_names",),
            source="litellm issue #6696",
            date="2024-11",
            note="name is taken on tool messages only",
        ),
        Evidence(
            fields=("prefill",),
            source="vercel/ai, packages/mistral",
            date="2026-08",
            note="the answer may begin with the prefix",
        ),
    ),
)

COHERE = Provider(
    name="cohere",
    title="Cohere, OpenAI-compatible",
    base_url="https://api.cohere.ai/compatibility/v1",
    hosts=("api.cohere.com",),
    key_variables=("COHERE_API_KEY", "CO_API_KEY"),
    key_required=True,
    stream_options=False,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="https://docs.cohere.com/docs/compatibility-api",
            date="2026-11",
        ),
        Evidence(
            fields=("hosts",),
            source=(
                "recording cohere_compat/text-command-r7b-12-2024-01 in the wire corpus"
            ),
            date="2026-11",
            note="usage comes unasked",
        ),
        Evidence(
            fields=("stream_options",),
            source="Strands Agents documentation, Cohere",
            date="2026-11",
            note="it has to be taken out of the request",
        ),
    ),
)

XAI = Provider(
    name="xai",
    title="xAI (Grok)",
    base_url="https://api.x.ai/v1",
    key_variables=("XAI_API_KEY",),
    key_required=True,
    developer_role=False,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="recording xai/structured-grok-3-01 in the wire corpus",
            date="2026-11",
            note="max_completion_tokens is taken",
        ),
        Evidence(
            fields=("developer_role",),
            source="badlogic/pi-mono, packages/ai, openai-completions.ts",
            date="2026-03",
        ),
    ),
)

PERPLEXITY = Provider(
    name="perplexity",
    title="Perplexity (Sonar)",
    base_url="https://api.perplexity.ai",
    key_variables=("PERPLEXITY_API_KEY", "PPLX_API_KEY", "PERPLEXITYAI_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    tool_choice_named=False,
    developer_role=False,
    json_mode=False,
    pdf_inputs=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "max_tokens_field",
                "tool_choice_named",
                "developer_role",
                "json_mode",
                "pdf_inputs",
            ),
            source="perplexityai 0.46.1, types/chat",
            date="2026-11",
            note="a PDF is a file_url part",
        ),
    ),
)

MARITACA = Provider(
    name="maritaca",
    title="Maritaca AI (Sabiá)",
    base_url="https://chat.maritaca.ai/api",
    key_variables=("MARITACA_API_KEY", "MARITALK_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="langchain-maritaca 0.4.1",
            date="2026-11",
        ),
    ),
)

META = Provider(
    name="meta_ai",
    title="Meta Model API (Muse)",
    base_url="https://api.meta.ai/v1",
    key_variables=("META_API_KEY", "MODEL_API_KEY"),
    key_required=True,
    tool_choice_required=None,
    tool_choice_named=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "tool_choice_required",
                "tool_choice_named",
            ),
            source="pydantic-ai 2.68.0, providers/meta.py",
            date="2026-11",
            note="auto is the only tool_choice",
        ),
    ),
)

AI21 = Provider(
    name="ai21",
    title="AI21 (Jamba)",
    base_url="https://api.ai21.com/studio/v1",
    key_variables=("AI21_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="litellm 1.109.1, llms/ai21",
            date="2026-11",
        ),
    ),
)

INCEPTION = Provider(
    name="inception",
    title="Inception (Mercury)",
    base_url="https://api.inceptionlabs.ai/v1",
    key_variables=("INCEPTION_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/inception; any-llm 1.40.2",
            date="2026-11",
        ),
    ),
)

UPSTAGE = Provider(
    name="upstage",
    title="Upstage (Solar)",
    base_url="https://api.upstage.ai/v1",
    key_variables=("UPSTAGE_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="https://console.upstage.ai/api/chat",
            date="2026-11",
        ),
    ),
)

WRITER = Provider(
    name="writer_ai",
    title="Writer (Palmyra)",
    base_url="https://api.writer.com/v1",
    key_variables=("WRITER_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    strict_tools=False,
    parallel_tool_calls=False,
    developer_role=False,
    json_mode=False,
    evidence=(
        Evidence(
            fields=(
                "base_url",
                "key_variables",
                "max_tokens_field",
                "strict_tools",
                "parallel_tool_calls",
                "developer_role",
                "json_mode",
            ),
            source="writer-sdk 3.0.0, types/chat_chat_params.py",
            date="2026-11",
        ),
    ),
)

MAKERS = (
    OPENAI,
    ANTHROPIC,
    GEMINI,
    MISTRAL,
    COHERE,
    XAI,
    PERPLEXITY,
    MARITACA,
    META,
    AI21,
    INCEPTION,
    UPSTAGE,
    WRITER,
)
