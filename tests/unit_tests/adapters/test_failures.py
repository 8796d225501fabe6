"""What strangers learn of an exception, and what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit import errors
from langchain_streamkit.adapters import describe_error
from langchain_streamkit.adapters._failure import http_headers, http_status


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop",
        "Bearer abcdefghijklmnop.qrstuv",
        "https://user:hunter22@api.example/v1",
        "redis://:hunter2hunter2@cache:6379",
        "https://api.example/v1?api_key=hunter2hunter2&x=1",
        "api-key: hunter2hunter2",
        'password="hunter2hunter2"',
        "AIzaSyA1234567890abcdefghijk",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    ],
)
def test_secrets_are_taken_out_and_the_words_stay(secret: str) -> None:
    said = describe_error(errors.ServerError(f"It said {secret} and failed"))
    assert said["message"].startswith("It said ")
    assert said["message"].endswith("and failed")
    for word in ("hunter2", "abcdefghijk", "1234567890", "eyJzdWIi"):
        assert word not in said["message"]


@given(st.text())
def test_a_message_is_one_bounded_line(text: str) -> None:
    message = describe_error(errors.ServerError(text * 300))["message"]
    assert 0 < len(message) <= 500
    assert "\n" not in message
    assert "\x1b" not in message


def test_the_words_of_a_strange_exception_are_logged_and_not_told(caplog) -> None:
    said = describe_error(KeyError("/home/me/prompts.txt"))
    assert "prompts" not in said["message"]
    assert (said["code"], said["retryable"]) == ("internal_error", False)
    assert "prompts.txt" in caplog.text


@pytest.mark.parametrize(
    ("error", "code", "retryable", "status"),
    [
        (
            errors.AuthenticationError("x", status_code=401),
            "authentication",
            False,
            401,
        ),
        (errors.RateLimitError("x", status_code=429), "rate_limit", True, 429),
        (errors.StallTimeoutError("x"), "stall_timeout", True, 504),
        (errors.StreamInterruptedError("x"), "stream_interrupted", True, 502),
        (errors.ServerError("x", status_code=503), "server", True, 503),
        (errors.ConfigurationError("x"), "configuration", False, 500),
        (RuntimeError("x"), "internal_error", False, 500),
    ],
)
def test_an_error_has_a_code_and_a_status(
    error: Exception, code: str, retryable: bool, status: int
) -> None:
    said = describe_error(error)
    assert (said["code"], said["retryable"]) == (code, retryable)
    assert http_status(error) == status


@pytest.mark.parametrize(
    ("seconds", "headers"),
    [(0.2, {"Retry-After": "1"}), (3.0, {"Retry-After": "3"}), (None, {}), (1e30, {})],
)
def test_retry_after_goes_on_to_the_reader(seconds, headers) -> None:
    assert http_headers(errors.RateLimitError("x", retry_after=seconds)) == headers
