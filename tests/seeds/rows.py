"""What each block of the documents comes to, and how it is run.

Strategy: a row changes as little of a block as may be (imports, constructors, names of
products, placeholders) by patterns that must match; loops and what they print stay the
document's. The code is run as its reader would, in a namespace of its own, with
``await`` allowed at the top level, and every request goes to a fake server.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from langchain_streamkit import ChatStreamKit

from .documents import CodeBlock, with_line_breaks

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from langchain_streamkit.testing import FakeServer, Reply

Kind: TypeAlias = Literal["runs", "filled", "elsewhere", "declares", "bad"]

SHOWN = frozenset({"text", "meta", "final"})
"""What a loop needs that prints every event's content."""


@dataclass(frozen=True)
class Row:
    """One block of a document.

    Attributes:
        starts: How the block begins, to know it by; spaces do not count.
        kind: ``"runs"``: with imports, constructors and names of products changed.
            ``"filled"``: with its placeholders filled in, too. ``"elsewhere"``: what
            is no Python; ``tests`` names those that cover it. ``"declares"``: ours
            answers to what is declared. ``"bad"``: runs, and ours does better.
        changes: Patterns with what takes their place; each must match.
        says: What the server answers, in order.
        names: Gives the names that the block needs and does not define.
        prints: What the block prints, to the letter; None where ``then`` looks.
        then: Looks at what came of it: sync or async.
        tests: Tests that cover the block, as ``path::name``.
        breaks: How the lines begin, where the document has lost its line breaks.
    """

    starts: str
    kind: Kind
    changes: tuple[tuple[str, str], ...] = ()
    says: tuple[Reply | str, ...] = ()
    names: Callable[[Stage], Mapping[str, Any]] = field(default=lambda stage: {})
    prints: str | None = None
    then: Callable[[Stage], Any] | None = None
    tests: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


class Stage:
    """Where one block runs.

    Args:
        block: The document's block.
        row: What the table says of it.
        server: The fake server.
        runner: Runs what is async.
    """

    def __init__(
        self, block: CodeBlock, row: Row, server: FakeServer, runner: asyncio.Runner
    ) -> None:
        self.block = block
        self.row = row
        self.server = server
        self.runner = runner
        self.namespace: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """What the block has made."""
        return self.namespace[name]

    def model(self, **parameters: Any) -> ChatStreamKit:
        """A model whose server is the fake one."""
        return ChatStreamKit(model="fake", base_url=self.server.url, **parameters)

    def source(self) -> str:
        """The block with the row's changes."""
        source = self.block.source
        if self.row.breaks:
            source = with_line_breaks(source, self.row.breaks)
        for pattern, replacement in self.row.changes:
            source, count = re.subn(pattern, replacement, source, flags=re.DOTALL)
            if not count:
                raise AssertionError(f"{pattern!r} is not in the block:\n{source}")
        return source

    def run(self, *says: Reply | str) -> str:
        """Run the block, and give what it printed.

        Args:
            *says: What the server answers; as the row says if not given.
        """
        self.server.reset()
        self.server.script(*(says or self.row.says))
        self.namespace = {"__name__": "__main__", **self.row.names(self)}
        code = compile(
            self.source(),
            f"<{self.row.starts}>",
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        return self.printed(lambda: eval(code, self.namespace))

    def printed(self, call: Callable[[], Any]) -> str:
        """What a call prints, sync or async."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.finish(call())
        return out.getvalue()

    def finish(self, result: Any) -> Any:
        """What a call gives, once it has ended."""
        return self.runner.run(result) if inspect.iscoroutine(result) else result
