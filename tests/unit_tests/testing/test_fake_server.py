"""The fake server as a whole: life, requests, who answers, and what stands before."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import httpx
import pytest

from langchain_streamkit.testing import FakeServer, RateLimit, Reply, Rule
from tests.unit_tests.testing.fake_server_client import (
    ask,
    body,
    frames,
    message,
    post,
    raw_connection,
    read_all,
    read_until,
    request_bytes,
    user,
)

pytestmark = pytest.mark.loopback


# ── life ────────────────────────────────────────────────────────────────────────


def test_it_listens_on_a_free_port_while_it_runs() -> None:
    with FakeServer() as first, FakeServer() as second:
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/v1", first.url)
        assert first.port != second.port
        assert ask(first).status_code == 200
    with pytest.raises(httpx.ConnectError):
        ask(first)


def test_it_can_be_started_again() -> None:
    server = FakeServer(["one", "two"])
    for expected in ("one", "two"):
        server.start()
        assert message(ask(server))["content"] == expected
        server.stop()
        server.stop()


def test_starting_twice_is_an_error() -> None:
    with FakeServer() as server, pytest.raises(RuntimeError, match="runs already"):
        server.start()


def test_a_taken_port_is_an_error() -> None:
    with FakeServer() as server, pytest.raises(OSError, match="in use"):
        FakeServer(port=server.port).start()


async def test_it_works_inside_a_running_event_loop() -> None:
    async with (
        FakeServer(["Hello"], repeat_last=True) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        url = f"{server.url}/chat/completions"
        calls = [client.post(url, json=body()) for _ in range(5)]
        answers = await asyncio.gather(*calls)
    assert [message(answer)["content"] for answer in answers] == ["Hello"] * 5


def test_many_threads_may_use_it() -> None:
    with FakeServer() as server:
        texts: list[str] = []
        threads = [
            threading.Thread(
                target=lambda n=n: texts.append(
                    message(ask(server, f"say 'number {n}'"))["content"]
                )
            )
            for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(texts) == sorted(f"number {n}" for n in range(20))
        assert sorted(request.number for request in server.requests) == [*range(1, 21)]


def test_its_repr_says_where_it_is() -> None:
    server = FakeServer(api_key="secret-key")
    with server:
        assert server.url in repr(server)
        assert "running" in repr(server)
    assert "stopped" in repr(server)
    assert "secret-key" not in repr(server)


# ── what it received ────────────────────────────────────────────────────────────


def test_requests_are_kept_in_order_with_all_that_was_sent() -> None:
    with FakeServer() as server:
        post(
            server,
            body("one", stream=True, tools=[]),
            path="/openai/deployments/gpt/chat/completions?api-version=1&x=a%20b",
            headers={"X-Try": "7"},
        )
        ask(server, "two")
        first, second = server.requests
        assert second.wait_finished()
    assert (first.number, first.method) == (1, "POST")
    assert first.path == "/openai/deployments/gpt/chat/completions"
    assert first.query == {"api-version": "1", "x": "a b"}
    assert first.headers["x-TRY"] == "7"
    assert "X-try" in first.headers
    assert first.body == body("one", stream=True, tools=[])
    assert first.stream
    assert first.messages == [user("one")]
    assert first.last_user_text == "one"
    assert first.model == "m"
    assert first.status == 400  # an empty list of tools
    assert second.raw == b'{"model":"m","messages":[{"role":"user","content":"two"}]}'
    assert second.first_byte_at is not None
    assert second.finished_at is not None
    assert second.received_at <= second.first_byte_at <= second.finished_at
    assert second.disconnected_at is None
    assert second.ended


def test_a_request_with_no_json_has_no_body() -> None:
    with FakeServer() as server:
        response = httpx.post(f"{server.url}/chat/completions", content=b"{broken")
        assert response.status_code == 400
        assert "not a JSON object" in response.json()["error"]["message"]
        assert server.requests[0].body is None
        assert server.requests[0].raw == b"{broken"


def test_the_repr_of_a_request_keeps_secrets_and_prompts() -> None:
    with FakeServer() as server:
        post(
            server,
            body("a private prompt"),
            path="/v1/chat/completions?code=query-secret",
            headers={"Authorization": "Bearer header-secret"},
        )
        shown = repr(server.requests[0]) + repr(server.requests[0].headers)
    assert "authorization" in shown.lower()
    assert "private" not in shown
    assert "secret" not in shown


def test_the_number_of_bytes_written_is_that_on_the_wire() -> None:
    with FakeServer() as server, raw_connection(server) as sock:
        sock.sendall(request_bytes(None, "Connection: close"))
        data = read_all(sock)
        assert server.requests[0].wait_finished()
        assert server.requests[0].bytes_written == len(data)


def test_reset_makes_it_as_new() -> None:
    with FakeServer(["one", "two"]) as server:
        assert message(ask(server))["content"] == "one"
        server.reset()
        assert server.requests == []
        assert message(ask(server))["content"] == "one"
        assert server.requests[0].number == 1


def test_only_the_latest_requests_are_kept_where_there_is_a_bound() -> None:
    with FakeServer(keep_requests=2) as server:
        for _ in range(5):
            ask(server)
        assert [request.number for request in server.requests] == [4, 5]
        assert server.wait_requests(5, timeout=0)


def test_waiting_for_requests() -> None:
    with FakeServer() as server:
        assert not server.wait_requests(1, timeout=0.01)
        thread = threading.Thread(target=ask, args=(server,))
        thread.start()
        assert server.wait_requests(1)
        thread.join()
        assert server.wait_idle()


# ── connections ─────────────────────────────────────────────────────────────────


def test_a_connection_is_kept_for_further_requests() -> None:
    with FakeServer() as server:
        with httpx.Client(trust_env=False) as client:
            for stream in (False, True, False):
                url = f"{server.url}/chat/completions"
                client.post(url, json=body(stream=stream))
            assert server.open_connections == 1
        assert {request.connection for request in server.requests} == {1}
        assert server.wait_connections(0)
        ask(server)
        assert server.requests[-1].connection == 2


@pytest.mark.parametrize("ending", ["Connection: close", "HTTP/1.0"])
def test_a_connection_is_closed_where_the_client_wants_that(ending: str) -> None:
    request = request_bytes(body(), "Connection: close")
    if ending == "HTTP/1.0":
        request = request_bytes(body()).replace(b"HTTP/1.1", b"HTTP/1.0")
    with FakeServer(["Hello"]) as server, raw_connection(server) as sock:
        sock.sendall(request)
        assert b'"content":"Hello"' in read_all(sock)
        assert server.wait_connections(0)


def test_pipelined_requests_are_answered_in_order() -> None:
    with FakeServer(["one", "two", "three"]) as server, raw_connection(server) as sock:
        last = request_bytes(body(), "Connection: close")
        sock.sendall(request_bytes(body()) * 2 + last)
        data = read_all(sock)
        found = re.findall(rb'"content":"(\w+)"', data)
        assert found == [b"one", b"two", b"three"]


def test_a_body_may_come_in_chunks_and_pieces() -> None:
    with FakeServer() as server, raw_connection(server) as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        data = request_bytes(body("say 'cheese'")).split(b"\r\n\r\n")[1]
        for start in range(0, len(data), 7):
            piece = data[start : start + 7]
            sock.sendall(b"%x;note=1\r\n%b\r\n" % (len(piece), piece))
        sock.sendall(b"0\r\nX-Trailer: 1\r\n\r\n")
        assert b'"content":"cheese"' in read_all(sock)


@pytest.mark.parametrize(
    ("request_data", "status"),
    [
        (b"\x16\x03\x01 not http\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    ],
)
def test_what_is_no_http_is_refused(request_data: bytes, status: int) -> None:
    with FakeServer() as server, raw_connection(server) as sock:
        sock.sendall(request_data)
        head = read_until(sock, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close" in head
        assert server.requests == []
        sock.close()
        assert ask(server).status_code == 200


# ── paths ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/openai/v1/chat/completions",
        "/api/v3/chat/completions/",
        "/openai/deployments/any/chat/completions",
    ],
)
def test_every_prefix_of_chat_completions_is_served(path: str) -> None:
    with FakeServer(["Hello"]) as server:
        assert message(post(server, body(), path=path))["content"] == "Hello"


def test_a_proxys_absolute_target_is_served() -> None:
    request = request_bytes(body(), "Connection: close")
    request = request.replace(b"POST /", b"POST http://api.example/")
    with FakeServer(["Hello"]) as server, raw_connection(server) as sock:
        sock.sendall(request)
        assert b'"content":"Hello"' in read_all(sock)
        assert server.requests[0].path == "/v1/chat/completions"


def test_an_azure_path_names_the_model() -> None:
    path = "/openai/deployments/my-gpt/chat/completions"
    with FakeServer() as server:
        answer = post(server, {"messages": [user("Hello")]}, path=path)
        assert answer.json()["model"] == "my-gpt"


def test_models_are_listed() -> None:
    with FakeServer(models=["a", "b"]) as server:
        found = httpx.get(f"{server.url}/models").json()
        assert [entry["id"] for entry in found["data"]] == ["a", "b"]
        unknown = ask(server)
        assert unknown.status_code == 404
        assert unknown.json()["error"]["code"] == "model_not_found"
        assert post(server, {**body(), "model": "b"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/responses", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
    ],
)
def test_other_paths_and_methods_are_refused(method, path, status) -> None:
    with FakeServer() as server:
        answer = httpx.request(method, f"{server.origin}{path}")
        assert answer.status_code == status
        assert path in answer.json()["error"]["message"]


def test_routes_come_first() -> None:
    routes: dict[str, Any] = {
        "/old/chat/completions": Reply.redirect("/v1/chat/completions"),
        "GET /health": {"ok": True},
        "/echo": lambda request: Reply.body(request.raw),
    }
    with FakeServer(["Hello"], routes=routes, api_key="k") as server:
        moved = post(server, body(), path="/old/chat/completions")
        assert moved.status_code == 307
        assert moved.headers["location"] == "/v1/chat/completions"
        assert httpx.get(f"{server.origin}/health").json() == {"ok": True}
        assert post(server, [1], path="/echo").json() == [1]


# ── who answers ─────────────────────────────────────────────────────────────────


def test_a_script_is_followed_and_its_end_is_plain() -> None:
    script: list[Any] = [
        "one",
        Reply("two"),
        {"object": "custom"},
        lambda request: request.model,
    ]
    with FakeServer(script) as server:
        assert message(ask(server))["content"] == "one"
        assert message(ask(server))["content"] == "two"
        assert ask(server, stream=True).json() == {"object": "custom"}
        assert message(ask(server))["content"] == "m"
        over = ask(server)
        assert over.status_code == 500
        assert over.json()["error"]["code"] == "script_over"
        assert "4 replies, and this is request 5" in over.json()["error"]["message"]
        assert over.headers["x-should-retry"] == "false"


def test_a_scripts_last_reply_can_be_repeated() -> None:
    with FakeServer(["one", "two"], repeat_last=True) as server:
        texts = [message(ask(server))["content"] for _ in range(4)]
    assert texts == ["one", "two", "two", "two"]


def test_a_script_can_be_set_later() -> None:
    with FakeServer() as server:
        server.script(Reply.error(503), "back again")
        assert ask(server).status_code == 503
        assert message(ask(server))["content"] == "back again"


def test_rules_are_tried_in_order_before_the_assistant() -> None:
    rules = [
        Rule("weather", "It is sunny."),
        Rule(re.compile(r"^\d+$"), lambda request: f"{request.last_user_text}!"),
        Rule(lambda request: request.stream, "streamed"),
        Rule("nothing", lambda _: None),
    ]
    with FakeServer(rules=rules) as server:
        assert message(ask(server, "The WEATHER?"))["content"] == "It is sunny."
        assert message(ask(server, "42"))["content"] == "42!"
        assert frames(ask(server, "x", stream=True))[1]["choices"][0]["delta"] == {
            "content": "streamed"
        }
        assert message(ask(server, "say 'nothing'"))["content"] == "nothing"


def test_a_handler_decides_or_leaves_it_to_the_others() -> None:
    async def later(request):
        await asyncio.sleep(0)
        return None if request.last_user_text == "skip" else Reply("handled")

    with FakeServer(["scripted"], handler=later) as server:
        assert message(ask(server))["content"] == "handled"
        assert message(ask(server, "skip"))["content"] == "scripted"


def test_what_a_handler_raises_is_a_500_and_kept() -> None:
    def broken(_request):
        raise ZeroDivisionError("oh no")

    with FakeServer(handler=broken) as server:
        answer = ask(server)
        assert answer.status_code == 500
        assert "ZeroDivisionError: oh no" in answer.json()["error"]["message"]
        assert isinstance(server.requests[0].error, ZeroDivisionError)


def test_a_reply_of_another_type_is_named() -> None:
    handler: Any = lambda _: 42  # noqa: E731
    with FakeServer(handler=handler) as server:
        assert "not int" in ask(server).json()["error"]["message"]


# ── what stands before ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer right"},
        {"authorization": "bearer right"},
        {"api-key": "right"},
    ],
)
def test_the_right_key_is_taken(headers) -> None:
    with FakeServer(api_key=["other", "right"]) as server:
        assert post(server, body(), headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"Authorization": "Bearer wrong"}, "invalid_api_key"),
        ({"Authorization": "Basic right"}, None),
        ({"api-key": "wrong"}, "invalid_api_key"),
    ],
)
def test_other_keys_are_not(headers, code) -> None:
    with FakeServer(api_key="right") as server:
        answer = post(server, body(), headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == code
        assert "right" not in answer.text
        models = httpx.get(f"{server.url}/models", headers=headers)
        assert models.status_code == 401


def test_the_rate_limit_lets_a_number_of_requests_pass_in_a_span() -> None:
    now = 100.0
    limit = RateLimit(requests=2, per_seconds=10)
    with FakeServer(rate_limit=limit, clock=lambda: now) as server:
        assert [ask(server).status_code for _ in range(2)] == [200, 200]
        now = 103.5
        refused = ask(server)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert refused.headers["retry-after"] == "7"
        assert refused.headers["retry-after-ms"] == "6500"
        now = 110.0
        assert ask(server).status_code == 200


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("seed", {"seed": 1}),
        ("stream_options.include_usage", {
            "stream": True, "stream_options": {"include_usage": True}}),
        ("messages.content.type", {
            "messages": [user([{"type": "text", "text": "a"}])]}),
    ],
)  # fmt: skip
def test_fields_can_be_refused_by_name(field: str, fields) -> None:
    with FakeServer(refuse_fields=[field]) as server:
        assert ask(server).status_code == 200
        answer = ask(server, **fields)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == field


def test_malformed_requests_pass_where_the_check_is_off() -> None:
    with FakeServer(["Hello"]) as server:
        assert post(server, {"model": "m"}).status_code == 400
        assert ask(server).status_code == 200  # the script was not used up
    with FakeServer(["Hello"], validate=False) as server:
        assert message(post(server, {"model": "m"}))["content"] == "Hello"
