"""The rows themselves."""

from __future__ import annotations

from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["ROWS"]

OPENAI = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    hosts=("api.openai.com", "*.api.openai.com"),
    key_variables=("OPENAI_API_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "key_required"),
            source="platform.openai.com/docs/api-reference/chat",
            date="2026-11",
        ),
    ),
)

OLLAMA = Provider(
    name="ollama",
    title="Ollama",
    base_url="http://localhost:11434/v1",
    hosts=("localhost:11434", "127.0.0.1:11434"),
    max_tokens_field="max_tokens",
)

GROQ = Provider(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com/openai/v1",
    hosts=("api.groq.com",),
    key_variables=("GROQ_API_KEY",),
    key_required=True,
)

ROWS = (OPENAI, OLLAMA, GROQ)
