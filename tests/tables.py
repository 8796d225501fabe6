"""Tables that name tests: whether there is such a test, without running anything."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def tests_in(path: str) -> frozenset[str]:
    """The names of a file's test functions; none if there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def finds_test(name: str) -> bool:
    """Whether a test exists, by its name as ``path/from/the/root.py::test_name``."""
    path, _, function = name.partition("::")
    return function.partition("[")[0] in tests_in(path)
