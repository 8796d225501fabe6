"""The two shells: all that is different between sync and async.

Strategy: send, read, wait. Every decision is the exchange's. Events leave in the
batches that one read completes; nothing is read ahead of the reader.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from langchain_streamkit._http.closing import AsyncReading, InnerGenerator, sent
from langchain_streamkit._http.exchange import MAX_ERROR_BYTES, Exchange
from langchain_streamkit._http.open_responses import reading
from langchain_streamkit._http.secrecy import PrivateURL
from langchain_streamkit._http.socket_clock import (
    SocketClock,
    awaiting_head,
    watch_connections,
)
from langchain_streamkit._http.watchdog import Watchdog
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

    from langchain_streamkit._http.call import Outgoing
    from langchain_streamkit._http.clients import Clients
    from langchain_streamkit._http.endpoint import KeySource
    from langchain_streamkit.events import StreamEvent

__all__ = ["aread_events", "read_events"]

_DRAIN_SECONDS = 0.1
_DRAIN_READS = 4
_REFUSAL_SECONDS = 5.0


def read_events(
    exchange: Exchange, clients: Clients
) -> Generator[list[StreamEvent], None, None]:
    """Make a call, and give its events as they come.

    Args:
        exchange: The call.
        clients: Where connections come from.

    Yields:
        The events of one read, never an empty list.

    Raises:
        StreamKitError: If the call fails for good.
    """
    exchange.status.tell()
    while not exchange.status.is_closed():
        key = _key(exchange.call.endpoint.key)
        try:
            client = clients.get(fresh=exchange.wants_fresh_connection)
            response = _send(exchange, client, key)
            with reading(response, clients) as reads, SocketClock(exchange, response):
                if exchange.head(response.status_code, response.headers):
                    yield from _answer(exchange, reads)
                    _drain(exchange, reads)
                else:
                    exchange.fail(exchange.refuse(_read_some(exchange, reads)))
        except Exception as error:  # noqa: BLE001 - recover raises what it cannot mend
            exchange.fail(error)
        finally:
            exchange.leave()
        if not exchange.has_failed or exchange.status.is_closed():
            return
        delay = exchange.recover()
        exchange.status.tell()
        exchange.status.wait(delay, exchange.runtime.sleep)


def aread_events(
    exchange: Exchange, clients: Clients
) -> AsyncGenerator[list[StreamEvent], None]:
    """The async twin of ``read_events``; who reads it must close it."""
    return InnerGenerator(_aread_events(exchange, clients))


async def _aread_events(
    exchange: Exchange, clients: Clients
) -> AsyncGenerator[list[StreamEvent], None]:
    await exchange.status.atell()
    while True:
        key = await _akey(exchange.call.endpoint.key)
        try:
            client = await clients.aget(fresh=exchange.wants_fresh_connection)
            with Watchdog(exchange) as watchdog:
                response = await watchdog.guard(sent(_asend(exchange, client, key)))
                async with AsyncReading(response) as reads:
                    if exchange.head(response.status_code, response.headers):
                        while not exchange.is_over:
                            data = await watchdog.guard(anext(reads, None))
                            if data is None:
                                break
                            for events in exchange.feed(data):
                                if exchange.status.news:
                                    await exchange.status.atell()
                                yield events
                        for events in exchange.close():
                            await exchange.status.atell()
                            yield events
                        await _adrain(reads)
                    else:
                        said = exchange.refuse(await _aread_some(exchange, reads))
                        exchange.fail(said)
        except Exception as error:  # noqa: BLE001 - recover raises what it cannot mend
            exchange.fail(error)
        finally:
            exchange.leave()
        if not exchange.has_failed:
            return
        data = None  # a traceback that shows locals must not show what a server quotes
        delay = exchange.recover()
        await exchange.status.atell()
        await exchange.runtime.asleep(delay)


def _answer(
    exchange: Exchange, reads: Iterator[bytes]
) -> Generator[list[StreamEvent], None, None]:
    for data in reads:
        for events in exchange.feed(data):
            if exchange.status.news:
                exchange.status.tell()
            yield events
        if exchange.is_over:
            break
    for events in exchange.close():
        exchange.status.tell()
        yield events


def _send(
    exchange: Exchange, client: httpx.Client, key: SecretStr | None
) -> httpx.Response:
    out = exchange.begin(key)
    request = _build(exchange, client, out, out.timeout)
    request.extensions["trace"] = watch_connections
    with awaiting_head(exchange):
        return client.send(request, stream=True, follow_redirects=False)


async def _asend(
    exchange: Exchange, client: httpx.AsyncClient, key: SecretStr | None
) -> httpx.Response:
    out = exchange.begin(key)
    request = _build(exchange, client, out, exchange.call.timeout)  # see Watchdog
    return await client.send(request, stream=True, follow_redirects=False)


def _build(
    exchange: Exchange,
    client: httpx.Client | httpx.AsyncClient,
    out: Outgoing,
    timeout: httpx.Timeout,
) -> httpx.Request:
    request = client.build_request(
        "POST", out.url, headers=out.headers, content=out.content, timeout=timeout
    )
    if request.url.query:
        request.url = PrivateURL(request.url)
    exchange.record(request)
    return request


def _drain(exchange: Exchange, reads: Iterator[bytes]) -> None:
    """Read what ends the response, so that its connection can serve again.

    Nearly always it came with the last frame; a server that keeps the response open
    after ``[DONE]`` is given a moment.
    """
    exchange.clocks.end_in(_DRAIN_SECONDS, exchange.now())
    with suppress(httpx.HTTPError):
        for _ in islice(reads, _DRAIN_READS):
            pass


async def _adrain(reads: AsyncIterator[bytes]) -> None:
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            for _ in range(_DRAIN_READS):
                if await anext(reads, None) is None:
                    return


def _read_some(exchange: Exchange, reads: Iterator[bytes]) -> bytes:
    """The body of a refusal, or what of it comes in time."""
    exchange.clocks.end_in(_REFUSAL_SECONDS, exchange.now())
    body = b""
    with suppress(httpx.HTTPError):
        for data in reads:
            body += data
            is_late = exchange.now() >= exchange.clocks.deadline
            if is_late or len(body) >= MAX_ERROR_BYTES:
                break
    return body


async def _aread_some(exchange: Exchange, reads: AsyncIterator[bytes]) -> bytes:
    exchange.clocks.end_in(_REFUSAL_SECONDS, exchange.now())
    body = b""
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(exchange.read_seconds()):
            async for data in reads:
                body += data
                if len(body) >= MAX_ERROR_BYTES:
                    break
    return body


def _key(source: KeySource | None) -> SecretStr | None:
    if source is None or isinstance(source, SecretStr):
        return source
    value: object = source()
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        message = (
            "api_key is an async callable, which only the async methods (ainvoke, "
            "astream) can await. Give a plain callable for the sync ones."
        )
        raise ConfigurationError(message)
    value = _as_secret(value)
    return _checked(value)


async def _akey(source: KeySource | None) -> SecretStr | None:
    if source is None or isinstance(source, SecretStr):
        return source
    if inspect.iscoroutinefunction(source):
        return _checked(_as_secret(await source()))
    value: object = await asyncio.to_thread(source)  # it may ask a server for a token
    if inspect.isawaitable(value):
        value = await value
    value = _as_secret(value)
    return _checked(value)


def _as_secret(value: object) -> SecretStr | type[object]:
    """A key, hidden from tracebacks that show locals; or what it is instead."""
    if isinstance(value, SecretStr):
        return value
    return SecretStr(value) if isinstance(value, str) else type(value)


def _checked(key: SecretStr | type[object]) -> SecretStr:
    if isinstance(key, SecretStr):
        return key
    message = f"api_key's callable gave a {key.__name__}, not a string."
    raise ConfigurationError(message)
