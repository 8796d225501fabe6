"""pytoon's page: data as TOON in the prompt, and TOON in the answer.

``pytoon.encode`` becomes ``to_toon``, ``pytoon.decode`` a ``ToonOutputParser``'s
``parse``, and the two makers' clients one model.
"""

from __future__ import annotations

import io
import json
import threading
from contextlib import nullcontext, redirect_stderr
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit.blocks import to_toon
from langchain_streamkit.errors import TotalTimeoutError
from langchain_streamkit.output_parsers import CascadeOutputParser, ToonOutputParser
from langchain_streamkit.testing import Cut, Drip, Reply, Stall

from .rows import Row, Stage

if TYPE_CHECKING:
    from langchain_streamkit import ChatStreamKit

ENCODE = (r"pytoon\.encode", "to_toon")
DECODE = (r"pytoon\.decode", "ToonOutputParser().parse")
IMPORTS = (
    r"import pytoon\nimport (openai|anthropic)",
    (
        "from langchain_streamkit import ChatStreamKit\n"
        "from langchain_streamkit.blocks import to_toon\n"
        "from langchain_streamkit.output_parsers import ToonOutputParser"
    ),
)
OPENAI = (
    (r"client = openai\.OpenAI\(\)", 'model = ChatStreamKit(model="gpt-4o-mini")'),
    (
        (
            r"client\.chat\.completions\.create\(\s+model=[^\n]+\n\s+messages=(\[[^\n]+\]),"
            r"\s+stream=True\s+\)"
        ),
        r"model.stream(\1)",
    ),
    (r"chunk\.choices\[0\]\.delta\.content", "chunk.content"),
)
ANTHROPIC = (
    (
        r"client = anthropic\.Anthropic\(\)",
        'model = ChatStreamKit(model="claude", provider="anthropic", max_tokens=1024)',
    ),
    (
        (
            r"with client\.messages\.stream\(\s+model=[^\n]+\n\s+messages=(.*?\}\]),"
            r"\s+max_tokens=1024\s+\) as stream:"
        ),
        r'with nullcontext(model.stream_events(\1, version="v3")) as stream:',
    ),
    (r"stream\.text_stream", "stream.text"),
    (r"stream\.get_final_text\(\)", "stream.output.text"),
)

STAFF = [{"name": "Diana", "salary": 120000}, {"name": "Bo", "salary": 90000}]
DIANA = 'name: Diana\nsalary: 120000\nnote: "well, why not"'
FOUND = {"name": "Diana", "salary": 120000, "note": "well, why not"}
WORDS = "It is Diana."


def _names(stage: Stage) -> dict[str, Any]:
    return {
        "STAFF": STAFF,
        "nullcontext": nullcontext,
        "json": json,
        "llm": stage.model(),
        "to_toon": to_toon,
        "ToonOutputParser": ToonOutputParser,
    }


def _prompted(stage: Stage) -> None:
    """The data stood in the prompt once, as a table; what is no TOON stays text."""
    assert "employees[2]{name,salary}:\n  Diana,120000\n  Bo,90000\n" in _asked(stage)
    printed = stage.run('{"name": "Diana"}')
    assert printed == '{"name": "Diana"}\n\nText result: {"name": "Diana"}\n'
    fenced = f"Here:\n```toon\n{DIANA}\n```\nAnything else?"
    assert stage.run(fenced) == f"{fenced}\n\nParsed result: {FOUND}\n"


def _asked(stage: Stage) -> str:
    return stage.server.requests[-1].last_user_text


def _final_text(stage: Stage) -> None:
    assert stage["full_response"] == DIANA
    assert stage["result"] == FOUND
    body = stage.server.requests[0].body
    assert body is not None
    assert body["stream"] is True
    assert 1024 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert "[2]{name,salary}:" in _asked(stage)


TABLE = "rows[2]{id,price}:\n  1,2.5\n  2,29.99"


def _grows(stage: Stage) -> None:
    """Ours reads TOON while it comes, and never half a line of it."""
    assert stage["result"] == {
        "rows": [{"id": 1, "price": 2.5}, {"id": 2, "price": 29.99}]
    }
    stage.server.script(Reply(TABLE, split="characters"))
    chain = stage.model() | ToonOutputParser()
    prices = [[r["price"] for r in value["rows"]] for value in chain.stream("Prices?")]
    assert prices == [[], [2.5], [2.5, 29.99]]


def _parsed(stage: Stage) -> None:
    """The page's function gives the object, or the text where there is none."""
    found: list[Any] = []

    def call() -> None:
        found.append(stage["stream_and_parse"]("Who?"))

    assert stage.printed(call) == f"{DIANA}\n"
    stage.server.script("[]")
    assert stage.printed(call) == "[]\n"
    assert found == [FOUND, "[]"]


def _resumes(stage: Stage) -> None:
    """The page's retry says everything twice; a model that resumes, once."""
    cut = Reply(WORDS, faults=[Cut(after_frames=3, how="reset")])
    stage.server.script(cut, WORDS)
    printed = stage.printed(lambda: stage["stream_with_retry"]("Who?"))
    assert printed.startswith("It is\nStream interrupted: connection reset: ")
    assert printed.endswith(f"Retrying...\n{WORDS}")
    stage.namespace["llm"] = stage.model(resume="replay")
    stage.server.script(cut, WORDS)
    text: list[str] = []
    printed = stage.printed(lambda: text.append(stage["stream_with_retry"]("Who?")))
    assert printed == text[0] == WORDS


def _cascades(stage: Stage) -> None:
    """One line of JSON is TOON to the page's order of parsers; to ours it is JSON."""
    call = stage["safe_stream_parse"]
    found: list[Any] = []
    assert stage.printed(lambda: found.append(call("Who?"))) == f"{DIANA}\n"
    stage.server.script(Reply(WORDS, faults=[Cut(after_frames=3)]))
    printed = stage.printed(lambda: found.append(call("Who?")))
    assert printed.startswith("It is\nStreaming error: connection closed early: ")
    assert found == [FOUND, None]
    either = CascadeOutputParser()
    answers = ('{"name": "Diana"}', DIANA, WORDS)
    parsed = [either.parse(answer) for answer in answers]
    assert [answer.format for answer in parsed] == ["json", "toon", "text"]
    assert [answer.value for answer in parsed] == [{"name": "Diana"}, FOUND, WORDS]


def _encoded_once(stage: Stage) -> None:
    prompts = stage["prompts"]
    assert len(prompts) == 4
    assert prompts[:2] == prompts[2:]  # encoding again changes nothing
    assert all(prompt.startswith("Data:\nemployees[2]{") for prompt in prompts)


def _collected(stage: Stage) -> None:
    assert stage["complete"] == WORDS


def _displayed(stage: Stage) -> None:
    assert "".join(stage["shown"]) == DIANA
    assert stage["result"] == FOUND


def _times_out_anywhere(stage: Stage) -> None:
    """Alarms exist in the main thread of some systems; ours are kept in any thread."""
    result: list[Any] = []
    hung = Reply(WORDS, faults=[Stall(after_frames=2)])
    stage.namespace["stream_response"] = _speaker(stage.model(max_retries=0))
    stage.server.script(hung)

    def catch(call: Any) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - which one is what is looked at
            result.append(error)

    thread = threading.Thread(
        target=catch, args=(lambda: stage["stream_with_timeout"]("Who?"),)
    )
    thread.start()
    thread.join()
    assert isinstance(result.pop(), ValueError)  # signal only works in main thread

    steady = stage.model(total_timeout=1.5, max_retries=0)
    for fault in (Stall(after_frames=2), Drip(after_frames=2)):
        stage.server.script(Reply(WORDS, faults=[fault]))
        call = _speaker(steady)
        thread = threading.Thread(target=catch, args=(lambda c=call: c("Who?"),))
        thread.start()
        thread.join(30)
        error = result.pop()
        assert isinstance(error, TimeoutError)
        assert isinstance(error, TotalTimeoutError)
        assert error.partial is not None
        assert error.partial.text == "It"


def _speaker(model: ChatStreamKit) -> Any:
    return lambda prompt: "".join(chunk.text for chunk in model.stream(prompt))


def _complete(stage: Stage) -> None:
    assert "products[3]{id,name,price}:\n  1,Widget,19.99\n" in _asked(stage)
    failed = io.StringIO()
    with redirect_stderr(failed):
        printed = stage.run(Reply("Wid", faults=[Cut(after_frames=2)]))
    assert printed == "Response: WidQuery failed\n"
    assert failed.getvalue().startswith("\nStreaming error: connection closed early: ")
    with pytest.raises(TypeError):
        stage["stream_query"]()


def _questions(stage: Stage) -> dict[str, Any]:
    prompts: list[str] = []
    return {
        **_names(stage),
        "data": {"employees": STAFF},
        "queries": ["Who?", "Why?"],
        "prompts": prompts,
        "stream_response": prompts.append,
    }


def _screen(stage: Stage) -> dict[str, Any]:
    shown: list[str] = []
    return {
        "stream": stage.model().stream("Who?"),
        "shown": shown,
        "display_to_user": shown.append,
        "parse_complete_response": ToonOutputParser().parse,
    }


ROWS = (
    Row(
        "import pytoon import openai # 1.",
        "filled",
        (IMPORTS, *OPENAI, ENCODE, DECODE, (r"\[\.\.\.\]", "STAFF")),
        says=(DIANA,),
        names=_names,
        prints=f"{DIANA}\n\nParsed result: {FOUND}\n",
        then=_prompted,
    ),
    Row(
        "import pytoon import anthropic",
        "filled",
        (IMPORTS, *ANTHROPIC, ENCODE, DECODE, (r"\{\.\.\.\}", "STAFF")),
        says=(DIANA,),
        names=_names,
        prints=DIANA,
        then=_final_text,
    ),
    Row(
        "# Bad: parsing during stream",
        "bad",
        (DECODE,),
        names=lambda stage: {
            **_names(stage),
            "stream": [TABLE],
            "accumulated_text": "rows[2]{id,price}:\n  1,2.5\n  2,",
            "chunks": [TABLE],
        },
        prints="",
        then=_grows,
    ),
    Row(
        "def stream_and_parse(prompt):",
        "filled",
        (DECODE,),
        says=(DIANA,),
        names=_names,
        prints="",
        then=_parsed,
    ),
    Row(
        "def stream_with_retry(prompt, max_retries=3):",
        "bad",
        says=(WORDS,),
        names=_names,
        prints="",
        then=_resumes,
    ),
    Row(
        "def safe_stream_parse(prompt):",
        "bad",
        (DECODE,),
        says=(DIANA,),
        names=_names,
        prints="",
        then=_cascades,
    ),
    Row(
        "# Good: encode once upfront",
        "filled",
        (ENCODE,),
        names=_questions,
        prints="",
        then=_encoded_once,
    ),
    Row(
        "# Collect all chunks chunks = []",
        "filled",
        says=(WORDS,),
        names=lambda stage: {"stream": stage.model().stream("Who?")},
        prints=WORDS,
        then=_collected,
    ),
    Row(
        "# Show streaming text to user",
        "filled",
        ((r"complete_text", '"".join(shown)'),),
        says=(DIANA,),
        names=_screen,
        prints="",
        then=_displayed,
    ),
    Row(
        "import signal def stream_with_timeout(prompt, timeout=30):",
        "bad",
        names=lambda stage: {},
        prints="",
        then=_times_out_anywhere,
    ),
    Row(
        '#!/usr/bin/env python3 """Complete streaming + TOON example."""',
        "runs",
        (IMPORTS, *OPENAI, ENCODE, DECODE),
        says=("name: Doohickey",),
        names=_names,
        prints=("Response: name: Doohickey\n\nParsed result: {'name': 'Doohickey'}\n"),
        then=_complete,
    ),
)
