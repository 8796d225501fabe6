"""What does not become an object is an error that says why, with what had come."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException

from langchain_streamkit._langchain.structured_output import structured_output
from langchain_streamkit.errors import (
    RefusalError,
    StreamKitError,
    StructuredOutputError,
    TruncatedOutputError,
)
from tests.unit_tests.langchain_.scripted_model import (
    CUT_TEXT,
    JOKE,
    JOKE_TEXT,
    METHODS,
    OPENAI,
    Joke,
    JokeDict,
    JokeV1,
    ScriptedModel,
    chain_of,
    gather,
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_truncated_object_is_an_error_with_what_had_come(
    method, reason
) -> None:
    chain = chain_of(CUT_TEXT, method=method, finish_reason=reason)
    items: list[Any] = []

    with pytest.raises(TruncatedOutputError) as invoked:
        chain.invoke("Hi")
    with pytest.raises(TruncatedOutputError) as streamed:
        items.extend(chain.stream("Hi"))
    with pytest.raises(TruncatedOutputError):
        await gather(chain.astream("Hi"))

    for error in (invoked.value, streamed.value):
        assert isinstance(error, OutputParserException)
        assert isinstance(error, StreamKitError)
        assert error.partial_object == {"setup": JOKE["setup"], "punchline": "To s"}
        assert error.llm_output == CUT_TEXT
        assert reason in str(error)
        assert ("max_tokens" in str(error)) == (reason == "length")
    assert str(invoked.value) == str(streamed.value)


@pytest.mark.parametrize(
    "text", [CUT_TEXT, '{"setup": "x', '{"setup": 1', '{"setup": ', '{"setup": "\\u26']
)
def test_what_marks_a_call_as_cut_never_shows(text: str) -> None:
    chain = chain_of(text, JokeDict, "function_calling", tool="JokeDict")
    items: list[Any] = []

    with pytest.raises(StructuredOutputError) as caught:
        items.extend(chain.stream("Hi"))

    assert caught.value.llm_output == text
    assert caught.value.partial_object == items[-1]
    assert text.startswith(json.dumps(items[-1])[:-2].rstrip('"'))


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_that_was_cut_before_the_object_is_truncated_too(method) -> None:
    chain = chain_of("", method=method, finish_reason="length")

    for run in (lambda: chain.invoke("Hi"), lambda: list(chain.stream("Hi"))):
        with pytest.raises(TruncatedOutputError, match="max_tokens") as caught:
            run()
        assert caught.value.partial_object is None


def test_what_is_broken_before_the_cut_is_not_called_truncated() -> None:
    with pytest.raises(StructuredOutputError, match="broken at character 16") as caught:
        chain_of('{"setup": "Why" "punch', finish_reason="length").invoke("Hi")

    assert not isinstance(caught.value, TruncatedOutputError)


def test_a_whole_object_is_good_whatever_the_finish_reason_says() -> None:
    assert chain_of(finish_reason="length").invoke("Hi") == Joke(**JOKE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I cannot think of any.", "no JSON"),
        ('{"setup": "Why", "punchline": ', "ends at character 30, before a value"),
        ('{"setup": "Why" "punchline": 1}', "broken at character 16"),
        ('{"setup": "Why"}', "does not fit its class. punchline: Field required"),
        ('{"setup": 1, "punchline": "x"}', "setup: Input should be a valid string"),
    ],
)
async def test_anything_else_is_an_error_that_says_what_came(text, message) -> None:
    chain = chain_of(text)

    with pytest.raises(StructuredOutputError, match=message) as invoked:
        chain.invoke("Hi")
    with pytest.raises(StructuredOutputError, match=message):
        list(chain.stream("Hi"))
    with pytest.raises(StructuredOutputError, match=message):
        await gather(chain.astream("Hi"))

    assert isinstance(invoked.value, OutputParserException)
    assert not isinstance(invoked.value, TruncatedOutputError)
    assert invoked.value.llm_output == text


def test_an_error_of_validation_names_places_and_no_values() -> None:
    with pytest.raises(StructuredOutputError) as caught:
        chain_of('{"setup": 5550199, "punchline": 1, "rating": "x"}').invoke("Hi")

    assert "5550199" not in str(caught.value)
    assert "rating: " in str(caught.value)


def test_a_class_of_pydantic_v1_is_an_error_of_the_same_kind() -> None:
    with pytest.raises(StructuredOutputError, match="punchline: field required"):
        chain_of('{"setup": "Why"}', JokeV1).invoke("Hi")


@pytest.mark.parametrize("method", METHODS)
async def test_a_refusal_is_an_error_with_the_models_words(method) -> None:
    chain = chain_of("", method=method, refusal="I will not.", tool=None)

    with pytest.raises(RefusalError, match=r"I will not\.") as caught:
        chain.invoke("Hi")
    with pytest.raises(RefusalError, match=r"I will not\."):
        list(chain.stream("Hi"))

    assert caught.value.llm_output == "I will not."


@pytest.mark.parametrize(
    ("tool", "words", "message"),
    [
        ("other", "", "called other instead of giving a call of Joke"),
        (None, "Let me think.", "only text; a call of Joke is missing"),
        (None, "", "empty; a call of Joke is missing"),
    ],
)
def test_a_call_that_did_not_come_is_an_error(tool, words, message) -> None:
    model = ScriptedModel(
        pieces=[JOKE_TEXT if tool else words], tool=tool, words=words if tool else ""
    )
    chain = structured_output(model, Joke, method="function_calling", provider=OPENAI)

    for run in (lambda: chain.invoke("Hi"), lambda: list(chain.stream("Hi"))):
        with pytest.raises(StructuredOutputError, match=message) as caught:
            run()
        assert caught.value.llm_output == words


@pytest.mark.parametrize(
    "kind", [StructuredOutputError, TruncatedOutputError, RefusalError]
)
def test_the_errors_survive_a_pickle(kind) -> None:
    error = kind("It was cut.", llm_output='{"a', partial_object={})
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is kind
    assert (str(again), again.message) == ("It was cut.", "It was cut.")
    assert (again.llm_output, again.partial_object) == ('{"a', {})
    assert (again.send_to_llm, again.is_retryable) == (False, False)


def test_a_fallback_takes_over_when_the_object_is_cut() -> None:
    cut_chain = chain_of(CUT_TEXT, finish_reason="length")
    chain = cut_chain.with_fallbacks(
        [chain_of()], exceptions_to_handle=(OutputParserException,)
    )

    assert chain.invoke("Hi") == Joke(**JOKE)
