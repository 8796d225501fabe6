"""A resumed answer is the answer that was never cut: nothing twice, nothing missing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import StreamInterruptedError
from langchain_streamkit.providers import Provider
from langchain_streamkit.testing import Cut, FakeServer, Reply, ToolCall

from .conftest import add_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.testing import ReceivedRequest

pytestmark = pytest.mark.loopback

ANSWER = "Hello  from a\n\ntiny *server*: Caffè ☕ 你好! ab ab ab. End"
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
ROLE_FRAME = 1
NO_WAIT = {"max_retries": 2}


def continues(request: ReceivedRequest, *, echo: bool, trim: bool) -> str:
    """What a server says to a request whose last turn may be a beginning."""
    last = request.messages[-1]
    if last["role"] != "assistant":
        return ANSWER
    prefix = str(last["content"])
    assert ANSWER.startswith(prefix)
    if echo:
        return ANSWER
    rest = ANSWER[len(prefix.rstrip() if trim else prefix) :]
    return rest.lstrip() if trim else rest


def serve(place: int, how: str, **style: bool) -> Callable[[ReceivedRequest], Reply]:
    def handler(request: ReceivedRequest) -> Reply:
        text = continues(request, **style)
        reply = Reply(text, split="characters", usage=USAGE)
        if request.number == 1:
            return reply.replace(faults=[Cut(after_frames=place + ROLE_FRAME, how=how)])
        return reply

    return handler


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_streamkit._resilience.retry._FIRST_DELAY", 0.0)


@pytest.mark.parametrize("echo", [False, True], ids=["continues", "echoes"])
@pytest.mark.parametrize("trim", [False, True], ids=["keeps", "trims"])
async def test_prefill_gives_the_whole_text_wherever_it_was_cut(
    echo: bool, trim: bool
) -> None:
    for place in range(1, len(ANSWER)):
        handler = serve(place, "end", echo=echo, trim=trim)
        with FakeServer(handler=handler) as server:
            model = ChatStreamKit(model="m", base_url=server.url, resume="prefill")
            chunks = [chunk async for chunk in model.astream("Go")]
        total = add_up(chunks)
        assert total.text == ANSWER
        (note,) = total.response_metadata["resumed"]
        assert note["at_character"] == place
        assert note["mode"] == "prefill"
        assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.parametrize("how", ["close", "reset", "end"])
def test_replay_gives_the_whole_text_wherever_it_was_cut(how: str) -> None:
    for place in range(1, len(ANSWER), 3):
        with FakeServer(handler=serve(place, how, echo=True, trim=False)) as server:
            model = ChatStreamKit(model="m", base_url=server.url, resume="replay")
            total = add_up(list(model.stream("Go")))
            assert len(server.requests) == 2
        assert total.text == ANSWER


def test_v3_is_resumed_like_chunks() -> None:
    with FakeServer(handler=serve(9, "end", echo=False, trim=False)) as server:
        model = ChatStreamKit(model="m", base_url=server.url, resume="prefill")
        output = model.stream_events("Go", version="v3").output
    assert output.text == ANSWER
    assert output.response_metadata["resumed"][0]["at_character"] == 9


@pytest.mark.parametrize("resume", ["off", "replay", "prefill"])
def test_a_last_frame_without_its_line_end_is_given_to_the_reader(resume: str) -> None:
    frame = 'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}'
    whole = f"{frame % 'Hel'}\n\n{frame % 'lo'}".encode()

    def handler(request: ReceivedRequest) -> Reply:
        if request.number == 1:
            return Reply.body(whole, content_type="text/event-stream")
        goes_on = request.messages[-1]["role"] == "assistant"
        return Reply(" you" if goes_on else "Hello you")

    seen: list[str] = []
    with FakeServer(handler=handler) as server, ExitStack() as stack:
        if resume == "off":
            stack.enter_context(pytest.raises(StreamInterruptedError))
        model = ChatStreamKit(model="m", base_url=server.url, resume=resume)
        seen.extend(chunk.text for chunk in model.stream("Hi"))
    assert "".join(seen) == ("Hello" if resume == "off" else "Hello you")


def test_the_usage_of_an_attempt_that_diverged_is_counted() -> None:
    def handler(request: ReceivedRequest) -> Reply:
        last = request.messages[-1]
        if last["role"] != "assistant":
            cut = [Cut(after_frames=len("one two thr") + ROLE_FRAME)]
            return Reply("one two three", split="characters", usage=USAGE, faults=cut)
        words = "ee" if last["content"] == "one two thr" else " else"
        return Reply(words, usage=USAGE, usage_place="every")

    with FakeServer(handler=handler) as server:
        model = ChatStreamKit(model="m", base_url=server.url, resume="prefill")
        total = add_up(model.stream("Count"))
        assert [len(request.messages) for request in server.requests] == [1, 2, 2]
    assert total.text == "one two three"
    assert total.usage_metadata is not None
    assert total.usage_metadata["total_tokens"] == 24  # the cut one told no usage


def test_usage_is_summed_and_max_tokens_shrinks() -> None:
    usages = [USAGE, USAGE]

    def handler(request: ReceivedRequest) -> Reply:
        reply = Reply(
            continues(request, echo=False, trim=False),
            split="characters",
            usage=usages[request.number - 1],
            usage_place="every",
        )
        if request.number == 1:
            return reply.replace(faults=[Cut(after_frames=11, how="end")])
        return reply

    with FakeServer(handler=handler) as server:
        model = ChatStreamKit(
            model="m", base_url=server.url, resume="prefill", max_tokens=100
        )
        total = add_up(list(model.stream("Go")))
        second = server.requests[1].body
    assert total.usage_metadata is not None
    assert total.usage_metadata["total_tokens"] == 24
    assert total.response_metadata["resumed"][0]["usage"]["total_tokens"] == 12
    assert second["max_completion_tokens"] == 90


def test_a_cut_in_the_resumed_answer_is_resumed_as_well() -> None:
    def handler(request: ReceivedRequest) -> Reply:
        text = continues(request, echo=False, trim=False)
        reply = Reply(text, split="characters", usage=USAGE)
        if request.number < 3:
            return reply.replace(faults=[Cut(after_frames=16, how="end")])
        return reply

    with FakeServer(handler=handler) as server:
        model = ChatStreamKit(model="m", base_url=server.url, resume="prefill")
        total = add_up(list(model.stream("Go")))
    assert total.text == ANSWER
    assert len(total.response_metadata["resumed"]) == 2


def test_auto_resumes_where_the_row_says_how_and_raises_elsewhere() -> None:
    row = Provider(name="mine", prefill="prefix")
    for provider, requests in ((row, 2), (None, 1)):
        with FakeServer(handler=serve(9, "end", echo=False, trim=False)) as server:
            model = ChatStreamKit(
                model="m", base_url=server.url, resume="auto", provider=provider
            )
            if provider is None:
                with pytest.raises(StreamInterruptedError) as caught:
                    list(model.stream("Go"))
                assert caught.value.partial is not None
                assert caught.value.partial.text == ANSWER[:9]
            else:
                assert add_up(list(model.stream("Go"))).text == ANSWER
                last = server.requests[1].messages[-1]
                assert last["prefix"] is True
            assert len(server.requests) == requests


def test_a_word_less_that_leads_elsewhere_is_asked_again_to_the_character() -> None:
    def handler(request: ReceivedRequest) -> Reply:
        last = request.messages[-1]
        if last["role"] != "assistant":
            faults = [Cut(after_frames=8 + ROLE_FRAME, how="end")]
            return Reply("Hello wonderful", split="characters", faults=faults)
        return Reply("rld!" if last["content"] == "Hello wo" else " there!")

    with FakeServer(handler=handler) as server:
        model = ChatStreamKit(model="m", base_url=server.url, resume="prefill")
        assert add_up(list(model.stream("Go"))).text == "Hello world!"
        assert len(server.requests) == 3


def test_a_replay_that_says_something_else_raises_with_what_was_said() -> None:
    replies = [
        Reply("One two three", faults=[Cut(after_frames=3, how="end")]),
        Reply("Uno due tre"),
    ]
    with FakeServer(replies) as server:
        model = ChatStreamKit(model="m", base_url=server.url, resume="replay")
        with pytest.raises(StreamInterruptedError, match="does not go on") as caught:
            list(model.stream("Go"))
    assert caught.value.partial is not None
    assert caught.value.partial.text == "One two"


CALL = Reply("Look:", tool_calls=[ToolCall("f", {"a": 1}, id="c")], split="characters")
THOUGHT = Reply("So.", reasoning="Thinking about it", split="characters")


@pytest.mark.parametrize(
    ("reply", "frames", "parameters"),
    [
        (CALL, 8, {}),
        (THOUGHT, 6, {}),
        (Reply("{}{}{}"), 2, {"response_format": {"type": "json_object"}}),
        (Reply("Hello you"), 2, {"logprobs": True}),
    ],
    ids=["tool call", "thought", "schema", "logprobs"],
)
@pytest.mark.parametrize("resume", ["prefill", "replay"])
def test_nothing_is_resumed_where_the_join_cannot_be_checked(
    reply: Reply, frames: int, parameters: dict[str, Any], resume: str
) -> None:
    cut = reply.replace(faults=[Cut(after_frames=frames, how="end")])
    with FakeServer([cut, reply]) as server:
        model = ChatStreamKit(model="m", base_url=server.url, resume=resume)
        with pytest.raises(StreamInterruptedError):
            list(model.bind(**parameters).stream("Go, in json"))
        assert len(server.requests) == 1


def test_a_whole_answer_is_asked_for_where_a_stream_is_refused() -> None:
    def handler(request: ReceivedRequest) -> Reply:
        if request.stream:
            return Reply.error(400, "Streaming is not supported for this model.")
        return Reply("All at once.")

    with FakeServer(handler=handler) as server:
        model = ChatStreamKit(model="m", base_url=server.url, stream_fallback=True)
        total = add_up(list(model.stream("Go")))
        assert [request.stream for request in server.requests] == [True, False]
    assert total.text == "All at once."
    assert total.response_metadata["stream_fallback"] is True


def test_a_whole_answer_is_asked_for_where_streams_break_before_content() -> None:
    def handler(request: ReceivedRequest) -> Reply:
        faults = [Cut(after_frames=1, how="end")] if request.stream else []
        return Reply("All at once.", faults=faults)

    with FakeServer(handler=handler) as server:
        model = ChatStreamKit(
            model="m", base_url=server.url, stream_fallback=True, max_retries=1
        )
        total = add_up(list(model.stream("Go")))
        asked = [request.stream for request in server.requests]
    assert asked == [True, True, False]
    assert total.text == "All at once."
