"""A wrong parameter says which was meant, and a key goes to its own server only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import ConfigurationError, UnsendableInputError
from langchain_streamkit.providers import Provider, get_provider
from langchain_streamkit.testing import FakeServer, Reply

if TYPE_CHECKING:
    from tests.unit_tests.conftest import MakeModel

LOCAL = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"tempratur": 1}, "Did you mean 'temperature'"),
        ({"maxtokens": 1}, "Did you mean 'max_tokens'"),
        ({"use_responses_api": True}, "Responses API"),
        ({"truncation": "auto"}, "Responses API"),
        ({"include": []}, "Responses API"),
        ({"stream_chunk_timeout": 3}, "is called stall_timeout"),
        ({"zzz": 1}, "extra_body"),
        ({"base_url": "localhost:11434/v1"}, "has no scheme. Write 'https://localhost"),
        ({"base_url": f"{LOCAL}/chat/completions"}, f"Write '{LOCAL}'"),
        ({"base_url": f"{LOCAL}/chat/completions/"}, f"Write '{LOCAL}'"),
        ({"base_url": "ftp://a.example"}, "not an http or https URL"),
        ({"base_url": "http://"}, "not an http or https URL"),
        ({"base_url": "http://a.example:port"}, "not a URL"),
        ({"base_url": "http://a.example/v1?x=1"}, "default_query"),
        ({"base_url": "http://me:pw@a.example/v1"}, "user name or password"),
        ({"base_url": LOCAL, "api_key": "key\n"}, "line break"),
        ({"base_url": LOCAL, "default_headers": {"x": "a\r\nb"}}, "line break"),
        ({"provider": "grok"}, "Did you mean"),
        ({"provider": "vllm"}, "pass base_url="),
        ({"provider": "azure"}, "pass azure_endpoint="),
        ({"provider": "databricks"}, "a host like *.databricks.com"),
        ({"provider": "groq"}, "GROQ_API_KEY"),
        ({}, "OPENAI_API_KEY"),
        ({"model_name": "other", "base_url": LOCAL}, "one parameter; two values"),
        ({"model": "", "base_url": LOCAL}, "model is missing"),
        ({"model": None, "base_url": LOCAL}, "model is missing"),
    ],
)
def test_a_wrong_parameter_says_what_to_write(
    parameters: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ChatStreamKit(**{"model": "m", **parameters})
    assert says in str(caught.value)
    assert "pw@" not in str(caught.value)


def test_a_wrong_value_is_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        ChatStreamKit(model="m", base_url=LOCAL, api_key=["secret-canary"])
    assert "secret-canary" not in str(caught.value)


def test_every_alias_of_chatopenai_is_taken() -> None:
    model = ChatStreamKit(
        model_name="m",
        openai_api_key="k",
        openai_api_base=LOCAL,
        openai_organization="org",
        request_timeout=3,
        max_completion_tokens=7,
        stop_sequences=["x"],
    )
    assert model.model == model.model_name == "m"
    assert model.base_url == LOCAL
    assert (model.timeout, model.max_tokens, model.stop) == (3, 7, ["x"])


def test_the_environment_is_the_last_to_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/openai")
    model = ChatStreamKit(model="m")
    assert model._connect().base_url == "http://127.0.0.1:1/openai"
    monkeypatch.setenv("STREAMKIT_BASE_URL", "http://127.0.0.1:2/v1")
    assert ChatStreamKit(model="m")._connect().base_url == "http://127.0.0.1:2/v1"
    assert ChatStreamKit(model="m", base_url=LOCAL)._connect().base_url == LOCAL


def sent_key(model: ChatStreamKit) -> str | None:
    key = model._connect().endpoint("m").key
    return key.get_secret_value() if isinstance(key, SecretStr) else None


def test_a_rows_key_never_goes_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "groq-key")
    monkeypatch.setenv("OPENAI_API_KEY", "openai-key")
    own = ChatStreamKit(model="m", provider="groq")
    assert sent_key(own) == "groq-key"
    by_host = ChatStreamKit(model="m", base_url="https://api.groq.com/openai/v1")
    assert sent_key(by_host) == "groq-key"
    assert by_host._get_ls_params()["ls_provider"] == "groq"
    for url in (LOCAL, "https://api.groq.com.evil.example/v1"):
        assert sent_key(ChatStreamKit(model="m", base_url=url)) is None
        assert sent_key(ChatStreamKit(model="m", provider="groq", base_url=url)) is None
    monkeypatch.setenv("STREAMKIT_API_KEY", "any-key")
    assert sent_key(ChatStreamKit(model="m", base_url=LOCAL)) == "any-key"
    assert sent_key(own) == "groq-key"
    assert sent_key(ChatStreamKit(model="m", base_url=LOCAL, api_key="mine")) == "mine"


def test_a_row_without_hosts_has_its_key_where_the_user_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "vllm-key")
    model = ChatStreamKit(model="m", provider="vllm", base_url=LOCAL)
    assert sent_key(model) == "vllm-key"
    assert sent_key(ChatStreamKit(model="m", base_url=LOCAL)) is None


def test_none_is_the_default_where_it_means_nothing_else() -> None:
    model = ChatStreamKit(
        model="m", base_url=LOCAL, max_retries=None, stream_usage=None, timeout=(5, 30)
    )
    assert (model.max_retries, model.stream_usage) == (2, True)
    exchange = model._calls.exchange([], None, {}, is_stream=False)
    assert (exchange.call.timeout.connect, exchange.call.timeout.read) == (5, 30)


def test_a_model_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="model is missing"):
        ChatStreamKit("gpt-4o")


def test_secrets_are_named_after_the_same_variable() -> None:
    model = ChatStreamKit(model="m", provider="groq", api_key="k")
    assert model.lc_secrets == {"api_key": "GROQ_API_KEY"}
    assert ChatStreamKit(model="m", base_url=LOCAL).lc_secrets == {
        "api_key": "STREAMKIT_API_KEY"
    }


async def test_a_key_may_be_a_callable_of_either_kind(make_model: MakeModel) -> None:
    keys = iter(["one", "two", "three"])

    async def fetch() -> str:
        return next(keys)

    plain = make_model("Hi", "Hi", api_key=lambda: next(keys))
    assert plain.invoke("Hi").text == "Hi"
    assert (await plain.ainvoke("Hi")).text == "Hi"
    model = make_model("Hi", api_key=fetch)
    assert (await model.ainvoke("Hi")).text == "Hi"
    with pytest.raises(ConfigurationError, match="async callable"):
        model.invoke("Hi")


@pytest.mark.loopback
def test_azure_takes_its_deployment_version_and_header() -> None:
    with FakeServer(["Hi"]) as server:
        model = ChatStreamKit(
            model="gpt-4o",
            provider="azure",
            azure_endpoint=server.origin,
            azure_deployment="my deployment",
            api_version="2024-10-21",
            api_key="azure-key",
        )
        assert model.invoke("Hi").text == "Hi"
        (request,) = server.requests
    assert request.path == "/openai/deployments/my%20deployment/chat/completions"
    assert request.query == {"api-version": "2024-10-21"}
    assert request.headers["api-key"] == "azure-key"
    assert "authorization" not in request.headers


def test_a_single_fact_may_be_overridden(
    make_model: MakeModel, fake_server: Any
) -> None:
    row = get_provider("groq").replace(max_tokens_field="max_tokens")
    make_model("Hi", provider=row, max_tokens=5).invoke("Hi")
    assert fake_server.requests[-1].body["max_tokens"] == 5


def test_the_profile_is_the_users_over_the_rows() -> None:
    row = Provider(name="mine", tools=False, image_inputs=True)
    model = ChatStreamKit(
        model="m", base_url=LOCAL, provider=row, profile={"max_input_tokens": 9}
    )
    assert model.profile is not None
    assert model.profile["tool_calling"] is False
    assert model.profile["image_inputs"] is True
    assert model.profile["max_input_tokens"] == 9


def test_a_message_that_cannot_be_sent_is_refused_before_any_request(
    make_model: MakeModel, fake_server: Any
) -> None:
    model = make_model()
    with pytest.raises(UnsendableInputError):
        model.invoke([("user", [{"type": "image"}])])
    with pytest.raises(UnsendableInputError, match="prediction"):
        model.invoke("Hi", prediction={"when": object()})
    assert fake_server.requests == []


def test_an_html_page_says_what_to_look_at(make_model: MakeModel) -> None:
    page = Reply.body("<html><b>Log in</b></html>", content_type="text/html")
    with pytest.raises(Exception, match=r"HTML page.*Log in.*base_url"):
        make_model(page, max_retries=0).invoke("Hi")


def test_a_users_own_client_is_used_and_not_closed(fake_server: Any) -> None:
    with httpx.Client(headers={"x-mine": "1"}) as client:
        model = ChatStreamKit(model="m", base_url=fake_server.url, http_client=client)
        model.invoke("Hello")
        model.close()
        del model
        assert not client.is_closed
    assert fake_server.requests[-1].headers["x-mine"] == "1"


def test_tokens_are_counted_offline() -> None:
    model = ChatStreamKit(model="m", base_url=LOCAL)
    messages = model._convert_input("Hello there, how are you?").to_messages()
    few = model.get_num_tokens_from_messages(messages)
    many = model.get_num_tokens_from_messages(messages * 10)
    assert 5 < few < 20
    assert many > 8 * few
    exact = ChatStreamKit(
        model="m", base_url=LOCAL, custom_get_token_ids=lambda text: [0] * len(text)
    )
    assert exact.get_num_tokens("four") == 4
