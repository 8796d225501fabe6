"""Copies, caches and traces: what travels with a model, and what stays hidden."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps, loads
from langchain_core.rate_limiters import InMemoryRateLimiter

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.providers import get_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit_tests.conftest import MakeModel

LOCAL = "http://127.0.0.1:9/v1"
CANARY = "canary-7f3e"
HIDDEN = {
    "api_key": f"{CANARY}-key",
    "default_headers": {"x-tenant": f"{CANARY}-header"},
    "default_query": {"token": f"{CANARY}-query"},
    "extra_body": {"secret": f"{CANARY}-body"},
    "proxy": f"http://user:{CANARY}-proxy@127.0.0.1:1",
}


def restore(text: str) -> ChatStreamKit:
    restored = loads(
        text,
        allowed_objects=[ChatStreamKit],
        valid_namespaces=["langchain_streamkit"],
        secrets_map={"STREAMKIT_API_KEY": "restored"},
    )
    assert isinstance(restored, ChatStreamKit)
    return restored


def through_pickle(model: ChatStreamKit) -> ChatStreamKit:
    twin = pickle.loads(pickle.dumps(model))
    assert isinstance(twin, ChatStreamKit)
    return twin


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_pickle])
def test_a_copy_works_like_the_model(
    make_model: MakeModel, duplicate: Callable[[ChatStreamKit], ChatStreamKit]
) -> None:
    model = make_model("One", "Two", temperature=0.5, api_key="k", timeout=3)
    assert model.invoke("Go").text == "One"
    twin = duplicate(model)
    assert twin.asdict() == model.asdict()
    assert "".join(chunk.text for chunk in twin.stream("Go")) == "Two"


def test_a_serialized_model_comes_back(make_model: MakeModel) -> None:
    model = make_model(
        "Hi",
        api_key="k",
        temperature=0.5,
        timeout=httpx.Timeout(3.0, connect=1.0),
        provider=get_provider("groq").replace(strict_tools=False),
        reasoning_tags=("<think>", "</think>"),
    )
    twin = restore(dumps(model))
    assert dumps(twin) == dumps(model)
    assert twin.reasoning_tags == ("<think>", "</think>")
    assert twin._connect().provider.strict_tools is False
    assert twin.invoke("Go").text == "Hi"


def test_what_callbacks_are_told_follows_the_parameters() -> None:
    model = ChatStreamKit(model="m", base_url=LOCAL, model_kwargs={"seed": [1]})
    assert model._serialized is model._serialized
    copied = model.model_copy(update={"temperature": 0.5})
    assert copied._serialized["kwargs"]["temperature"] == 0.5
    assert "temperature" not in model._serialized["kwargs"]
    model.temperature = 0.25
    model.model_kwargs["seed"].append(2)
    assert model._serialized["kwargs"]["temperature"] == 0.25
    assert model._serialized["kwargs"]["model_kwargs"] == {"seed": [1, 2]}


def test_a_serialized_model_warns_of_values_that_stayed_hidden() -> None:
    model = ChatStreamKit(
        model="m", base_url=LOCAL, default_headers=HIDDEN["default_headers"]
    )
    with pytest.warns(UserWarning, match=r"default_headers.*x-tenant"):
        twin = restore(dumps(model))
    assert not twin.default_headers


@pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle])
def test_a_copy_says_what_it_goes_without(
    duplicate: Callable[[ChatStreamKit], ChatStreamKit],
) -> None:
    with httpx.Client() as client:
        model = ChatStreamKit(
            model="m",
            base_url=LOCAL,
            rate_limiter=InMemoryRateLimiter(requests_per_second=1),
            http_client=client,
        )
        with pytest.warns(UserWarning, match="rate_limiter, http_client"):
            twin = duplicate(model)
    assert twin.rate_limiter is None
    assert twin.http_client is None
    assert model.rate_limiter is not None


class Watcher(BaseCallbackHandler):
    """Keeps what callbacks and tracers get."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append((args, kwargs))


def test_secrets_are_nowhere_to_be_seen(make_model: MakeModel) -> None:
    shown = {name: value for name, value in HIDDEN.items() if name != "proxy"}
    model = make_model("Hi", **shown)
    watcher = Watcher()
    extra = {"extra_headers": {"x-more": f"{CANARY}-more"}}
    model.bind(**extra).invoke("Go", config={"callbacks": [watcher]})
    everything = [
        repr(model),
        str(model),
        dumps(model),
        repr(model._identifying_params),
        repr(watcher.seen),
        model._get_llm_string(stop=None, **extra),
        repr(model._connect().settings),
        repr(model._connect().endpoint("m")),
        repr(ChatStreamKit(model="m", base_url=LOCAL, **HIDDEN)),
    ]
    for text in everything:
        assert CANARY not in text
    assert "x-tenant" in repr(model)


def test_caches_tell_models_apart_by_everything_that_matters() -> None:
    base = ChatStreamKit(model="m", base_url=LOCAL)
    others = [
        base.model_copy(update={"temperature": 0.5}),
        base.model_copy(update={"model": "other"}),
        base.model_copy(update={"base_url": "http://127.0.0.1:8/v1"}),
        base.model_copy(update={"default_headers": {"x-tenant": "a"}}),
        base.model_copy(update={"default_headers": {"x-tenant": "b"}}),
        base.model_copy(update={"extra_body": {"a": 1}}),
        base.model_copy(update={"extra_body": {"a": 2}}),
        base.model_copy(update={"provider": get_provider("groq")}),
        base.model_copy(
            update={"provider": get_provider("groq").replace(strict_tools=False)}
        ),
    ]
    strings = [model._get_llm_string() for model in (base, *others)]
    strings += [base._get_llm_string(stop=["x"]), base._get_llm_string(temperature=1)]
    assert len(set(strings)) == len(strings)
    assert ChatStreamKit(model="m", base_url=LOCAL)._get_llm_string() == strings[0]


def test_a_changed_copy_talks_to_its_own_server(make_model: MakeModel) -> None:
    model = make_model("Hi")
    elsewhere = model.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    elsewhere.max_retries = 0
    assert model.invoke("Go").text == "Hi"
    with pytest.raises(Exception, match=r"connection refused.*127\.0\.0\.1:1"):
        elsewhere.invoke("Go")


def test_one_model_serves_many_threads(make_model: MakeModel) -> None:
    model = make_model(*["Hi"] * 16)
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(model.invoke("Go").text))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["Hi"] * 16
