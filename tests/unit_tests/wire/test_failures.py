"""A server's words for "no" become one of our errors."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.failures import (
    NO_TEXT,
    Failure,
    clean_text,
    is_error,
    parse_failure,
    parse_frame_failure,
    refuses_stream,
    to_error,
)
from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit.errors import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamKitError,
)
from tests.unit_tests.wire.shared_files import Recording, recordings

# ── what all shapes have in common ──────────────────────────────────────────────

SHAPES: dict[str, tuple[Any, Failure]] = {
    "openai": (
        {"error": {"message": "boom", "type": "kind", "param": "n", "code": "word"}},
        Failure("boom", "word", "kind", "n"),
    ),
    "a string": ({"error": "boom", "code": "word"}, Failure("boom", "word")),
    "a list": ([{"error": {"message": "boom"}}], Failure("boom")),
    "errors in a list": ({"error": [{"message": "boom"}]}, Failure("boom")),
    "flat": ({"message": "boom", "code": 404}, Failure("boom", "404", status=404)),
    "vllm": (
        {
            "object": "error",
            "message": "boom",
            "type": "kind",
            "param": None,
            "code": 400,
        },
        Failure("boom", "400", "kind", status=400),
    ),
    "openrouter": (
        {
            "error": {"message": "no", "code": 502, "metadata": {"raw": "boom"}},
            "user_id": "u",
        },
        Failure("no: boom", "502", status=502),
    ),
    "gemini": (
        [{"error": {"code": 400, "message": "boom", "status": "INVALID_ARGUMENT"}}],
        Failure("boom", "400", "INVALID_ARGUMENT", status=400),
    ),
    "groq": (
        {"error": {"message": "boom", "code": "word", "status_code": 400}},
        Failure("boom", "word", status=400),
    ),
    "fastapi text": ({"detail": "boom"}, Failure("boom")),
    "fastapi list": (
        {
            "detail": [
                {"loc": ["body", 0, "n"], "msg": "boom", "input": "secret"},
                {"msg": "b"},
            ]
        },
        Failure("body.0.n: boom; b"),
    ),
    "fastapi object": ({"detail": {"error": "boom"}}, Failure("boom")),
    "mistral": (
        {"object": "error", "message": {"detail": [{"loc": ["n"], "msg": "boom"}]}},
        Failure("n: boom"),
    ),
    "cloudflare": (
        {
            "success": False,
            "errors": [{"code": 7009, "message": "boom"}],
            "result": None,
        },
        Failure("boom"),
    ),
    "problem": (
        {"type": "about:blank", "title": "boom", "status": 429},
        Failure("boom", kind="about:blank", status=429),
    ),
    "error_message": ({"error_message": "boom", "error": {}}, Failure("boom")),
    "text": ("boom", Failure("boom")),
    "nothing": ({}, Failure(NO_TEXT)),
    "an empty list": ([], Failure(NO_TEXT)),
    "null": (None, Failure(NO_TEXT)),
    "a number": (7, Failure(NO_TEXT)),
    "blank": ("  \n", Failure(NO_TEXT)),
    "an empty error": ({"error": {}}, Failure(NO_TEXT)),
}


@pytest.mark.parametrize(("body", "failure"), SHAPES.values(), ids=SHAPES)
def test_every_shape_is_read(body: Any, failure: Failure) -> None:
    assert parse_failure(body) == failure


@pytest.mark.parametrize("recording", recordings(".body.json"))
def test_every_recorded_refusal_says_something(recording: Recording) -> None:
    status = recording.facts["status"]
    if status == 200:
        return  # no refusal
    try:
        body = parse_json(recording.data)
    except ValueError:
        body = recording.data.decode()
    error = to_error(parse_failure(body), where="Here", status_code=status)
    assert error.status_code == status
    assert NO_TEXT not in str(error)
    assert str(error).startswith(f"Here answered {status}: ")


# ── frames ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "frame",
    [
        *({"error": "boom"}, {"error": {"message": "boom"}}, {"error": ["boom"]}),
        *({"object": "error", "message": "boom"}, {"type": "error", "message": "boom"}),
        *({"message": "boom", "code": "x"}, {"detail": "boom"}, {"errors": ["boom"]}),
        {"base_resp": {"status_code": 1004, "status_msg": "boom"}},
        {"choices": [], "x_groq": {"error": "boom"}},
    ],
    ids=str,
)
def test_an_error_in_a_frame_is_found(frame: dict[str, Any]) -> None:
    failure = parse_frame_failure(frame, "message")
    assert failure is not None
    assert failure.message == "boom"


@pytest.mark.parametrize(
    "frame",
    [
        *(
            {},
            {"error": None},
            {"error": {"message": ""}},
            {"message": "x"},
            {"code": 5},
        ),
        *(
            {"message": "ok", "code": 200},
            {"message": "ok", "code": "0"},
            {"detail": None},
        ),
        *({"choices": [], "message": "x", "code": "y"}, {"choices": [], "detail": "x"}),
        *(
            {"base_resp": {"status_code": 0}},
            {"base_resp": {}},
            {"x_groq": {"error": {}}},
        ),
    ],
    ids=str,
)
def test_a_frame_without_an_error_has_none(frame: dict[str, Any]) -> None:
    assert parse_frame_failure(frame, "message") is None
    assert parse_frame_failure(frame, "error") is not None


@pytest.mark.parametrize(
    "nothing", [None, "", 0, False, [], {}, {"a": None, "b": "", "c": 0}]
)
def test_a_field_that_is_always_sent_is_no_error(nothing: Any) -> None:
    assert not is_error(nothing)


# ── classes ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *(
            (400, InvalidRequestError),
            (401, AuthenticationError),
            (402, QuotaExceededError),
        ),
        *(
            (403, PermissionDeniedError),
            (404, NotFoundError),
            (405, InvalidRequestError),
        ),
        *((408, ServerError), (409, ServerError), (413, InvalidRequestError)),
        *((418, InvalidRequestError), (422, InvalidRequestError), (425, ServerError)),
        *(
            (429, RateLimitError),
            (500, ServerError),
            (503, ServerError),
            (529, ServerError),
        ),
    ],
)
def test_a_status_has_its_class(status: int, kind: type[StreamKitError]) -> None:
    error = to_error(Failure("boom"), where="Here", status_code=status)
    assert type(error) is kind
    assert error.status_code == status
    inside = to_error(
        parse_failure({"error": {"message": "x", "code": status}}), where="Here"
    )
    assert type(inside) is kind
    assert inside.status_code == status


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (Failure("x", "context_length_exceeded"), 400, ContextLengthError),
        (Failure("x", kind="exceed_context_size_error"), 400, ContextLengthError),
        (
            Failure("This model's maximum context length is 8192 tokens"),
            400,
            ContextLengthError,
        ),
        (Failure("prompt is too long: 9 tokens > 8 maximum"), 400, ContextLengthError),
        (
            Failure("the request exceeds the available context size"),
            500,
            ContextLengthError,
        ),
        (Failure("x", "insufficient_quota"), 429, QuotaExceededError),
        (
            Failure("You exceeded your current quota, check your plan"),
            429,
            QuotaExceededError,
        ),
        (
            Failure("You exceeded your current quota. Please retry in 34.07s."),
            *(429, RateLimitError),
        ),
        (Failure("Insufficient credits"), 403, QuotaExceededError),
        (Failure("x", "rate_limit_exceeded"), None, RateLimitError),
        (Failure("x", kind="ThrottlingException"), None, RateLimitError),
        (Failure("x", "invalid_api_key"), None, AuthenticationError),
        (Failure("x", kind="permission_denied"), None, PermissionDeniedError),
        (Failure("x", "model_not_found"), None, NotFoundError),
        (Failure("x", kind="overloaded_error"), None, ServerError),
        (Failure("x", kind="invalid_request_error"), None, InvalidRequestError),
        (Failure("x"), None, ServerError),
        (Failure("the rate_limit of your cat"), 500, ServerError),
        (Failure("x", "rate_limit_exceeded"), 200, RateLimitError),
    ],
)
def test_a_code_or_words_have_their_class_too(
    failure: Failure, status: int | None, kind: type[StreamKitError]
) -> None:
    assert type(to_error(failure, where="Here", status_code=status)) is kind


def test_a_context_error_behind_a_gateway_is_known_by_its_raw_words() -> None:
    raw = json.dumps({"error": {"message": "maximum context length is 8192"}})
    body = {"error": {"message": "Provider returned error", "code": 400}}
    body["error"]["metadata"] = {"raw": raw}
    error = to_error(parse_failure(body), where="Here", status_code=400)
    assert isinstance(error, ContextLengthError)


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = to_error(
        Failure("No such model.", "model_not_found", param="model"),
        where="api.example (model 'x')",
        status_code=404,
        request_id="r1",
        retry_after=2.0,
        body='{"error":\n "…"}',
    )
    assert str(error) == (
        "api.example (model 'x') answered 404: No such model (model_not_found). "
        "Check model= and base_url=."
    )
    assert (error.code, error.param, error.request_id) == (
        "model_not_found",
        "model",
        "r1",
    )
    assert (error.retry_after, error.body) == (2.0, '{"error": "…"}')


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("404 page not found", "Check base_url=, which often ends in /v1, and model=."),
        ("The model 'x' does not exist", "Check model= and base_url=."),
    ],
)
def test_an_unknown_path_is_told_from_an_unknown_model(said: str, hint: str) -> None:
    error = to_error(Failure(said), where="localhost:11434", status_code=404)
    assert str(error) == f"localhost:11434 answered 404: {said}. {hint}"


# ── text from strangers ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  a\r\n\tb \u2028 c  ", "a b c"),
        ("a\x00b\x1b[31mc\x7fd\x9be", "a b [31mc d e"),
        ("a\u202eb\u2066c\u200ed", "a b c d"),
        ("a\ud83db", "a b"),
        ("é👋 ok", "é👋 ok"),
        ("", ""),
    ],
)
def test_text_is_one_line_without_tricks(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@pytest.mark.parametrize(
    "key",
    [
        *(
            "sk-proj-abcdefgh12345678",
            "sk-abcdefgh",
            "gsk_abcdefgh1234",
            "hf_abcdefgh1234",
        ),
        *(
            "Bearer abc.def.gh",
            "bearer  xyz/1234=",
            "nvapi-abcdefgh",
            "sk-ab**********wxyz",
        ),
    ],
)
def test_what_looks_like_a_key_is_hidden(key: str) -> None:
    shown = clean_text(f"Incorrect API key provided: {key} or so.")
    assert key.rsplit(maxsplit=1)[-1] not in shown
    assert "[hidden]" in shown


def test_text_is_bounded() -> None:
    assert len(clean_text("word " * 10_000)) == 500
    assert clean_text("abcdef", 4) == "abc…"
    error = to_error(Failure("x"), where="Here", body="y" * 10_000)
    assert len(error.body or "") == 2000
    long = {
        "error": {
            "message": "m" * 9999,
            "code": "c" * 999,
            "type": "t" * 999,
            "param": "p",
        }
    }
    failure = parse_failure(long)
    assert len(failure.message) == 500
    assert len(failure.code or "") == len(failure.kind or "") == 80


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><h1>502 Bad</h1><p>Gateway", "502 Bad Gateway"),
        ("<style>a{}</style><SCRIPT src=x>evil()</SCRIPT>Hi", "Hi"),
        ("<script>evil()", NO_TEXT),
        ("1 < 2", "1 < 2"),
        ("<<<a>>>", "<< >>"),
    ],
)
def test_a_page_is_read_without_its_tags(page: str, words: str) -> None:
    assert parse_failure(page).message == words


@pytest.mark.parametrize(
    "unit", ["<", "<a", "<script>", "<style ", "</script>", "< >", "a"]
)
def test_a_page_is_read_in_bounded_time(unit: str) -> None:
    start = process_time()
    parse_failure(unit * (4_000_000 // len(unit)))
    assert process_time() - start < 2


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "error",
                        "errors",
                        "message",
                        "detail",
                        "msg",
                        "loc",
                        "code",
                        "type",
                    ),
                    *("status", "status_code", "param", "metadata", "raw", "title"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(ANY, st.none() | st.integers(100, 599))
def test_any_body_becomes_an_error_that_says_something(
    body: Any, status: int | None
) -> None:
    error = to_error(parse_failure(body), where="Here", status_code=status)
    assert isinstance(error, StreamKitError)
    assert str(error).startswith("Here ")
    assert len(str(error)) < 900
    str(error).encode()
    assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["error", "message", "detail", "errors"])
def test_a_body_that_nests_as_deep_as_is_read_does_no_harm(name: str) -> None:
    for opening, closing in (
        (f'{{"{name}":', "}"),
        ("[", "]"),
        (f'[{{"{name}":', "}]"),
    ):
        depth = 128 // (2 if opening.startswith("[{") else 1) - 1
        body = parse_json(
            f'{{"error":{opening * depth}"boom"{closing * depth}}}'.encode()
        )
        assert "boom" in to_error(parse_failure(body), where="Here").args[0]


@pytest.mark.parametrize(
    ("message", "param", "refused"),
    [
        ("Streaming is not supported for this model", None, True),
        ("This model does not support streaming.", None, True),
        ("stream must not be true", "stream", True),
        ("temperature is not supported", "temperature", False),
        ("stream_options is not supported", "stream_options", False),
        ("The upstream server is not available", None, False),
    ],
)
def test_a_refusal_to_stream_is_known(
    message: str, param: str | None, *, refused: bool
) -> None:
    assert refuses_stream(message, param) is refused
