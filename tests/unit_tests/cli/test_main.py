"""The command line itself: what is said without a command, and how it is run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from langchain_streamkit.cli.main import COMMANDS, main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "which command? There are: "), (["chta"], "no command 'chta'. There are: ")],
)
def test_a_missing_command_is_told_with_all_there_are(
    capsys, arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert f"{words}{', '.join(COMMANDS)}." in capsys.readouterr().err


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "langchain_streamkit", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("usage: streamkit ")
    assert all(name in said for name in COMMANDS)
