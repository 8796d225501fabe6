"""The pages say what the code says: their generated sections are fresh and whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from docs import generate
from langchain_streamkit import ChatStreamKit
from langchain_streamkit._langchain.parameters import ELSEWHERE, normalize_parameters
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PAGES = sorted(generate.HERE.rglob("*.md"))
FIELDS = ChatStreamKit.model_fields


def page(name: str) -> str:
    return (generate.HERE / name).read_text("utf-8")


def codes(text: str) -> set[str]:
    """Everything in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_sections_are_fresh(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == generate.refresh(text), "run: python docs/generate.py"


@pytest.mark.parametrize("section", generate.SECTIONS)
def test_every_section_stands_on_a_page(section: str) -> None:
    marker = f"<!-- generated: {section} -->"
    assert any(marker in path.read_text("utf-8") for path in PAGES)


def test_a_stale_page_is_made_fresh_and_keeps_its_own_words() -> None:
    stale = "a\n<!-- generated: request-fields -->\nold\n<!-- generated: end -->\nb\n"
    fresh = generate.refresh(stale)
    assert "old" not in fresh
    assert "`temperature`" in fresh
    assert fresh.startswith("a\n<!-- generated: request-fields -->\n")
    assert fresh.endswith("<!-- generated: end -->\nb\n")
    assert generate.refresh(fresh) == fresh


def test_every_parameter_is_in_one_group() -> None:
    grouped = [name for names in generate.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(set(FIELDS) - set(BaseChatModel.model_fields))


def test_every_parameter_of_langchain_is_on_the_page() -> None:
    assert set(BaseChatModel.model_fields) <= codes(page("parameters.md"))


@pytest.mark.parametrize("theirs", [ChatOpenAI, AzureChatOpenAI])
def test_no_parameter_of_chat_openai_is_missing(theirs: type[BaseChatModel]) -> None:
    fields = theirs.model_fields.items()
    names = {name for field, info in fields for name in (field, info.alias or field)}
    assert names <= codes(page("migrating-from-chatopenai.md"))


@pytest.mark.parametrize("name", generate.CHAT_OPENAI)
def test_what_the_page_says_of_a_parameter_happens(name: str) -> None:
    row = next(
        line
        for line in page("migrating-from-chatopenai.md").splitlines()
        if line.startswith(f"| `{name}`")
    )
    if "| refused |" in row:
        with pytest.raises(ConfigurationError):
            normalize_parameters({name: 1}, FIELDS)
        instead = row.split("|")[3]
        assert ELSEWHERE.get(name, "Leave it out") in instead
    else:
        names = codes(row.split("|")[1])
        meant = {next(iter(normalize_parameters({n: 1}, FIELDS))) for n in names}
        assert len(meant) == 1
        assert meant <= codes(row)
