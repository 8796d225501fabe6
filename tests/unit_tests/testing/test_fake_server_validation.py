"""Requests that a strict server refuses, and good ones that must pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_streamkit.testing import Send
from langchain_streamkit.testing._validation import validate
from tests.unit_tests.testing.fake_server_client import body, user

FIRST_URL = "messages[0].content[0].image_url"
PNG = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}
CUSTOM = {"type": "custom", "custom": {"name": "c"}}


def call(call_id: str = "1", **changes):
    function = {"name": "f", "arguments": "{}"}
    return {"id": call_id, "type": "function", "function": function, **changes}


def calling(*calls):
    return {"role": "assistant", "content": None, "tool_calls": [*calls]}


def result(call_id: str = "1", content: object = "done"):
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def parts(*content, role: str = "user"):
    return {"messages": [{"role": role, "content": [*content]}, user("x")]}


def schema(**changes):
    inner = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
        **changes,
    }
    form = {"name": "s", "schema": inner, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


GOOD: dict[str, dict[str, Any]] = {
    "the least": {},
    "nulls": {"stop": None, "tools": None, "max_tokens": None, "seed": None},
    "all numbers": {
        "temperature": 0.5, "top_p": 1, "n": 2, "max_tokens": 1, "seed": -3,
        "presence_penalty": -2, "frequency_penalty": 2.0},
    "unknown fields": {"chat_template_kwargs": {}, "top_k": 5, "provider": {}},
    "stop": {"stop": ["a", "b", "c", "d"]},
    "stream": {"stream": True, "stream_options": {"include_usage": True}},
    "logprobs": {"logprobs": True, "top_logprobs": 20},
    "two users in a row": {"messages": [user("a"), user("b")]},
    "a name": {"messages": [{**user("a"), "name": "example_user"}]},
    "no name": {"messages": [{**user("a"), "name": None}]},
    "a last assistant": {"messages": [user("a"), {
        "role": "assistant", "content": "b", "prefix": True}]},
    "a tool turn": {"messages": [
        user("a"), calling(call("1"), call("2")), result("2"), result("1")]},
    "an empty assistant turn with calls": {"messages": [
        user("a"), {**calling(call()), "content": ""}, result()]},
    "tools": {"tools": [TOOL, CUSTOM], "tool_choice": "required",
              "parallel_tool_calls": False},
    "a named tool": {"tools": [TOOL], "tool_choice": {
        "type": "function", "function": {"name": "f"}}},
    "allowed tools": {"tools": [TOOL, CUSTOM], "tool_choice": {
        "type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
            {"type": "custom", "custom": {"name": "c"}}]}}},
    "a tool without parameters": {"tools": [
        {"type": "function", "function": {"name": "f"}}]},
    "images": parts({"type": "image_url", "image_url": {"url": PNG}},
                    {"type": "image_url", "image_url": {"url": "https://x.example/a"}}),
    "audio": parts({"type": "input_audio", "input_audio": {
        "data": "AAAA", "format": "flac"}}),
    "files": parts({"type": "file", "file": {"file_data": PNG}},
                   {"type": "file", "file": {"file_id": "file-1"}}),
    "an image as tool result": {"messages": [user("a"), calling(call()), result(
        content=[{"type": "image_url", "image_url": {"url": PNG}}])]},
    "Mistral's thinking": parts({"type": "thinking", "thinking": [
        {"type": "text", "text": "hm"}]}, role="assistant"),
    "a strict schema": schema(),
    "JSON with the word": {"response_format": {"type": "json_object"},
                           "messages": [user("as JSON")]},
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_requests_pass(name) -> None:
    assert validate({**body(), **GOOD[name]}, "m") is None


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "messages missing": ({"messages": None}, "messages"),
    "messages no list": ({"messages": "Hello"}, "messages"),
    "messages empty": ({"messages": []}, "messages"),
    "a message no object": ({"messages": ["Hello"]}, "messages[0].role"),
    "an unknown role": ({"messages": [{"role": "human", "content": "a"}]},
                        "messages[0].role"),
    "no content": ({"messages": [{"role": "user"}]}, "messages[0].content"),
    "null content": ({"messages": [{"role": "assistant", "content": None}]},
                     "messages[0].content"),
    "content a number": ({"messages": [user(5)]}, "messages[0].content"),
    "content empty": (parts(), "messages[0].content"),
    "an unknown part": (parts({"type": "image", "source": {}}),
                        "messages[0].content[0].type"),
    "a tool_use part": (parts({"type": "tool_use", "id": "1"}, role="assistant"),
                        "messages[0].content[0].type"),
    "an image of an assistant": (parts(
        {"type": "image_url", "image_url": {"url": PNG}}, role="assistant"),
        "messages[0].content[0].type"),
    "Anthropic's thinking": (parts({"type": "thinking", "thinking": "hm"},
                                   role="assistant"),
                             "messages[0].content[0].thinking"),
    "a text part without text": (parts({"type": "text"}),
                                 "messages[0].content[0].text"),
    "bad base64": (parts({"type": "image_url", "image_url": {
        "url": "data:image/png;base64,A"}}), FIRST_URL),
    "a PDF as image": (parts({"type": "image_url", "image_url": {
        "url": "data:application/pdf;base64,AAAA"}}), FIRST_URL),
    "a path as image": (parts({"type": "image_url", "image_url": "/etc/passwd"}),
                        FIRST_URL),
    "audio without format": (parts({"type": "input_audio", "input_audio": {
        "data": "AAAA"}}), "messages[0].content[0].input_audio.format"),
    "audio no base64": (parts({"type": "input_audio", "input_audio": {
        "data": "?", "format": "wav"}}), "messages[0].content[0].input_audio.data"),
    "a file without data": (parts({"type": "file", "file": {"filename": "a.pdf"}}),
                            "messages[0].content[0].file.file_data"),
    "a bad name": ({"messages": [{**user("a"), "name": "Ada Lovelace"}]},
                   "messages[0].name"),
    "a lonely tool result": ({"messages": [user("a"), result()]}, "messages[1]"),
    "a tool result without id": ({"messages": [user("a"), calling(call()), {
        "role": "tool", "content": "x"}]}, "messages[2].tool_call_id"),
    "a tool result of another call": ({"messages": [
        user("a"), calling(call("1")), result("2")]}, "messages[2]"),
    "a call answered twice": ({"messages": [
        user("a"), calling(call()), result(), result()]}, "messages[3]"),
    "a call not answered": ({"messages": [user("a"), calling(call()), user("b")]},
                            "messages[2]"),
    "a last call not answered": ({"messages": [user("a"), calling(call())]},
                                 "messages"),
    "one of two calls answered": ({"messages": [
        user("a"), calling(call("1"), call("2")), result("1")]}, "messages"),
    "no calls in tool_calls": ({"messages": [user("a"), {
        "role": "assistant", "content": "b", "tool_calls": []}]},
        "messages[1].tool_calls"),
    "a call without id": ({"messages": [user("a"), calling(call(id=None))]},
                          "messages[1].tool_calls[0].id"),
    "a call without type": ({"messages": [user("a"), calling(call(type=None))]},
                            "messages[1].tool_calls[0].type"),
    "arguments an object": ({"messages": [user("a"), calling(call(function={
        "name": "f", "arguments": {}}))]},
        "messages[1].tool_calls[0].function.arguments"),
    "a call without name": ({"messages": [user("a"), calling(call(function={
        "name": "", "arguments": ""}))]}, "messages[1].tool_calls[0].function.name"),
    "tools empty": ({"tools": []}, "tools"),
    "tools no list": ({"tools": TOOL}, "tools"),
    "a tool without type": ({"tools": [FUNCTION]}, "tools[0].type"),
    "an Anthropic tool": ({"tools": [{"name": "f", "input_schema": {}}]},
                          "tools[0].type"),
    "a tool without name": ({"tools": [{"type": "function", "function": {}}]},
                            "tools[0].function.name"),
    "a bad tool name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]},
                        "tools[0].function.name"),
    "parameters no object": ({"tools": [{"type": "function", "function": {
        "name": "f", "parameters": {"type": "string"}}}]},
        "tools[0].function.parameters"),
    "parameters without properties": ({"tools": [{"type": "function", "function": {
        "name": "f", "parameters": {"type": "object"}}}]},
        "tools[0].function.parameters"),
    "a strict tool that is not": ({"tools": [{"type": "function", "function": {
        **FUNCTION, "strict": True}}]}, "tools[0].function.parameters"),
    "a choice without tools": ({"tool_choice": "auto"}, "tool_choice"),
    "parallel calls without tools": ({"parallel_tool_calls": True},
                                     "parallel_tool_calls"),
    "an unknown choice": ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice"),
    "the choice of another tool": ({"tools": [TOOL], "tool_choice": {
        "type": "function", "function": {"name": "g"}}}, "tool_choice"),
    "temperature too high": ({"temperature": 2.1}, "temperature"),
    "temperature a text": ({"temperature": "0.5"}, "temperature"),
    "n a fraction": ({"n": 1.5}, "n"),
    "n a boolean": ({"n": True}, "n"),
    "max_tokens zero": ({"max_tokens": 0}, "max_tokens"),
    "both bounds": ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
    "stream a text": ({"stream": "true"}, "stream"),
    "stream_options alone": ({"stream_options": {}}, "stream_options"),
    "top_logprobs alone": ({"top_logprobs": 2}, "top_logprobs"),
    "five stops": ({"stop": ["a"] * 5}, "stop"),
    "no stops": ({"stop": []}, "stop"),
    "a stop a number": ({"stop": [1]}, "stop"),
    "an unknown format": ({"response_format": {"type": "xml"}}, "response_format.type"),
    "a schema without name": ({"response_format": {
        "type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name"),
    "an open strict schema": (schema(additionalProperties=True),
                              "response_format.json_schema"),
    "an optional field of a strict schema": (schema(required=[]),
                                             "response_format.json_schema"),
    "an inner open object": (schema(properties={"a": {"anyOf": [
        {"type": "object", "properties": {}}, {"type": "null"}]}}),
        "response_format.json_schema"),
    "JSON without the word": ({"response_format": {"type": "json_object"}}, "messages"),
}  # fmt: skip


def refusal_of(request: dict[str, Any], model: str) -> Any:
    reply = validate(request, model)
    assert reply is not None
    assert reply.status == 400
    [send] = [step for step in reply.steps or () if isinstance(step, Send)]
    return json.loads(send.data)["error"]


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused_with_the_field_to_blame(name) -> None:
    fields, param = BAD[name]
    request = {key: v for key, v in {**body(), **fields}.items() if v is not None}
    error = refusal_of(request, "m")
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"


def test_a_request_without_model_is_refused() -> None:
    assert refusal_of(body(), "")["param"] == "model"
