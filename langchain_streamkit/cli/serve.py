"""Serve a model as an OpenAI-compatible API, with retries, resuming and dialects.

Any client in any language can talk to it: it asks this proxy, the proxy asks the
server behind it as ChatStreamKit does. Keys come from environment variables, for a
command line can be read by others: the server's from its provider's variable or
STREAMKIT_API_KEY, the clients' from STREAMKIT_SERVE_KEY. Without the latter the proxy
listens on this machine only.

Needs pip install "langchain-streamkit[serve]".
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING, Any

from langchain_streamkit._langchain.extras import missing_extra
from langchain_streamkit.chat_models import ChatStreamKit
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

__all__ = ["KEY_VARIABLE", "add_arguments", "make_app", "run"]

KEY_VARIABLE = "STREAMKIT_SERVE_KEY"
"""The variable that holds the key which clients must send."""

_PARAMETERS = ("provider", "base_url", "max_retries", "resume")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: The sub-command's own parser.
    """
    add = parser.add_argument
    add("model", help="the model's name at the server behind")
    add("--base-url", metavar="URL", help="that server's address, with /v1")
    add("--provider", metavar="NAME", help="or its name in the table of servers")
    add("--name", help="the name that clients ask for (default: the model's)")
    add("--max-retries", type=int, default=2, metavar="N", help="default: 2")
    add(
        "--resume",
        choices=("off", "auto", "prefill", "replay"),
        default="off",
        help="what follows a cut in the middle of an answer (default: off, an error)",
    )
    add("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    add("--port", type=int, default=8000, help="default: 8000")


def run(options: argparse.Namespace) -> int:
    """Serve until it is stopped.

    Args:
        options: The parsed arguments.

    Returns:
        0.

    Raises:
        ConfigurationError: If the model cannot be made, a library is missing, or
            strangers could ask without a key.
    """
    key = os.environ.get(KEY_VARIABLE)
    if not key and not _is_this_machine(options.host):
        raise ConfigurationError(
            f"{options.host} can be reached by others, who would ask at your cost. "
            f"Set {KEY_VARIABLE} to the key that clients must send."
        )
    try:
        import uvicorn  # noqa: PLC0415 - an extra's library
    except ImportError as error:
        raise _missing(error) from error
    app = make_app(options, key)
    name = options.name or options.model
    print(f"{name} at http://{options.host}:{options.port}/v1", file=sys.stderr)
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")
    return 0


def make_app(options: argparse.Namespace, key: str | None) -> Any:
    """The application that is served.

    Args:
        options: The parsed arguments.
        key: The key that clients must send, or None.

    Returns:
        A FastAPI application.

    Raises:
        ConfigurationError: If the model cannot be made, or a library is missing.
    """
    try:
        from fastapi import FastAPI  # noqa: PLC0415 - an extra's library

        from langchain_streamkit.adapters.web import openai_router  # noqa: PLC0415
    except ImportError as error:
        raise _missing(error) from error
    parameters = {name: getattr(options, name) for name in _PARAMETERS}
    given = {name: value for name, value in parameters.items() if value is not None}
    model = ChatStreamKit(model=options.model, **given)
    app = FastAPI(title="streamkit serve", openapi_url=None)
    served = {options.name or options.model: model}
    app.include_router(openai_router(served, api_key=key))
    return app


def _missing(error: ImportError) -> ConfigurationError:
    return ConfigurationError(str(missing_extra(error, "serve")))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
