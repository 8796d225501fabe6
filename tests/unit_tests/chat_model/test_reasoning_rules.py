"""Each server gets the reasoning that it demands back, and nothing that it refuses.

The servers here enforce the rules of DeepSeek (the field on every assistant turn,
empty where there was none), Kimi (never empty beside tool calls), OpenRouter (the
blocks, whole and in order), Gemini (the signature of each call), and of a strict
server that knows none of these fields. Evidence for each stands in its row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import InvalidRequestError
from langchain_streamkit.providers import get_provider
from langchain_streamkit.testing import FakeServer, Reply, ToolCall

if TYPE_CHECKING:
    from langchain_streamkit.testing import ReceivedRequest

pytestmark = pytest.mark.loopback

THOUGHT = "First add, then look at the weather."
DETAILS = [
    {"type": "reasoning.text", "text": THOUGHT, "index": 0, "format": "unknown"},
    {"type": "reasoning.encrypted", "data": "c2VjcmV0", "index": 1},
]
SIGNATURES = {"call_a": "c2lnLWE=", "call_b": "c2lnLWI="}
FOREIGN = {"reasoning_content", "reasoning", "reasoning_details"}

Message = dict[str, Any]
Rule = "Callable[[Message], str | None]"


def assistant_turns(request: ReceivedRequest) -> list[Message]:
    return [dict(m) for m in request.messages if m["role"] == "assistant"]


def deepseek(message: Message) -> str | None:
    thought = message.get("reasoning_content")
    if not isinstance(thought, str):
        return "The `reasoning_content` in the thinking mode must be passed back"
    wanted = THOUGHT if "tool_calls" in message else ""
    return None if thought == wanted else "another reasoning_content"


def kimi(message: Message) -> str | None:
    if "tool_calls" in message and not message.get("reasoning_content"):
        return "thinking is enabled but reasoning_content is missing"
    return None


def openrouter(message: Message) -> str | None:
    if "tool_calls" not in message:
        return None
    return None if message.get("reasoning_details") == DETAILS else "details changed"


def gemini(message: Message) -> str | None:
    for call in message.get("tool_calls", []):
        google = call.get("extra_content", {}).get("google", {})
        if google.get("thought_signature") != SIGNATURES[call["id"]]:
            return "Function call is missing a thought_signature"
    return None


def strict(message: Message) -> str | None:
    calls = message.get("tool_calls", [])
    extra = FOREIGN & message.keys() or [c for c in calls if "extra_content" in c]
    return f"extra fields not permitted: {extra}" if extra else None


ENFORCED = {
    "deepseek": deepseek,
    "moonshot": kimi,
    "openrouter": openrouter,
    "gemini": gemini,
    "openai": strict,
}


def answers(request: ReceivedRequest, rule: Any) -> Reply:
    """The server: refuse what breaks the rule; else think, call, and answer."""
    turns = assistant_turns(request)
    for broken in filter(None, map(rule, turns)):
        return Reply.error(400, broken)
    if turns and request.messages[-1]["role"] == "tool":
        return Reply("Five, and sunny.")
    if turns:
        return Reply("Nothing more.")
    calls = [
        ToolCall(
            name,
            args,
            id=id_,
            extra={"extra_content": {"google": {"thought_signature": SIGNATURES[id_]}}},
        )
        for name, args, id_ in (
            ("add", {"a": 2, "b": 3}, "call_a"),
            ("weather", {"city": "Paris"}, "call_b"),
        )
    ]
    return Reply(
        "",
        reasoning=THOUGHT,
        tool_calls=calls,
        message_extra={"reasoning_details": DETAILS},
    )


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"{city}: sunny"


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("way", ["values", "messages"])
@pytest.mark.parametrize("name", ENFORCED)
def test_a_conversation_with_two_tools_satisfies_the_rule(
    name: str, way: str, output_version: str
) -> None:
    rule = ENFORCED[name]
    with FakeServer(handler=lambda request: answers(request, rule)) as server:
        model = ChatStreamKit(
            model="m",
            base_url=server.url,
            provider=get_provider(name),
            api_key="k",
            output_version=output_version,
        )
        agent = create_agent(model, [add, weather])
        for _ in agent.stream({"messages": [("user", "Go")]}, stream_mode=way):
            pass
        state = agent.invoke({"messages": [("user", "Go")]})
        assert state["messages"][-1].text == "Five, and sunny."
        more = [*state["messages"], HumanMessage("And now?")]
        assert model.invoke(more).text == "Nothing more."


@pytest.mark.parametrize("first", ENFORCED)
@pytest.mark.parametrize("second", ["openai", "deepseek", "moonshot"])
def test_a_history_of_one_server_is_taken_by_another(first: str, second: str) -> None:
    rules = [ENFORCED[first], ENFORCED[second]]
    for place, name in enumerate((first, second)):
        rule = rules[place]
        with FakeServer(handler=lambda r, rule=rule: answers(r, rule)) as server:
            model = ChatStreamKit(
                model="m", base_url=server.url, provider=get_provider(name), api_key="k"
            )
            if place == 0:
                agent = create_agent(model, [add, weather])
                history = agent.invoke({"messages": [("user", "Go")]})["messages"]
            else:
                more = [*history, HumanMessage("And now?")]
                assert model.invoke(more).text == "Nothing more."


def test_one_switch_turns_it_off() -> None:
    turn = AIMessage("Hm.", additional_kwargs={"reasoning_content": THOUGHT})
    with FakeServer(handler=lambda request: answers(request, deepseek)) as server:
        model = ChatStreamKit(
            model="m",
            base_url=server.url,
            provider=get_provider("deepseek"),
            api_key="k",
            send_reasoning=False,
        )
        with pytest.raises(InvalidRequestError, match="must be passed back"):
            model.invoke([turn, HumanMessage("And now?")])
        assert "reasoning_content" not in assistant_turns(server.requests[0])[0]
