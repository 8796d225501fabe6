"""The two shells: all that is different between sync and async.

Strategy: send, read, wait. Every decision is the exchange's. Events leave in the
batches that one read completes; nothing is read ahead of the reader.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import aclosing, suppress
from itertools import islice
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from langchain_streamkit._http.exchange import MAX_ERROR_BYTES, Exchange
from langchain_streamkit._http.open_responses import reading
from langchain_streamkit._http.socket_clock import SocketClock
from langchain_streamkit._http.watchdog import Watchdog
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

    from langchain_streamkit._http.clients import Clients
    from langchain_streamkit._http.endpoint import KeySource
    from langchain_streamkit.events import StreamEvent

__all__ = ["aread_events", "read_events"]

_DRAIN_SECONDS = 0.1
_DRAIN_READS = 4


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
    while True:
        fault: Exception | None = None
        try:
            key = _key(exchange.call.endpoint.key)
            response = _send(exchange, clients.get(), key)
            with reading(response) as reads:
                if not exchange.head(response.status_code, response.headers):
                    raise exchange.refuse(_read_some(reads))
                with SocketClock(exchange, response):
                    for data in reads:
                        events = exchange.feed(data)
                        if events:
                            exchange.clocks.hold(exchange.now())
                            yield events
                            exchange.clocks.release(exchange.now())
                        if exchange.is_over:
                            break
                        exchange.check_clocks()
                    yield exchange.close()
                    _drain(exchange, reads)
        except Exception as error:  # noqa: BLE001 - recover raises what it cannot mend
            fault = error
        if fault is None:
            return
        exchange.runtime.sleep(exchange.recover(fault))


async def aread_events(
    exchange: Exchange, clients: Clients
) -> AsyncGenerator[list[StreamEvent], None]:
    """The async twin of ``read_events``."""
    while True:
        fault: Exception | None = None
        try:
            key = await _akey(exchange.call.endpoint.key)
            client = await clients.aget()
            with Watchdog(exchange) as watchdog:
                sent = await watchdog.guard(_asend(exchange, client, key))
                async with aclosing(sent) as response:
                    if not exchange.head(response.status_code, response.headers):
                        raise exchange.refuse(await _aread_some(response))
                    reads = response.aiter_bytes()
                    while (
                        data := await watchdog.guard(anext(reads, None))
                    ) is not None:
                        events = exchange.feed(data)
                        if events:
                            exchange.clocks.hold(exchange.now())
                            yield events
                            exchange.clocks.release(exchange.now())
                        if exchange.is_over:
                            break
                        exchange.check_clocks()
                    yield exchange.close()
                    await _adrain(reads)
        except Exception as error:  # noqa: BLE001 - recover raises what it cannot mend
            fault = error
        if fault is None:
            return
        await exchange.runtime.asleep(exchange.recover(fault))


def _send(
    exchange: Exchange, client: httpx.Client, key: SecretStr | None
) -> httpx.Response:
    out = exchange.begin(key)
    request = client.build_request(
        "POST",
        out.url,
        headers=out.headers,
        content=out.content,
        timeout=out.timeout,
    )
    return client.send(request, stream=True, follow_redirects=False)


async def _asend(
    exchange: Exchange, client: httpx.AsyncClient, key: SecretStr | None
) -> httpx.Response:
    out = exchange.begin(key)
    request = client.build_request(
        "POST",
        out.url,
        headers=out.headers,
        content=out.content,
        timeout=out.timeout,
    )
    return await client.send(request, stream=True, follow_redirects=False)


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


def _read_some(reads: Iterator[bytes]) -> bytes:
    body = b""
    for data in reads:
        body += data
        if len(body) >= MAX_ERROR_BYTES:
            break
    return body[:MAX_ERROR_BYTES]


async def _aread_some(response: httpx.Response) -> bytes:
    body = b""
    async for data in response.aiter_bytes():
        body += data
        if len(body) >= MAX_ERROR_BYTES:
            break
    return body[:MAX_ERROR_BYTES]


def _key(source: KeySource | None) -> SecretStr | None:
    if source is None or isinstance(source, SecretStr):
        return source
    value = source()
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        message = (
            "api_key is an async callable, which only the async methods (ainvoke, "
            "astream) can await. Give a plain callable for the sync ones."
        )
        raise ConfigurationError(message)
    return _as_secret(value)


async def _akey(source: KeySource | None) -> SecretStr | None:
    if source is None or isinstance(source, SecretStr):
        return source
    if inspect.iscoroutinefunction(source):
        return _as_secret(await source())
    value = await asyncio.to_thread(source)  # it may well ask a server for a token
    return _as_secret(await value if inspect.isawaitable(value) else value)


def _as_secret(value: object) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if isinstance(value, str):
        return SecretStr(value)
    message = f"api_key's callable gave a {type(value).__name__}, not a string."
    raise ConfigurationError(message)
