"""What both of LangChain's standard suites are told about this model.

The server behind the model is ``FakeServer``, whose own model honours every
capability that a chat completions API can have. The suites' downloads of a picture,
a PDF and a sound are answered from bytes that are made here.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Literal

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.testing import FakeServer, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.language_models import BaseChatModel

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAA"
    "AABJRU5ErkJggg=="
)
PDF = (
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
WAV = b"RIFF\x28\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00"
WAV += b"\x80\x3e\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00\x00\x00\x00\x00"

Detail = Literal[
    "audio_input",
    "audio_output",
    "reasoning_output",
    "cache_read_input",
    "cache_creation_input",
]


class DownloadedBody:
    """The one attribute of a download that the suite reads."""

    def __init__(self, content: bytes) -> None:
        self.content = content


def download(url: str, **_: object) -> DownloadedBody:
    """Answer the suite's own downloads from this machine."""
    by_ending = {".pdf": PDF, ".wav": WAV}
    found = (body for ending, body in by_ending.items() if url.endswith(ending))
    return DownloadedBody(next(found, PNG))


class Capabilities:
    """The flags of both suites; those left off have their reasons beside them."""

    server: FakeServer

    @pytest.fixture(autouse=True)
    def _server(self, loopback: None) -> Iterator[None]:
        with FakeServer() as server:
            type(self).server = server
            yield

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatStreamKit

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "fake-model", "base_url": self.server.url}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another-fake-model"

    @property
    def supported_usage_metadata_details(
        self,
    ) -> dict[Literal["invoke", "stream"], list[Detail]]:
        details: list[Detail] = [
            "audio_input",
            "audio_output",
            "reasoning_output",
            "cache_read_input",
            "cache_creation_input",
        ]
        return {"invoke": details, "stream": details}

    # supports_video_inputs: chat completions has no content part for video.
    # enable_vcr_tests: the server is real and on this machine, so nothing is recorded.

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        sound = base64.b64encode(WAV).decode()
        block = {"type": "audio", "base64": sound, "mime_type": "audio/wav"}
        details = {"prompt_tokens_details": {"audio_tokens": 7}}
        return self._ask([HumanMessage([block])], details, stream=stream)

    def invoke_with_audio_output(self, *, stream: bool = False) -> AIMessage:
        details = {"completion_tokens_details": {"audio_tokens": 7}}
        return self._ask("Sing", details, stream=stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        details = {"completion_tokens_details": {"reasoning_tokens": 7}}
        return self._ask("Think", details, stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        details = {"prompt_tokens_details": {"cached_tokens": 7}}
        return self._ask("Again", details, stream=stream)

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        details = {"prompt_tokens_details": {"cache_write_tokens": 7}}
        return self._ask("First", details, stream=stream)

    def _ask(self, prompt: Any, details: dict[str, Any], *, stream: bool) -> AIMessage:
        counts = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
        with FakeServer([Reply("Here it is.", usage={**counts, **details})]) as server:
            model = ChatStreamKit(model="fake-model", base_url=server.url)
            if not stream:
                return model.invoke(prompt)
            total: AIMessageChunk | None = None
            for chunk in model.stream(prompt):
                total = chunk if total is None else total + chunk
            assert total is not None
            return total
