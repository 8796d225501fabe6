"""Servers that people run themselves, and any server without a row.

Strategy: a local server reads what it knows and drops the rest in silence, so a row
names the words that it reads. Only Ollama and LM Studio have a port of their own;
the others are chosen by ``provider=`` beside ``base_url=``.
"""

from __future__ import annotations

from langchain_streamkit.providers._hosted import NVIDIA
from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["LOCAL"]

OLLAMA = Provider(
    name="ollama",
    title="Ollama",
    base_url="http://localhost:11434/v1",
    hosts=("127.0.0.1:11434", "[::1]:11434", "ollama.com"),
    key_variables=("OLLAMA_API_KEY",),
    max_tokens_field="max_tokens",
    strict_tools=False,
    parallel_tool_calls=False,
    tool_choice_required=None,
    tool_choice_named=False,
    developer_role=False,
    reasoning_input="reasoning",
    image_url_inputs=False,
    pdf_inputs=False,
    prefill="trailing",
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables", "tool_choice_required"),
            source="https://docs.ollama.com/api/openai-compatibility",
            date="2026-11",
            note="a key is for ollama.com only; tool_choice is not on its list",
        ),
        Evidence(
            fields=(
                "max_tokens_field",
                "strict_tools",
                "parallel_tool_calls",
                "tool_choice_required",
                "tool_choice_named",
                "reasoning_input",
                "image_url_inputs",
                "pdf_inputs",
            ),
            source="ollama/ollama, openai/openai.go",
            date="2026-08",
            note="other fields are dropped, other kinds of content a 400",
        ),
        Evidence(
            fields=("developer_role",),
            source="ollama/ollama, model/renderers",
            date="2026-08",
            note="a few model families know the role, templates do not",
        ),
        Evidence(
            fields=("prefill",),
            source="ollama issue #6778; ollama/ollama, model/renderers",
            date="2026-08",
        ),
    ),
)

LM_STUDIO = Provider(
    name="lmstudio",
    title="LM Studio",
    base_url="http://localhost:1234/v1",
    hosts=("127.0.0.1:1234", "[::1]:1234"),
    key_variables=("LM_STUDIO_API_KEY",),
    max_tokens_field="max_tokens",
    tool_choice_named=False,
    json_mode=False,
    prefill="trailing",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="https://lmstudio.ai/docs/developer/openai-compat/chat-completions",
            date="2026-11",
        ),
        Evidence(
            fields=("tool_choice_named",),
            source="LM Studio bug tracker #670; oh-my-pi issue #6925",
            date="2026-07",
            note="400: Supported string values: none, auto, required",
        ),
        Evidence(
            fields=("json_mode",),
            source="LM Studio bug tracker #189",
            date="2025-01",
            note="response_format.type must be json_schema",
        ),
        Evidence(
            fields=("prefill",),
            source="LM Studio bug tracker #2041",
            date="2026-06",
            note="some builds repeat the prefix",
        ),
    ),
)

VLLM = Provider(
    name="vllm",
    title="vLLM",
    key_variables=("VLLM_API_KEY",),
    developer_role=False,
    single_system_message=True,
    reasoning_input="reasoning",
    pdf_inputs=False,
    prefill="continue_final_message",
    evidence=(
        Evidence(
            fields=("key_variables", "single_system_message", "pdf_inputs"),
            source="pydantic-ai 2.68.0, providers/vllm.py, issue #5812",
            date="2026-11",
            note="some chat templates refuse a second system message",
        ),
        Evidence(
            fields=("developer_role",),
            source="issue 1CatAI/1Cat-vLLM #493",
            date="2026-09",
            note="the role reaches the chat template, which may not know it",
        ),
        Evidence(
            fields=("reasoning_input",),
            source="vLLM #27755, #33402, #42664",
            date="2026-07",
            note="older versions say reasoning_content",
        ),
        Evidence(
            fields=("prefill",),
            source="vllm-project/vllm, chat_completion/protocol.py",
            date="2026-11",
            note="with add_generation_prompt false",
        ),
    ),
)

SGLANG = Provider(
    name="sglang",
    title="SGLang",
    developer_role=False,
    reasoning_input="reasoning_content",
    prefill="continue_final_message",
    evidence=(
        Evidence(
            fields=("developer_role", "reasoning_input", "prefill"),
            source="sglang 0.5.23, srt/entrypoints/openai",
            date="2026-11",
            note="without the flag a trailing assistant turn becomes a user turn",
        ),
    ),
)

LLAMA_CPP = Provider(
    name="llamacpp",
    title="llama.cpp (llama-server)",
    key_variables=("LLAMACPP_API_KEY",),
    tool_choice_named=False,
    reasoning_input="reasoning_content",
    prefill="trailing",
    evidence=(
        Evidence(
            fields=("key_variables",),
            source="any-llm 1.40.2",
            date="2026-11",
        ),
        Evidence(
            fields=("tool_choice_named", "prefill"),
            source="measured with the llama-server in llama-cpp-python 0.3.36",
            date="2026-11-21",
            note="a named tool_choice is read as auto; max_completion_tokens is read",
        ),
        Evidence(
            fields=("reasoning_input",),
            source="ggml-org/llama.cpp, common/chat.cpp",
            date="2026-11",
        ),
    ),
)

LLAMA_CPP_PYTHON = Provider(
    name="llama_cpp_python",
    title="llama-cpp-python server",
    max_tokens_field="max_tokens",
    tool_choice_required=None,
    json_schema=False,
    structured_output="function_calling",
    evidence=(
        Evidence(
            fields=(
                "max_tokens_field",
                "tool_choice_required",
                "json_schema",
                "structured_output",
            ),
            source="measured with llama-cpp-python 0.3.36",
            date="2026-11-21",
            note="max_completion_tokens is ignored, a JSON schema is a 500",
        ),
    ),
)

TGI = Provider(
    name="tgi",
    title="Text Generation Inference",
    tool_call_content="omit",
    json_schema=False,
    json_mode=False,
    structured_output="function_calling",
    evidence=(
        Evidence(
            fields=(
                "tool_call_content",
                "json_schema",
                "json_mode",
                "structured_output",
            ),
            source="huggingface/text-generation-inference, router/src/lib.rs",
            date="2026-01",
            note="content hides the calls beside it; the schema is read from value",
        ),
    ),
)

TRANSFORMERS = Provider(
    name="transformers_serve",
    title="transformers serve",
    tool_choice_required=None,
    tool_choice_named=False,
    json_schema=False,
    json_mode=False,
    structured_output="function_calling",
    evidence=(
        Evidence(
            fields=(
                "tool_choice_required",
                "tool_choice_named",
                "json_schema",
                "json_mode",
                "structured_output",
            ),
            source="measured with transformers 5.23.0",
            date="2026-11-21",
            note="tool_choice and response_format are ignored",
        ),
    ),
)

NIM = NVIDIA.replace(
    name="nim",
    title="NVIDIA NIM",
    base_url=None,
    key_variables=(),
    key_required=False,
)

COMPATIBLE = Provider(
    name="openai_compatible",
    title="Any other OpenAI-compatible server",
    max_tokens_field="max_tokens",
    developer_role=False,
    evidence=(
        Evidence(
            fields=("max_tokens_field", "developer_role"),
            source=(
                "ollama/ollama, openai/openai.go; pydantic-ai 2.68.0, "
                "providers/deepseek.py"
            ),
            date="2026-11",
            note="the newer words are dropped in silence, the older refused aloud",
        ),
    ),
)

LOCAL = (
    OLLAMA,
    LM_STUDIO,
    VLLM,
    SGLANG,
    LLAMA_CPP,
    LLAMA_CPP_PYTHON,
    TGI,
    TRANSFORMERS,
    NIM,
    COMPATIBLE,
)
