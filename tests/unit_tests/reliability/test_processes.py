"""Interpreters that end, are interrupted or fork in the middle of a stream.

Each runs as a program of its own, where every warning is an error and asyncio is in
debug mode, so that whatever is left open says so on its standard error.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from langchain_streamkit.testing import FakeServer, Reply, Stall

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[3]
STRICT = ("-X", "dev", "-W", "error")
STALLING = Reply("One two three", faults=[Stall(after_frames=3)])
SECONDS = 30
START = """
import asyncio, gc, logging, os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
logging.getLogger("asyncio").setLevel(logging.ERROR)  # not that the machine is slow
# What other packages warn of while they are imported is not asked here.
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from langchain_streamkit import ChatStreamKit
    from langchain_streamkit import errors
model = ChatStreamKit(model="fake", base_url=sys.argv[1])
"""

SCENES = {
    "streams are left, and one is open at the end": """
        def first():
            for chunk in model.stream("Hi"):
                return chunk.text
        print(first(), flush=True)

        stream = model.stream("Hi")
        next(stream)
        knot = [stream]
        knot.append(knot)
        del stream, knot
        gc.collect()

        stream = model.stream("Hi")
        next(stream)
        """,
    "the program exits while it reads": """
        for chunk in model.stream("Hi"):
            print(chunk.text, flush=True)
            raise SystemExit(0)
        """,
    "a daemon thread reads": """
        def read():
            for chunk in model.stream("Hi"):
                print(chunk.text, flush=True)
                seen.set()
        seen = threading.Event()
        threading.Thread(target=read, daemon=True).start()
        seen.wait()
        """,
    "coroutines leave streams, and one exits": """
        async def leave():
            async for chunk in model.astream("Hi"):
                print(chunk.text, flush=True)
                break
        for _ in range(3):
            asyncio.run(leave())

        async def keep():
            stream = model.astream("Hi")
            await anext(stream)
            kept.append(stream)
        kept = []
        asyncio.run(keep())

        async def read():
            async for chunk in model.astream("Hi"):
                pass
        async def leave_tasks():
            tasks = [asyncio.create_task(read()) for _ in range(3)]
            await asyncio.sleep(0.1)
        asyncio.run(leave_tasks())

        async def time_out():
            async with asyncio.timeout(0.1):
                await read()
        try:
            asyncio.run(time_out())
        except TimeoutError:
            pass

        async def leave_events():
            from langchain_core.output_parsers import StrOutputParser
            chain = model | StrOutputParser()
            async for event in chain.astream_events("Hi", version="v2"):
                if event["event"] == "on_chat_model_stream":
                    break
        asyncio.run(leave_events())

        async def exit():
            async for chunk in model.astream("Hi"):
                sys.exit(0)
        asyncio.run(exit())
        """,
}

INTERRUPTED = {
    "sync": """
        for chunk in model.stream("Hi"):
            print(chunk.text, flush=True)
        """,
    "async": """
        async def main():
            async for chunk in model.astream("Hi"):
                print(chunk.text, flush=True)
        asyncio.run(main())
        """,
}

FORKING = """
    def texts():
        return "".join(chunk.text for chunk in model.stream("Hi"))

    async def atexts():
        return "".join([chunk.text async for chunk in model.astream("Hi")])

    def all_texts():
        return [texts(), asyncio.run(atexts())]

    before = all_texts()
    opened = model.stream("Hi")
    left = model.stream("Hi")
    begun = [next(opened).text, next(left).text]
    left.close()  # its pool is not told yet
    lock = model._connect().clients.get()._transport._pool._optional_thread_lock
    held, forked = threading.Event(), threading.Event()
    def hold():
        with lock:
            held.set()
            forked.wait()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, of threads in a process that forks
        child = os.fork()
    forked.set()
    if child == 0:
        inherited = [opened.close(), gc.collect()]
        del opened, left
        gc.collect()
        sys.exit(0 if all_texts() == before else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    rest = "".join(chunk.text for chunk in opened)
    print(before, begun, status, rest, all_texts() == before, flush=True)
    model.close()
    """


def start(scene: str, server: FakeServer) -> subprocess.Popen[str]:
    """Run a scene as a program."""
    return subprocess.Popen(
        [sys.executable, *STRICT, "-c", START + textwrap.dedent(scene), server.url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LANGSMITH_TRACING": "false"},
    )


def test_the_end_of_the_interpreter_is_quiet() -> None:
    """All at once: what takes the time is their imports."""
    with FakeServer([STALLING], repeat_last=True) as server:
        running = {name: start(scene, server) for name, scene in SCENES.items()}
        ends = {name: end.communicate(timeout=SECONDS) for name, end in running.items()}
        codes = {name: end.returncode for name, end in running.items()}
        assert server.wait_connections(0)
    for name, (output, errors) in ends.items():
        assert (name, errors) == (name, "")
        assert (name, codes[name]) == (name, 0)
        assert "One" in output


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("scene", INTERRUPTED.values(), ids=INTERRUPTED.keys())
def test_an_interrupt_says_nothing_but_that(scene: str) -> None:
    with FakeServer([STALLING], repeat_last=True) as server:
        program = start(scene, server)
        assert program.stdout is not None
        assert program.stdout.readline() == "One\n"
        assert program.stdout.readline() == " two\n"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=SECONDS)
        assert server.wait_connections(0)
        request = server.requests[0]
    assert program.returncode == -signal.SIGINT
    assert errors.strip().endswith("KeyboardInterrupt")
    assert "Warning" not in errors
    assert "ignored" not in errors
    assert request.disconnected_at is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_connections_of_its_own() -> None:
    with FakeServer(["One two"], repeat_last=True) as server:
        output, errors = start(FORKING, server).communicate(timeout=SECONDS)
        assert server.wait_connections(0)
    both = ["One two", "One two"]
    assert errors == ""
    assert output == f"{both} {['One', 'One']} 0  two True\n"
