"""Why a server cannot be probed, in one line.

Strategy: the usual errors say what happened; what is added here is what to do about
it on the command line: which variable holds the key, and what is wrong with the URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_streamkit._wire.failures import to_error
from langchain_streamkit.cli.probe_findings import quote
from langchain_streamkit.cli.probe_reading import read
from langchain_streamkit.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ProtocolError,
    StreamKitError,
)

if TYPE_CHECKING:
    from langchain_streamkit._http.raw import RawAnswer, RawClient
    from langchain_streamkit.cli.probe_reading import Reading

__all__ = ["no_answer", "no_models"]

_ADDRESS = "Is this the address of its API? Most addresses end in /v1."


def no_models(
    answer: RawAnswer, client: RawClient, key_variable: str
) -> StreamKitError:
    """The error where no model is named and none is listed.

    Args:
        answer: What came for the list of models.
        client: Who asked.
        key_variable: The variable whose key was sent, or would have been.

    Returns:
        The error, not raised.
    """
    reading = read(answer, client.hide)
    if answer.failure is not None or answer.status in {401, 403} or _is_html(answer):
        return no_answer(reading, client.where, key_variable)
    return ConfigurationError(
        f"{client.where} lists no models (it answered {answer.status}): name one with "
        f"--model. {_ADDRESS}"
    )


def no_answer(reading: Reading, where: str, key_variable: str) -> StreamKitError:
    """The error where chat completions are not answered.

    Args:
        reading: What came.
        where: The server.
        key_variable: The variable whose key was sent, or would have been.

    Returns:
        The error, not raised.
    """
    answer, failure = reading.answer, reading.failure
    if answer.failure is not None:
        return answer.failure
    if _is_html(answer):
        return ProtocolError(
            f"{where} answered {answer.status} with a page of HTML. {_ADDRESS}"
        )
    if failure is None:
        text = (
            quote(answer.body.decode("utf-8", "replace")) if answer.body else "nothing"
        )
        return ProtocolError(
            f"{where} answered {answer.status} with {text}. {_ADDRESS}"
        )
    if 300 <= answer.status < 400:
        return ConnectionFailedError(
            f"{where} answered {answer.status}: {failure.message}. A key is not sent "
            "to another address: give that one."
        )
    if answer.status == 401:
        return AuthenticationError(
            f"{where} answered 401: {failure.message.rstrip('.')}. The key comes from "
            f"the environment variable {key_variable}; --api-key-variable names "
            "another one."
        )
    error = to_error(failure, where=where, status_code=answer.status)
    blames_model = "model" in f"{failure.code} {failure.message}"
    is_nowhere = answer.status in {404, 405} and not blames_model
    hint = f" {_ADDRESS}" if is_nowhere else ""
    return type(error)(f"{error.message}{hint}", status_code=error.status_code)


def _is_html(answer: RawAnswer) -> bool:
    start = answer.body[:200].lstrip().lower()
    return re.match(rb"<!doctype html|<html|<head|<body", start) is not None
