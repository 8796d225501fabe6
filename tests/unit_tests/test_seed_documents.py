"""Every block of five documents on streaming, in order, run here or done better.

The documents are other projects' (see ``tests/seeds``). Their loops run as they are;
what a row changes are imports, constructors, names of products and placeholders.
"""

from __future__ import annotations

import ast
import asyncio
import re
from difflib import SequenceMatcher

import pytest

from tests.documentation import readdress
from tests.seeds import cogent, gpo_client, kanoa, maritaca, toon
from tests.seeds.documents import (
    ABSENT,
    FOLDER,
    ROOT,
    blocks_of,
    count_marks,
    normalized,
    read_blocks,
    read_document,
    with_line_breaks,
)
from tests.seeds.rows import Row, Stage
from tests.tables import finds_test

BROWSER_TESTS_ARE_HERE = (ROOT / "tests/integration_tests/examples").is_dir()

TABLES: dict[str, tuple[Row, ...]] = {
    "kanoa-streaming.md": kanoa.ROWS,
    "cogent-streaming.md": cogent.ROWS,
    "gpo-client-streaming.md": gpo_client.ROWS,
    "langchain-maritaca-streaming.md": maritaca.ROWS,
    "toon-streaming.rst": toon.ROWS,
}
PLACES = [
    pytest.param(document, number, id=f"{document.partition('-str')[0]}-{number + 1}")
    for document, rows in TABLES.items()
    for number in range(len(rows))
]
UNCHANGED = re.compile(r"\b(print|yield|append|send_text)\(")

pytestmark = pytest.mark.loopback
needs_documents = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


@needs_documents
@pytest.mark.parametrize("document", TABLES)
def test_no_block_is_left_out_and_none_is_extra(document: str) -> None:
    blocks = blocks_of(document)
    assert len(blocks) == count_marks(read_document(document))
    rows = TABLES[document]
    assert len(blocks) == len(rows)
    for block, row in zip(blocks, rows, strict=True):
        assert block.words.startswith(normalized(row.starts))


@needs_documents
@pytest.mark.parametrize(("document", "number"), PLACES)
def test_the_block_comes_true(
    document: str, number: int, fake_server, monkeypatch, tmp_path
) -> None:
    row = TABLES[document][number]
    readdress(monkeypatch, fake_server)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    with asyncio.Runner() as runner:
        stage = Stage(blocks_of(document)[number], row, fake_server, runner)
        if row.kind not in {"elsewhere", "declares"}:
            printed = stage.run()
            assert row.prints is None or printed == row.prints
        if row.then is not None:
            stage.finish(row.then(stage))
    if row.kind == "elsewhere" and BROWSER_TESTS_ARE_HERE:
        assert all(finds_test(test) for test in row.tests), row.tests


@needs_documents
@pytest.mark.parametrize(("document", "number"), PLACES)
def test_what_a_row_changes_is_small(document: str, number: int) -> None:
    """Half of it at the most, and no line that prints or gives something."""
    row = TABLES[document][number]
    if row.kind in {"elsewhere", "declares"}:
        return
    block = blocks_of(document)[number]
    stage = Stage(block, row, None, None)
    before = with_line_breaks(block.source, row.breaks) if row.breaks else block.source
    lines = stage.source().splitlines()
    same = SequenceMatcher(None, before.splitlines(), lines).get_matching_blocks()
    count = len(before.splitlines())
    assert count - sum(match.size for match in same) <= max(1, count // 2)
    kept = {line.strip() for line in before.splitlines() if UNCHANGED.search(line)}
    assert kept <= {line.strip() for line in lines}
    assert normalized(before) == block.words


def test_every_row_says_what_comes_of_its_block() -> None:
    for row in (row for rows in TABLES.values() for row in rows):
        if row.kind == "elsewhere":
            assert row.tests, row.starts
        elif row.kind == "runs":
            assert row.prints is not None or row.then is not None, row.starts
        elif row.kind in {"declares", "bad"}:
            assert row.then is not None, row.starts


# ── the reading itself can fail ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        'Say\n\n```python\nif x:\n    print("```")\n```\n\nor\n\n```js\n1\n```\n',
        'Say ```python if x:     print("`") ``` or ```js 1 ``` .',
        (
            "Say\n\n.. code-block:: python\n\n    if x:\n\n        print(1)\n\n"
            "or\n\n.. code-block:: js\n\n    1\n\nand\n"
        ),
    ],
)
def test_blocks_are_read_from_each_format(text: str) -> None:
    blocks = read_blocks(text)
    assert [block.language for block in blocks] == ["python", "js"]
    assert blocks[0].words.startswith("if x: print(")
    assert count_marks(text) == 2


def test_lines_are_broken_where_the_markers_say() -> None:
    code = "for x in y: if x: print(x) else: pass"
    broken = with_line_breaks(
        code, ("    if x", "        pr", "    else", "        pass")
    )
    assert broken == (
        "for x in y:\n    if x:\n        print(x)\n    else:\n        pass\n"
    )
    ast.parse(broken)
    with pytest.raises(AssertionError, match="no line begins with"):
        with_line_breaks(code, ("while",))
