"""The first model of a process, which imports what all models run on.

Each program has an interpreter of its own, in which nothing of that is imported.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.testing import FakeServer

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[3]
START = """
import os, pickle, sys, threading
from langchain_streamkit import ChatStreamKit

url = sys.argv[1]

def answer(model):
    return "".join(chunk.text for chunk in model.stream("Hi"))

def ours():
    return {name for name in sys.modules if name.startswith("langchain_streamkit")}

assert "langchain_streamkit._machinery" not in sys.modules
"""


def run(program: str, *arguments: str) -> str:
    """What a program prints, which says nothing on its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_no_call_waits_for_an_import_of_the_package() -> None:
    program = """
    model = ChatStreamKit(model="fake", base_url=url)
    before = ours()
    assert answer(model) == "Hello!" and model.invoke("Hi").text == "Hello!"
    print(*sorted(ours() - before))
    """
    with FakeServer(["Hello!"] * 2) as server:
        assert run(program, server.url) == ""


def test_many_threads_make_the_first_model_at_once() -> None:
    program = """
    together = threading.Barrier(16)
    answers = []

    def make():
        together.wait()
        answers.append(answer(ChatStreamKit(model="fake", base_url=url, timeout=30)))

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(answers), *set(answers))
    """
    with FakeServer(["Hello!"] * 16) as server:
        assert run(program, server.url) == "16 Hello!"


@pytest.mark.parametrize("made", ["before the fork", "after the fork"])
def test_a_forked_child_asks_first(made: str) -> None:
    program = """
    make = lambda: ChatStreamKit(model="fake", base_url=url)
    model = make() if sys.argv[2] == "before the fork" else None
    child = os.fork()
    text = answer(model or make())
    if not child:
        os._exit(text != "Hello!")
    print(text, os.waitpid(child, 0)[1])
    """
    with FakeServer(["Hello!"] * 2) as server:
        assert run(program, server.url, made) == "Hello! 0"


def test_a_pickled_model_answers_where_none_was_made() -> None:
    program = """
    print(answer(pickle.loads(bytes.fromhex(sys.argv[2]))))
    """
    with FakeServer(["Hello!"]) as server:
        model = ChatStreamKit(model="fake", base_url=server.url)
        assert run(program, server.url, pickle.dumps(model).hex()) == "Hello!"
