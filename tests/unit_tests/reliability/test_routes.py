"""Where requests go: redirects, proxies, TLS; and where the key must never go."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from langchain_streamkit import errors
from langchain_streamkit.testing import FakeServer, Reply

from .cases import TEXT
from .conftest import make_model
from .running import CERTIFICATE, KEY, SECRETS, Seen, server_tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_core.language_models import BaseChatModel

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("nothing_left", "no_waiting", "no_proxies"),
]

FAR = "http://model.example/v1"


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# ── redirects ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "/v2/chat/completions",
        "{origin}/v2/chat/completions",
        "../../v2/chat/completions",
    ],
)
async def test_a_redirect_within_the_origin_is_followed(
    read_stream: ReadStream, status: int, location: str
) -> None:
    with FakeServer() as server:
        place = location.format(origin=server.origin)
        server.script(Reply.redirect(place, status), TEXT)
        seen = await read_stream(make_model(server.url, max_retries=0))
        assert (seen.error, seen.text) == (None, TEXT)
        first, second = server.requests
        assert second.path == "/v2/chat/completions"
        assert second.raw == first.raw
        assert second.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_drop_the_request_is_not_followed(
    read_stream: ReadStream, status: int
) -> None:
    with FakeServer([Reply.redirect("/v2/chat/completions", status), TEXT]) as server:
        seen = await read_stream(make_model(server.url))
        assert len(server.requests) == 1
    assert type(seen.error) is errors.ConnectionFailedError
    assert seen.error.status_code == status
    for words in (str(status), "/v2/chat/completions", "base_url"):
        assert words in str(seen.error)


async def test_redirects_in_a_circle_end(read_stream: ReadStream) -> None:
    with FakeServer([Reply.redirect("/v1/chat/completions")] * 20) as server:
        seen = await read_stream(make_model(server.url))
        assert len(server.requests) <= 5
    assert "too many redirects" in str(seen.error)


OTHER_PLACES = (
    "http://127.0.0.1:{port}/v1/chat/completions",
    "http://localhost:{own}/v1/chat/completions",
    "https://127.0.0.1:{own}/v1/chat/completions",
    "//127.0.0.1:{port}/v1/chat/completions",
    "http://user:secret-word@127.0.0.1:{port}/v1/chat/completions",
)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("place", OTHER_PLACES)
async def test_a_redirect_elsewhere_is_refused_and_named(
    read_stream: ReadStream, place: str, status: int
) -> None:
    with FakeServer([TEXT]) as other, FakeServer() as server:
        location = place.format(port=other.port, own=server.port)
        server.script(Reply.redirect(location, status))
        seen = await read_stream(make_model(server.url))
        assert other.requests == []
        assert len(server.requests) == 1
    assert type(seen.error) is errors.ConnectionFailedError
    assert "origin" in str(seen.error)
    assert httpx.URL(location).host or "127.0.0.1" in str(seen.error)
    assert "secret-word" not in str(seen.error)
    assert not seen.error.is_retryable


@pytest.mark.parametrize(
    "location", ["http://[", "http://a:b:c/", "http://\x7f/", "javascript:alert(1)"]
)
async def test_a_redirect_to_no_address_is_an_error(
    read_stream: ReadStream, location: str
) -> None:
    with FakeServer([Reply.redirect(location)]) as server:
        seen = await read_stream(make_model(server.url))
    assert type(seen.error) is errors.ConnectionFailedError
    assert str(seen.error).isprintable()


async def test_https_is_not_left_for_http(read_stream: ReadStream) -> None:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with FakeServer([TEXT]) as plain, FakeServer(tls=server_tls()) as server:
        server.script(Reply.redirect(f"{plain.url}/chat/completions"))
        async with httpx.AsyncClient(verify=context) as async_client:
            with httpx.Client(verify=context) as client:
                model = make_model(
                    server.url, http_client=client, http_async_client=async_client
                )
                seen = await read_stream(model)
        assert plain.requests == []
        assert len(server.requests) == 1
    assert type(seen.error) is errors.ConnectionFailedError


async def test_a_client_that_follows_redirects_does_not_do_so_here(
    read_stream: ReadStream,
) -> None:
    with FakeServer([TEXT]) as other, FakeServer() as server:
        server.script(Reply.redirect(f"{other.url}/chat/completions"))
        async with httpx.AsyncClient(follow_redirects=True) as async_client:
            with httpx.Client(follow_redirects=True) as client:
                model = make_model(
                    server.url, http_client=client, http_async_client=async_client
                )
                seen = await read_stream(model)
        assert other.requests == []
    assert type(seen.error) is errors.ConnectionFailedError


# ── addresses ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url", ["http://user:secret-word@127.0.0.1/v1", "https://secret-word@host.example"]
)
def test_an_address_with_a_user_is_refused(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="user name") as caught:
        make_model(url)
    assert "secret-word" not in str(caught.value)


# ── proxies ─────────────────────────────────────────────────────────────────────


async def test_the_proxy_of_the_environment_is_used(
    read_stream: ReadStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeServer([TEXT]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        model = make_model(FAR)
        assert (await read_stream(model)).text == TEXT
        assert proxy.requests[0].headers["host"] == "model.example"
        model.close()
        await model.aclose()


async def test_what_the_environment_excepts_goes_there_directly(
    read_stream: ReadStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeServer([TEXT]) as server, FakeServer([TEXT]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert (await read_stream(make_model(server.url))).text == TEXT
        assert proxy.requests == []


async def test_a_proxy_of_the_models_is_used_and_its_password_hidden(
    read_stream: ReadStream,
) -> None:
    with FakeServer([TEXT]) as proxy:
        address = f"http://someone:secret-word@127.0.0.1:{proxy.port}"
        model = make_model(FAR, proxy=address)
        assert (await read_stream(model)).text == TEXT
        assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")
        model.close()
        await model.aclose()
    told = repr(model), str(model._identifying_params), repr(model._connect())
    assert "secret-word" not in "".join(told)


@pytest.mark.parametrize("url", [FAR, FAR.replace("http:", "https:")])
async def test_a_proxy_that_wants_a_password_is_no_server_that_is_down(
    read_stream: ReadStream, url: str
) -> None:
    refusal = Reply.error(407, "who are you?", shape="text")
    with FakeServer(routes={"model.example:443": refusal}) as proxy:
        proxy.script(refusal)
        model = make_model(url, proxy=proxy.origin)
        seen = await read_stream(model)
        assert len(proxy.requests) == 1
        model.close()
        await model.aclose()
    assert type(seen.error) is errors.AuthenticationError
    assert "proxy" in str(seen.error).lower()
    assert all(secret not in str(seen.error) for secret in SECRETS)


async def test_a_tunnel_shows_the_proxy_neither_key_nor_prompt(
    read_stream: ReadStream,
) -> None:
    refusal = Reply.error(403, "not there", shape="text")
    with FakeServer(routes={"model.example:443": refusal}) as proxy:
        model = make_model(FAR.replace("http:", "https:"), proxy=proxy.origin)
        seen = await read_stream(model)
        sent = [(dict(r.headers), r.raw) for r in proxy.requests]
        model.close()
        await model.aclose()
    assert type(seen.error) is errors.ConnectionFailedError
    assert "proxy" in str(seen.error)
    assert len(sent) == 3
    assert all(secret not in repr(sent) for secret in SECRETS)


# ── TLS ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE"])
def test_the_certificates_of_the_environment_are_used(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    from langchain_streamkit._http import clients

    monkeypatch.setenv(variable, str(CERTIFICATE))
    clients._ssl_context.cache_clear()
    try:
        with FakeServer([TEXT] * 2, tls=server_tls()) as server:
            model = make_model(server.url, max_retries=0)
            assert model.invoke("Hi").text == TEXT
            assert asyncio.run(model.ainvoke("Hi")).text == TEXT
            model.close()
    finally:
        clients._ssl_context.cache_clear()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_wrong_host_name_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    """The certificate is good, but for 127.0.0.1 and localhost only."""
    from langchain_streamkit._http import clients

    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    clients._ssl_context.cache_clear()
    try:
        with FakeServer([TEXT], host="::1", tls=server_tls()) as server:
            model = make_model(server.url)
            with pytest.raises(errors.ConnectionFailedError, match="certificate"):
                asyncio.run(model.ainvoke("Hi")) if is_async else model.invoke("Hi")
            assert server.requests == []
    finally:
        clients._ssl_context.cache_clear()
