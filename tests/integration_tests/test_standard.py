"""LangChain's standard integration tests, whole, against the embedded server."""

from __future__ import annotations

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.integration_tests import chat_models as suite

from tests.standard import Capabilities, download


class TestChatStreamKit(Capabilities, ChatModelIntegrationTests):
    """Every capability on; see ``tests.standard``."""

    @pytest.fixture(autouse=True)
    def _downloads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(f"{suite.__name__}.httpx.get", download)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "langchain-streamkit")


class TestChatStreamKitVersion1(TestChatStreamKit):
    """The same with content as standard blocks."""

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {**super().chat_model_params, "output_version": "v1"}


class TestChatStreamKitStreaming(TestChatStreamKit):
    """The same with ``invoke`` streaming underneath."""

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {**super().chat_model_params, "streaming": True}
