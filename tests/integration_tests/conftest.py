"""The foreign servers as fixtures: started once a run, stopped with it.

Where a server cannot run, its tests are skipped and say why. With ``CI=true`` or
``STREAMKIT_REQUIRE_SERVERS=1`` they fail instead, unless what is missing is a tool
that we do not install: Node, a C++ compiler.
"""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.integration_tests.servers import aimock as _aimock
from tests.integration_tests.servers import llama as _llama
from tests.integration_tests.servers._process import (
    MissingToolError,
    Server,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aimock() -> Iterator[Server]:
    """The scripted server with the answers of ``servers/aimock_fixtures.json``."""
    yield from _running(_aimock.serve())


@pytest.fixture(scope="session")
def llama() -> Iterator[Server]:
    """The genuine llama-server with the model of ``servers/tiny_model.py``."""
    yield from _running(_llama.serve())


@pytest.fixture(scope="module")
def foreign_loops() -> Iterator[None]:
    """Close the event loops that Gradio and Jupyter's client leave open."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for found in gc.get_objects():
            if isinstance(found, asyncio.BaseEventLoop) and not found.is_running():
                found.close()
        gc.collect()


def _running(start: AbstractContextManager[Server]) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(start)
        except UnavailableError as error:
            problem = error
        else:
            yield server
            return
    if isinstance(problem, MissingToolError) or not _servers_are_required():
        pytest.skip(str(problem))
    pytest.fail(str(problem), pytrace=False)


def _servers_are_required() -> bool:
    required = os.environ.get("STREAMKIT_REQUIRE_SERVERS") == "1"
    return required or os.environ.get("CI") == "true"
