"""Send the same answer through several clients, and see what each one lost.

A folder of recordings gives, for each client, how many it read right; a single one
what it made of each field. With a URL every client asks that server, and what one
client has and another lacks is lost.
"""

from __future__ import annotations

import gc
import json
import os
import warnings
from pathlib import Path
from textwrap import fill, wrap
from typing import TYPE_CHECKING

from langchain_streamkit.cli._clients import CLIENTS, Target
from langchain_streamkit.cli._comparison import compare_live, compare_recordings
from langchain_streamkit.cli._comparison_report import (
    render_details,
    render_live,
    render_recordings,
    to_json,
)
from langchain_streamkit.cli._readings import RULES
from langchain_streamkit.cli._recordings import find_recordings, load_recording
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import provider_for_url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from langchain_streamkit.cli._comparison import Comparison
    from langchain_streamkit.cli._recordings import Recording

__all__ = ["add_arguments", "run"]

_MORE = """Each stream is also played with its second half missing (cut), which does not
count as a recording. Time is CPU time of the thread that reads, the request included
and adding up left out, by the frames that the server sent, the median of the passes;
the first token is the first chunk with content, the median of all streams."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``streamkit compare``.

    Args:
        parser: The sub-command's own parser.
    """
    rules = [f"{name}: {rule}" for name, rule in RULES.items()]
    parser.epilog = "\n".join(
        [
            *wrap("A recording is read right if all of this is so, where it has it:"),
            *(fill(rule, 78, initial_indent="  ", subsequent_indent="    ")
              for rule in rules),
            *wrap(_MORE, 78),
        ]
    )  # fmt: skip
    add = parser.add_argument
    add("target", nargs="*", metavar="URL PROMPT", help="a server, and what to ask it")
    add("--model", help="the model to ask for")
    add(
        "--recording",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="a recording (NAME.sse, NAME.body.json or NAME.json), or a folder of them",
    )
    add(
        "--client",
        action="append",
        default=[],
        choices=[client.name for client in CLIENTS],
        metavar="NAME",
        help="only this client; may be repeated: " + ", ".join(c.name for c in CLIENTS),
    )
    add(
        "--passes",
        type=int,
        default=None,
        metavar="N",
        help="how often to measure time (5; with a URL 1: how often to ask)",
    )
    add(
        "--api-key-variable",
        "--key-variable",
        dest="key_variable",
        metavar="NAME",
        help="the environment variable with the key (else that of the URL's provider)",
    )
    add("--details", action="store_true", help="every recording that was not right")
    add("--json", action="store_true", help="all of it as JSON")


def run(options: argparse.Namespace) -> int:
    """Compare, and print.

    Args:
        options: The parsed arguments.

    Returns:
        0.

    Raises:
        ConfigurationError: If there is nothing to compare.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other packages think of what they read
        comparison = _compare(options)
        gc.collect()  # and of the sockets that they never close
    if not comparison.standings:
        raise ConfigurationError(f"No client takes part: {comparison.left_out}.")
    render = render_recordings if options.recording else render_live
    if options.json:
        print(json.dumps(to_json(comparison), indent=1))
    else:
        print(render(comparison))
        if options.details:
            print(f"\n{render_details(comparison)}")
    return 0


def _compare(options: argparse.Namespace) -> Comparison:
    wanted = options.client
    clients = [client for client in CLIENTS if not wanted or client.name in wanted]
    if not options.recording:
        target, prompt = _target(options)
        return compare_live(target, prompt, clients, passes=options.passes or 1)
    if options.target:
        raise ConfigurationError("Pass a URL and a prompt, or --recording: not both.")
    recordings = _recordings(options.recording)
    return compare_recordings(recordings, clients, passes=options.passes or 5)


def _recordings(paths: Sequence[Path]) -> list[Recording]:
    return [
        load_recording(found, path if path.is_dir() else path.parent)
        for path in paths
        for found in find_recordings(path)
    ]


def _target(options: argparse.Namespace) -> tuple[Target, str]:
    if len(options.target) != 2 or not options.model:
        raise ConfigurationError(
            "Pass a URL, --model and a prompt (streamkit compare "
            'http://localhost:11434/v1 --model qwen3:8b "Why?"), or --recording PATH.'
        )
    url, prompt = options.target
    return Target(url, options.model, _key(url, options.key_variable)), prompt


def _key(url: str, variable: str | None) -> str:
    """The key for a URL: a provider's variable is never read for another host."""
    provider = provider_for_url(url)
    variables = [variable] if variable else provider.key_variables if provider else ()
    found = [key for name in variables if name and (key := os.environ.get(name))]
    if variable and not found:
        raise ConfigurationError(f"The environment has no {variable}.")
    return found[0] if found else "none"
