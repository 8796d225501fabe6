"""The chat models that are compared, by name; nothing is imported here."""

from __future__ import annotations

__all__ = ["MODELS"]

# Name: module, class, and the parameter of the address.
MODELS = {
    "streamkit": ("langchain_streamkit", "ChatStreamKit", "base_url"),
    "ChatOpenAI": ("langchain_openai", "ChatOpenAI", "base_url"),
    "ChatDeepSeek": ("langchain_deepseek", "ChatDeepSeek", "api_base"),
    "ChatMistralAI": ("langchain_mistralai", "ChatMistralAI", "base_url"),
    "ChatMaritaca": ("langchain_maritaca", "ChatMaritaca", "base_url"),
}
