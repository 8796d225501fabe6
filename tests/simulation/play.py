"""Plays one seed: makes the model, reads its answers, and looks at what is left."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any

from langchain_streamkit import ChatStreamKit
from langchain_streamkit._http.open_responses import bury_abandoned
from langchain_streamkit.errors import StreamKitError

from .loop import HungError, VirtualLoop
from .script import Script
from .world import HORIZON, Interrupt, World, inhabited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage

__all__ = ["play"]

PROMPT = "Say it."
_SETTLING_TURNS = 30
_PATIENCE_SECONDS = 0.1


def play(seed: int) -> World:
    """Play a seed.

    Args:
        seed: Its number.

    Returns:
        The log of it.
    """
    world = World(Script(seed))
    with inhabited(world, asyncio.sleep):
        model = ChatStreamKit(
            model="m", base_url="http://server.test/v1", **world.script.model
        )
        try:
            if world.script.reader.way in {"astream", "ainvoke"}:
                _play_async(world, model)
            else:
                _play_sync(world, model)
        except HungError as error:
            world.note("hung", error)
            world.seen.error = error
    return world


# ── asynchronous ────────────────────────────────────────────────────────────────────


def _play_async(world: World, model: ChatStreamKit) -> None:
    loop = VirtualLoop(world.clock, HORIZON)
    try:
        loop.run_until_complete(_acalls(world, model, loop))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        with suppress(HungError):
            for task in asyncio.all_tasks(loop):
                task.cancel()
                loop.run_until_complete(asyncio.wait([task]))
        loop.close()


async def _acalls(world: World, model: ChatStreamKit, loop: VirtualLoop) -> None:
    for _ in range(world.script.calls):
        seen = world.begin_call()
        task = loop.create_task(_aread(world, model))
        _plan_cancellations(world, task, loop)
        await asyncio.wait([task])
        loop.at_turn.clear()
        seen.error = seen.error or _result(task)
        del task  # its traceback holds the stream that the reader has dropped
        await _settle()
        _look_around(world, model)
        me = asyncio.current_task()
        seen.tasks = [repr(one) for one in asyncio.all_tasks() if one is not me]
    await model.aclose()
    await _settle()


def _plan_cancellations(
    world: World, task: asyncio.Task[None], loop: VirtualLoop
) -> None:
    reader = world.script.reader
    if reader.leaves != "cancel":
        return

    def cancel() -> None:
        world.note("cancelled")
        world.seen.has_left = True
        task.cancel()

    first = loop.turns + 1 + reader.after
    loop.at_turn[first] = cancel
    if reader.again is not None:
        loop.at_turn[first + 1 + reader.again] = cancel


def _result(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


async def _aread(world: World, model: ChatStreamKit) -> None:
    reader, seen = world.script.reader, world.seen
    try:
        if reader.leaves == "timeout":
            seconds = reader.after * _PATIENCE_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    await _aread_all(world, model)
            except TimeoutError as error:
                if isinstance(error, StreamKitError):
                    raise
                seen.has_left = True
        else:
            await _aread_all(world, model)
    except StreamKitError as error:
        seen.error = error
    finally:
        seen.ended = world.clock.now
        world.note("reader ends", seen.error)


async def _aread_all(world: World, model: ChatStreamKit) -> None:
    reader = world.script.reader
    if reader.way == "ainvoke":
        _see(world, await model.ainvoke(PROMPT))
        return
    stream = model.astream(PROMPT)
    pauses = cycle(reader.pauses)
    left = reader.after % 10
    async for chunk in stream:
        _see(world, chunk)
        if reader.leaves in {"close", "drop"} and left == 0:
            world.seen.has_left = True
            break
        left -= 1
        began = world.clock.now
        try:
            await asyncio.sleep(next(pauses))
        finally:
            world.seen.held += world.clock.now - began
    if reader.leaves == "close":
        await stream.aclose()


async def _settle() -> None:
    for _ in range(_SETTLING_TURNS):
        await asyncio.sleep(0)


# ── synchronous ─────────────────────────────────────────────────────────────────────


def _play_sync(world: World, model: ChatStreamKit) -> None:
    for _ in range(world.script.calls):
        seen = world.begin_call()
        if world.script.reader.leaves == "cancel":
            world.interrupt_at = world.script.reader.after % 20
        try:
            _read(world, model)
        except Interrupt:
            seen.has_left = True
        except Exception as error:  # noqa: BLE001 - the checks say which may come
            seen.error = error
        seen.ended = world.clock.now
        world.note("reader ends", seen.error)
        world.interrupt_at = None
        bury_abandoned()
        _look_around(world, model)
    model.close()


def _read(world: World, model: ChatStreamKit) -> None:
    reader = world.script.reader
    if reader.way == "invoke":
        _see(world, model.invoke(PROMPT))
        return
    stream = model.stream(PROMPT)
    pauses = cycle(reader.pauses)
    left = reader.after % 10
    for chunk in stream:
        _see(world, chunk)
        if reader.leaves in {"close", "drop"} and left == 0:
            world.seen.has_left = True
            break
        left -= 1
        pause = next(pauses)
        world.clock.wait(pause)
        world.seen.held += pause
    if reader.leaves == "close":
        stream.close()


# ── both ────────────────────────────────────────────────────────────────────────────


def _see(world: World, message: AIMessage) -> None:
    seen = world.seen
    seen.text += message.text
    seen.reasoning += message.additional_kwargs.get("reasoning_content", "")
    if message.usage_metadata:
        seen.usage.append(dict(message.usage_metadata))
    if reason := message.response_metadata.get("finish_reason"):
        seen.finish_reasons.append(reason)
    world.note("seen", message.text)


def _look_around(world: World, model: ChatStreamKit) -> None:
    """What the call that has just ended has left behind."""
    seen = world.seen
    for served in world.served:
        world.end(served)
    seen.open_peers = sum(
        peer.is_open and not peer.is_between_requests for peer in world.peers
    )
    seen.pooled = sum(map(len, _requests(model)))


def _requests(model: ChatStreamKit) -> Iterator[Any]:
    """What the pools of both kinds know of requests under way."""
    clients = model._connect().clients
    for client in clients._own.values():
        yield client._transport._pool._requests
    for held in clients._by_loop.values():
        yield held.client._transport._busy
