"""Ask a server some forty small questions, and print what it can do.

The questions are short, two are under way at a time, and each is one request of a few
hundred tokens at the most. The table ends with the ChatStreamKit(...) to use.

Every answer is "yes", "no", "refused" (with the server's words) or "unclear" (with
the reason): a parameter that is taken without any visible effect proves nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
from typing import TYPE_CHECKING

from pydantic import SecretStr

from langchain_streamkit._http.connection import Connection, ConnectionSettings
from langchain_streamkit._http.raw import RawClient, RawRequest
from langchain_streamkit._wire.failures import clean_text
from langchain_streamkit.cli.probe_asks import (
    BOUNDS,
    FIRST,
    LATER,
    MAX_TOKENS,
    cut,
    fitted,
    render,
)
from langchain_streamkit.cli.probe_failures import no_answer, no_models
from langchain_streamkit.cli.probe_findings import Finding, no, quote, unclear, yes
from langchain_streamkit.cli.probe_judges import Seen
from langchain_streamkit.cli.probe_questions import QUESTIONS, judge
from langchain_streamkit.cli.probe_reading import Reading, obstacle, read, read_models
from langchain_streamkit.cli.probe_report import (
    Report,
    measure,
    render_json,
    render_table,
)
from langchain_streamkit.cli.probe_suggestion import Suggestion, suggest
from langchain_streamkit.errors import ConfigurationError, ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_streamkit.cli.probe_asks import Fields, Halves

__all__ = ["add_arguments", "run"]

_SECONDS = 60.0
_ALL_QUESTIONS = 10
_WORDS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: The sub-command's own parser.
    """
    add = parser.add_argument
    add("url", metavar="URL", help="the address, before /chat/completions")
    add("--model", metavar="M", help="the model; else the first that the server lists")
    add(
        "--api-key-variable",
        metavar="NAME",
        help="the environment variable with the key; else the one of the host's row",
    )
    add(
        "--timeout",
        metavar="S",
        type=_seconds,
        default=_SECONDS,
        help="seconds for each answer (60); all of them get ten times as long",
    )
    add("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Ask, judge, print.

    Args:
        options: The parsed arguments.

    Returns:
        0: what can be found out has been printed.

    Raises:
        StreamKitError: If the server does not answer.
    """
    key = _key(options.api_key_variable)
    connection = Connection(ConnectionSettings(base_url=options.url, api_key=key))
    client = RawClient(
        connection,
        seconds=options.timeout,
        total_seconds=options.timeout * _ALL_QUESTIONS,
    )
    with client:
        probe = _Probe(connection, client, options.api_key_variable)
        report = probe.report(options.model)
    text = render_json(report) if options.json else render_table(report)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError("seconds are more than 0")
    return seconds


def _key(variable: str | None) -> SecretStr | None:
    if variable is None:
        return None
    value = os.environ.get(variable)
    if not value:
        raise ConfigurationError(
            f"The environment variable {variable} is not set. Put the key into it, or "
            "leave --api-key-variable out if the server needs none."
        )
    return SecretStr(value)


class _Probe:
    """The way from a server to a report."""

    def __init__(
        self, connection: Connection, client: RawClient, key_variable: str | None
    ) -> None:
        self._connection = connection
        self._client = client
        own = connection.key_variable
        self._key_variable = key_variable or own
        self._needs_key_variable = key_variable not in {None, own}
        self._readings: dict[str, Reading] = {}
        self._bound: str | None = None
        self._answers = 0

    def report(self, model: str | None) -> Report:
        models, owners = self._list_models(is_needed=model is None)
        model = model or models[0]
        self._ask(FIRST, model)
        if all(obstacle(r, takes_part=True) for r in self._readings.values()):
            raise no_answer(
                self._readings["whole"], self._client.where, self._key_variable
            )
        self._ask(BOUNDS, model)
        works = (name for name, found in self._judged(BOUNDS) if found.answer == "yes")
        self._bound = next(works, None)
        text = self._readings["whole"].text or self._readings["stream"].text
        halves = cut(text)
        self._ask({**LATER, **fitted(halves)}, model)
        findings = dict(self._judged(halves=halves))
        tags = (reading.tags for reading in self._readings.values())
        suggestion = suggest(
            model=model,
            url=self._connection.base_url,
            owners=owners,
            findings=findings,
            reasoning_tags=next(filter(None, tags), None),
            key_variable=self._key_variable if self._needs_key_variable else None,
        )
        return Report(
            url=self._connection.base_url,
            model=model,
            models=models,
            findings=findings,
            timing=measure(self._readings),
            suggestion=suggestion,
            works=self._try(suggestion),
            hide=self._client.hide,
        )

    def _list_models(self, *, is_needed: bool) -> tuple[list[str], list[str]]:
        """The models that the server lists, and who owns them."""
        [answer] = self._client.ask([RawRequest()])
        if isinstance(answer.failure, ConnectionFailedError) and not answer.status:
            raise answer.failure
        models = read_models(answer, self._client.hide)
        if not models and is_needed:
            raise no_models(answer, self._client, self._key_variable)
        return [name for name, _ in models], [owner for _, owner in models]

    def _ask(self, asks: Mapping[str, Fields], model: str) -> None:
        requests = [
            RawRequest(render(fields, model, self._bound)) for fields in asks.values()
        ]
        answers = self._client.ask(requests, self._count)
        for name, answer in zip(asks, answers, strict=True):
            self._readings[name] = read(answer, self._client.hide)

    def _judged(
        self, names: Collection[str] | None = None, halves: Halves | None = None
    ) -> list[tuple[str, Finding]]:
        seen = Seen(self._readings, halves)
        return [
            (question.name, judge(question, seen))
            for question in QUESTIONS
            if names is None or question.name in names
        ]

    def _count(self) -> None:
        """Show that something goes on, to people."""
        self._answers += 1
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{self._answers} answers \r")
            sys.stderr.flush()

    def _try(self, suggestion: Suggestion) -> Finding:
        """Stream an answer through the very model that is suggested."""
        key = self._connection.endpoint("").key
        seconds = self._client.seconds_left
        if not seconds:
            return unclear("timed out")
        limits = {"max_retries": 0, "max_tokens": MAX_TOKENS, "total_timeout": seconds}
        try:
            with contextlib.closing(suggestion.model(api_key=key, **limits)) as model:
                text = "".join(chunk.text for chunk in model.stream("Hello!"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the report says so
            return no(clean_text(self._client.hide(str(error)), _WORDS))
        return yes(quote(self._client.hide(text)))
