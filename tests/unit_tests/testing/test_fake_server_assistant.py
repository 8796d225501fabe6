"""The model behind a server that was not told what to answer."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit.testing import FakeServer
from langchain_streamkit.testing.assistant import answer
from tests.unit_tests.testing.fake_server_client import (
    ask,
    body,
    deltas,
    frames,
    message,
    post,
    text_of,
    user,
)

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def tool(name: str, description: str = "", required=None, **properties):
    names = list(properties) if required is None else required
    schema = {"type": "object", "properties": properties, "required": names}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
WEATHER = tool("get_weather", "Get the weather at a location.", location=TEXT)
MAGIC = tool("magic_function", "Apply a magic function to an input.", input=WHOLE)
ADDER = tool("my_adder_tool", "Tool that adds two integers.", a=WHOLE, b=WHOLE)
SEARCH = tool(
    "search_web", "Search for pages.", ["query"], query=TEXT, limit={"type": "integer"}
)
NOW = tool("current_time", "Tell the time.")


def calls(prompt: str, *tools, **fields):
    reply = answer({"messages": [user(prompt)], "tools": [*tools], **fields})
    return [(call.name, call.arguments) for call in reply.tool_calls]


def said(prompt: str, **fields) -> str:
    text = answer({"messages": [user(prompt)], **fields}).text
    assert isinstance(text, str)
    return text


def turn(prompt: str, *results: tuple[str, str], **fields):
    """A conversation in which tools were called and have answered."""
    made = [
        {
            "id": str(n),
            "type": "function",
            "function": {"name": name, "arguments": "{}"},
        }
        for n, (name, _) in enumerate(results)
    ]
    answers = [
        {"role": "tool", "tool_call_id": str(n), "content": content}
        for n, (_, content) in enumerate(results)
    ]
    assistant = {"role": "assistant", "content": "", "tool_calls": made}
    return answer({"messages": [user(prompt), assistant, *answers], **fields})


# ── words ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("prompt", ["Hello", "hi", "Hey you!", "Good morning."])
def test_greetings_are_returned_in_several_words(prompt) -> None:
    assert len(said(prompt).split()) > 3
    assert "You wrote" not in said(prompt)


def test_the_answer_depends_on_the_prompt_and_on_nothing_else() -> None:
    assert said("Write me 2 haikus") == said("Write me 2 haikus")
    assert said("Write me 2 haikus") != said("Write me 3 haikus")
    assert said("Hello", seed=1) != said("Hello", seed=2)
    assert said("Hello", seed=4) == said("Hello", seed=1)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("count to 5", "1 2 3 4 5"),
        ("Please count from 8 to 10!", "8 9 10"),
        ('Say "Grüß dich, 你好 👋"', "Grüß dich, 你好 👋"),
        ("Repeat after me: one, two", "one, two"),
        ("", "You sent no words."),
    ],
)
def test_what_it_can_say(prompt, expected) -> None:
    assert said(prompt) == expected


def test_text_parts_are_read_and_the_last_user_counts() -> None:
    content = [{"type": "text", "text": "count"}, {"type": "text", "text": "to 3"}]
    messages = [user("say 'old'"), {"role": "user", "content": content}]
    assert answer({"messages": messages}).text == "1 2 3"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
         "an image (image/png, 8 bytes)"),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
         "an image that I was only told the place of"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
         "an audio (audio/wav, 3 bytes)"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
         "a file (application/pdf, 3 bytes)"),
        ({"type": "file", "file": {"file_data": "AAAA"}},
         "a file (unknown type, 3 bytes)"),
        ({"type": "file", "file": {"file_id": "file-1"}},
         "a file that I was only told the place of"),
        ({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
         "a video (video/mp4, 3 bytes)"),
    ],
)  # fmt: skip
def test_what_was_attached_shows_in_the_answer(part, expected) -> None:
    content = [{"type": "text", "text": "Look"}, part]
    assert expected in answer({"messages": [{"role": "user", "content": content}]}).text
    told = turn("Use the tool", ("show", "here"))
    assert expected not in told.text
    messages = [user("x"), {"role": "tool", "content": [part]}]
    assert expected in answer({"messages": messages}).text


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_prompt_has_an_answer(prompt, description) -> None:
    reply = answer(
        {"messages": [user(prompt)], "tools": [tool("t", description, x=TEXT)]}
    )
    assert reply.text or reply.tool_calls


# ── tools ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prompt", "tools", "expected"),
    [
        ("What is the value of magic_function(3)? Use the tool.", [MAGIC],
         [("magic_function", {"input": 3})]),
        ("magic_function(3), then magic_function(input=-4)", [WEATHER, MAGIC],
         [("magic_function", {"input": 3}), ("magic_function", {"input": -4})]),
        ("What is the weather in San Francisco, CA?", [MAGIC, WEATHER],
         [("get_weather", {"location": "San Francisco, CA"})]),
        ("Compare the weather in Paris, Rome and Oslo", [WEATHER], [
            ("get_weather", {"location": city}) for city in ("Paris", "Rome", "Oslo")]),
        ("What is 1 + 2", [ADDER], [("my_adder_tool", {"a": 1, "b": 2})]),
        ("Please call current_time()", [NOW, WEATHER], [("current_time", {})]),
        ("Weather in Paris? And search for hotels.", [SEARCH, WEATHER], [
            ("get_weather", {"location": "Paris"}),
            ("search_web", {"query": "Weather in Paris? And search for hotels."})]),
        ("Hello!", [MAGIC, WEATHER], []),
        ("How are you", [WEATHER], []),
        ("weather", [], []),
    ],
)  # fmt: skip
def test_tools_are_called_where_the_prompt_speaks_of_them(
    prompt, tools, expected
) -> None:
    found = calls(prompt, *tools)
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", []),
        ("auto", []),
        ("required", ["magic_function"]),
        ("any", ["magic_function"]),
        ({"type": "function", "function": {"name": "get_weather"}}, ["get_weather"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
            {"type": "function", "function": {"name": "get_weather"}}]}},
         ["get_weather"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
            {"type": "function", "function": {"name": "get_weather"}}]}}, []),
    ],
)  # fmt: skip
def test_a_tool_can_be_demanded_or_forbidden(choice, expected) -> None:
    found = calls("Hello!", MAGIC, WEATHER, tool_choice=choice)
    assert [name for name, _ in found] == expected
    assert calls("weather in Rome", WEATHER, tool_choice="none") == []


def test_calls_come_one_at_a_time_where_parallel_ones_are_off() -> None:
    prompt = "weather in Rome and Oslo"
    fields = {"tools": [WEATHER], "parallel_tool_calls": False}
    first = answer({"messages": [user(prompt)], **fields})
    assert [c.arguments for c in first.tool_calls] == [{"location": "Rome"}]
    second = turn(prompt, ("get_weather", "sunny"), **fields)
    assert [c.arguments for c in second.tool_calls] == [{"location": "Oslo"}]
    last = turn(prompt, ("get_weather", "sunny"), ("get_weather", "rain"), **fields)
    assert last.text == "get_weather says: sunny\nget_weather says: rain"


def test_results_are_told() -> None:
    reply = turn("weather in Rome", ("get_weather", "It's sunny."), tools=[WEATHER])
    assert reply.text == "get_weather says: It's sunny."
    failed = turn("weather in Rome", ("get_weather", "Error: no 'x'"), tools=[WEATHER])
    assert "Error: no 'x'" in failed.text
    assert turn("x", ("f", "")).text == "The tool gave no result."


def test_a_demanded_tool_is_another_one_after_a_result() -> None:
    report = tool("Report", "A weather report.", summary=TEXT)
    fields = {"tools": [WEATHER, report], "tool_choice": "required"}
    first = answer({"messages": [user("weather in Rome")], **fields})
    assert [call.name for call in first.tool_calls] == ["get_weather"]
    second = turn("weather in Rome", ("get_weather", "sunny"), **fields)
    assert [call.name for call in second.tool_calls] == ["Report"]


def test_a_custom_tool_gets_text() -> None:
    custom = {
        "type": "custom",
        "custom": {"name": "run_code", "description": "Run code"},
    }
    [call] = answer(
        {"messages": [user("run_code with `print(1)`")], "tools": [custom]}
    ).tool_calls
    assert (call.type, call.name, call.arguments) == ("custom", "run_code", "print(1)")


# ── JSON, bounds, reasoning ─────────────────────────────────────────────────────


def json_schema(**schema):
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def test_json_follows_the_schema() -> None:
    form = json_schema(
        type="object",
        properties={"name": TEXT, "age": WHOLE},
        required=["name", "age"],
    )
    text = said("My name is Ada and I am 36", response_format=form)
    assert json.loads(text) == {"name": "Ada", "age": 36}
    joke = "A joke as JSON with 'setup' and 'punchline' keys"
    text = said(joke, response_format={"type": "json_object"})
    assert set(json.loads(text)) == {"setup", "punchline"}


def test_tools_are_called_before_json_is_given() -> None:
    form = json_schema(type="object", properties={"sky": {"enum": ["rain", "sun"]}},
                       required=["sky"])  # fmt: skip
    fields = {"tools": [WEATHER], "response_format": form}
    first = answer({"messages": [user("weather in Rome")], **fields})
    assert first.tool_calls
    second = turn("weather in Rome", ("get_weather", "much sun"), **fields)
    assert json.loads(second.text) == {"sky": "sun"}


@pytest.mark.parametrize("stop", ["4", ["9", "4", "7"]])
def test_text_ends_before_a_stop_sequence(stop) -> None:
    reply = answer({"messages": [user("count to 9")], "stop": stop})
    assert (reply.text, reply.finish_reason) == ("1 2 3 ", "stop")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_text_is_cut_at_the_bound_on_tokens(name) -> None:
    reply = answer({"messages": [user("count to 9")], name: 3})
    assert (reply.text, reply.finish_reason) == ("1 2 3", "length")
    whole = answer({"messages": [user("count to 3")], name: 3})
    assert (whole.text, whole.finish_reason) == ("1 2 3", "auto")


def test_reasoning_and_arguments_are_cut_at_the_bound_too() -> None:
    thinking = {"messages": [user("think, then count to 9")], "max_tokens": 4}
    reply = answer(thinking)
    assert reply.reasoning == "The user asks about"
    assert (reply.text, reply.finish_reason) == ("", "length")
    asked = {"messages": [user("weather in Rome and Oslo")], "tools": [WEATHER]}
    cut = answer({**asked, "max_tokens": 5})
    assert [call.arguments for call in cut.tool_calls] == [
        {"location": "Rome"},
        '{"location":',
    ]
    assert cut.finish_reason == "length"


@pytest.mark.parametrize(
    ("fields", "thinks"),
    [
        ({}, False),
        ({"reasoning_effort": "low"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning": {"effort": "high"}}, True),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"enable_thinking": True}, True),
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
        ({"messages": [user("Think about cats")]}, True),
        ({"messages": [user("Think about cats")], "reasoning_effort": "none"}, False),
    ],
)
def test_reasoning_comes_where_a_switch_or_the_prompt_asks_for_it(
    fields, thinks
) -> None:
    assert bool(answer({"messages": [user("cats")], **fields}).reasoning) is thinks


def test_choices_differ() -> None:
    reply = answer({"messages": [user("Hello")], "n": 3})
    texts = [reply.text, *(choice.text for choice in reply.choices)]
    assert len(set(texts)) == 3


# ── continuing ──────────────────────────────────────────────────────────────────


@given(st.integers(0, 17))
def test_a_partial_answer_is_continued_to_the_same_whole(count) -> None:
    whole = said("count to 9")
    partial = {"role": "assistant", "content": whole[:count], "prefix": True}
    rest = answer({"messages": [user("count to 9"), partial]}).text
    assert f"{whole[:count]}{rest}" == whole


def test_another_last_turn_of_the_assistant_changes_nothing() -> None:
    messages = [user("count to 3"), {"role": "assistant", "content": "No."}]
    assert answer({"messages": messages}).text == "1 2 3"


# ── over the wire ───────────────────────────────────────────────────────────────


@pytest.mark.loopback
def test_usage_has_details_that_add_up() -> None:
    audio = {"type": "input_audio", "input_audio": {
        "data": base64.b64encode(b"x" * 5_000).decode(), "format": "wav"}}  # fmt: skip
    request = {"model": "m", "messages": [{"role": "user", "content": [audio]}],
               "reasoning_effort": "high"}  # fmt: skip
    with FakeServer() as server:
        first, second = (post(server, request).json()["usage"] for _ in range(2))
        other = post(server, {**request, "model": "other"}).json()["usage"]
    assert first["total_tokens"] == first["prompt_tokens"] + first["completion_tokens"]
    assert first["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 5}
    assert first["completion_tokens_details"]["reasoning_tokens"] > 3
    assert second["prompt_tokens_details"]["cached_tokens"] > 0
    assert sum(second["prompt_tokens_details"].values()) <= second["prompt_tokens"]
    assert other["prompt_tokens_details"]["cached_tokens"] == 0


@pytest.mark.loopback
def test_a_longer_conversation_reads_its_beginning_from_the_cache() -> None:
    with FakeServer() as server:
        ask(server, "Hello")
        messages = [user("Hello"), {"role": "assistant", "content": "Hi"}, user("Bye")]
        usage = post(server, {"model": "m", "messages": messages}).json()["usage"]
        first = server.requests[0]
    assert first.status == 200
    assert 0 < usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"]


@pytest.mark.loopback
def test_a_tool_call_streams_and_its_result_is_taken() -> None:
    fields = {"tools": [WEATHER], "stream": True}
    with FakeServer() as server:
        first = ask(server, "The weather in Rome?", **fields)
        pieces = [d["tool_calls"][0] for d in deltas(first) if "tool_calls" in d]
        arguments = "".join(piece["function"]["arguments"] for piece in pieces)
        assert json.loads(arguments) == {"location": "Rome"}
        assert len(pieces) > 2
        function = {"name": pieces[0]["function"]["name"], "arguments": arguments}
        call = {"id": pieces[0]["id"], "type": "function", "function": function}
        messages = [
            user("The weather in Rome?"),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "Sunny"},
        ]
        second = post(server, {"model": "m", "messages": messages, **fields})
    assert text_of(second) == "get_weather says: Sunny"


@pytest.mark.loopback
def test_audio_is_answered_with_audio_where_it_is_asked_for() -> None:
    fields = {"modalities": ["text", "audio"], "audio": {"format": "wav"}}
    with FakeServer() as server:
        body_ = ask(server, "say 'hello world'", **fields).json()
        streamed = ask(server, "say 'hello world'", stream=True, **fields)
    audio = body_["choices"][0]["message"]["audio"]
    assert audio["transcript"] == "hello world"
    assert base64.b64decode(audio["data"]).startswith(b"RIFF")
    assert body_["usage"]["completion_tokens_details"]["audio_tokens"] == 2
    assert any("audio" in delta for delta in deltas(streamed))


@pytest.mark.loopback
def test_logprobs_choices_and_tier_are_honoured() -> None:
    with FakeServer() as server:
        response = post(server, body("count to 2", n=2, logprobs=True, stream=True,
                                     service_tier="flex"))  # fmt: skip
    found = frames(response)
    assert text_of(response, choice=0) == "1 2"
    assert text_of(response, choice=1) == "1 2 (Choice 2.)"
    assert found[-1]["service_tier"] == "flex"
    carrying = [c for f in found for c in f["choices"] if c["delta"].get("content")]
    assert all(choice["logprobs"]["content"] for choice in carrying)


@pytest.mark.loopback
def test_bad_requests_get_a_400_that_names_the_field() -> None:
    with FakeServer() as server:
        refused = ask(server, temperature=3)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "temperature"
        assert message(ask(server, temperature=1))
