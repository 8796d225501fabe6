"""The rules of the house that no linter knows; import-linter has the floors.

Each rule is a function from a file's text to its breaches, and each is shown a
file that breaks it, so that a rule which sees nothing fails too.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import langchain_streamkit
from langchain_streamkit.providers._rows import ROWS

ROOT = Path(langchain_streamkit.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A file, its lines and its tree."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def package(self) -> str:
        return self.path.split("/")[0]


@cache
def sources() -> tuple[Source, ...]:
    return tuple(
        Source(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in MODULES
    )


# ── the rules ───────────────────────────────────────────────────────────────────


def functions(tree: ast.Module) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def docstring(node: ast.AST) -> ast.Expr | None:
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def long_files(source: Source) -> list[str]:
    count = len(source.text.splitlines())
    return [f"{count} lines"] if count > MAX_FILE_LINES else []


def code_lines(function: Function, lines: list[str]) -> int:
    """Lines of the body and the signature: no docstring, no comment, no blank."""
    skipped: set[int] = set()
    if (doc := docstring(function)) is not None:
        skipped = set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))
    numbers = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    texts = (lines[number - 1].strip() for number in numbers if number not in skipped)
    return sum(1 for text in texts if text and not text.startswith("#"))


def long_functions(source: Source) -> list[str]:
    lines = source.text.splitlines()
    counted = [(code_lines(f, lines), f) for f in functions(source.tree)]
    return [
        f"line {function.lineno}: {function.name} has {count} lines"
        for count, function in counted
        if count > MAX_FUNCTION_LINES
    ]


def vague_names(source: Source) -> list[str]:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    words = {part.strip("_").removesuffix(".py") for part in source.path.split("/")}
    return [f"{word!r} says nothing" for word in sorted(words & vague)]


def langchain_imports(source: Source) -> list[str]:
    if source.package not in {"_wire", "_resilience"}:
        return []
    return [
        f"line {line}: {name}"
        for line, name in imported(source.tree)
        if re.match(r"lang(chain|graph|smith)(_(?!streamkit)|\.|$)", name)
    ]


def server_imports(source: Source) -> list[str]:
    """The fake server must not share the code that it is there to test."""
    if source.package != "testing":
        return []
    allowed = ("_wire", "errors", "events", "providers", "testing")
    return [
        f"line {line}: {name}"
        for line, name in imported(source.tree)
        if name.startswith("langchain_streamkit")
        and not name.removeprefix("langchain_streamkit.").startswith(allowed)
    ]


def front_door_imports(source: Source) -> list[str]:
    """Inside the house a name is taken from its own module, not from the root.

    The root imports everything, so a line like this would go around all floors.
    """
    if source.path == "__init__.py" or source.package == "cli":
        return []
    own = {path.stem for path in ROOT.glob("*.py")} | {
        path.name for path in ROOT.iterdir() if path.is_dir()
    }
    return [
        f"line {node.lineno}: {alias.name}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "langchain_streamkit"
        for alias in node.names
        if alias.name not in own
    ]


def imported(tree: ast.Module) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.lineno, node.module))
    return found


def provider_literals(source: Source) -> list[str]:
    """Code branches on a fact of the table, never on a provider's name."""
    if source.package in {"providers", "testing"}:
        return []
    tree = source.tree
    names = {row.name for row in ROWS} - WORDS_OF_FORMATS.get(source.package, set())
    prose = {
        id(doc.value) for node in ast.walk(tree) if (doc := docstring(node)) is not None
    }
    return [
        f"line {node.lineno}: {node.value!r}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in prose
        and node.value.lower() in names
    ]


# Where a provider's name means something else: the formats that encode() can write.
WORDS_OF_FORMATS = {"adapters": {"openai", "vercel"}, "cli": {"openai", "vercel"}}

RULES = [
    long_files,
    long_functions,
    vague_names,
    langchain_imports,
    server_imports,
    front_door_imports,
    provider_literals,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule) -> None:
    breaches = {source.path: rule(source) for source in sources()}
    assert {path: found for path, found in breaches.items() if found} == {}


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (long_files, "events.py", "x = 1\n" * 401),
        (long_functions, "events.py", "def f():\n" + "    x = 1\n" * 50),
        (long_functions, "events.py", "async def f():\n" + "    x = 1\n" * 50),
        (vague_names, "_wire/utils.py", ""),
        (vague_names, "_helpers/sse.py", ""),
        (langchain_imports, "_wire/sse.py", "import langchain_core.messages"),
        (langchain_imports, "_resilience/retry.py", "from langchain.agents import x"),
        (langchain_imports, "_wire/sse.py", "def f():\n    import langchain_openai"),
        (server_imports, "testing/x.py", "import langchain_streamkit._http.shells"),
        (server_imports, "testing/x.py", "import langchain_streamkit"),
        (front_door_imports, "_wire/sse.py", "from langchain_streamkit import Chat"),
        (provider_literals, "chat_models.py", "if name == 'groq': pass"),
        (provider_literals, "_wire/usage.py", "PATHS = {'Groq': ('x_groq',)}"),
    ],
)
def test_the_rule_sees_a_breach(rule, path: str, text: str) -> None:
    assert rule(Source(path, text))


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (long_files, "events.py", "x = 1\n" * 400),
        (
            long_functions,
            "events.py",
            'def f():\n    """A\n\n    long story.\n    """\n' + "    x = 1\n" * 49,
        ),
        (langchain_imports, "_wire/sse.py", "import langchain_streamkit.errors"),
        (langchain_imports, "_langchain/chunks.py", "import langchain_core"),
        (server_imports, "testing/x.py", "import langchain_streamkit._wire.sse"),
        (server_imports, "_http/x.py", "import langchain_streamkit._http.shells"),
        (front_door_imports, "_wire/sse.py", "from langchain_streamkit import errors"),
        (provider_literals, "chat_models.py", '"""groq"""\n\n\nKEY = "x_groq"'),
        (provider_literals, "providers/_rows.py", "NAME = 'groq'"),
    ],
)
def test_the_rule_lets_good_code_pass(rule, path: str, text: str) -> None:
    assert rule(Source(path, text)) == []


# ── twins: what exists sync exists async, with the same arguments ───────────────

# Public async names whose sync counterpart bears another name, or is none.
ASYNC_ONLY: frozenset[str] = frozenset()


def twins(module: str) -> list[tuple[str, str]]:
    """The pairs of public functions (name, a + name) that a module offers."""
    names = set(getattr(import_module(module), "__all__", ()))
    return sorted((name, f"a{name}") for name in names if f"a{name}" in names)


def public_modules() -> list[str]:
    paths = [path.relative_to(ROOT.parent).with_suffix("") for path in MODULES]
    dotted = [".".join(p for p in path.parts if p != "__init__") for path in paths]
    return [name for name in dotted if not re.search(r"\._", name)]


def test_async_twins_take_the_same_arguments() -> None:
    for module in public_modules():
        loaded = import_module(module)
        for sync_name, async_name in twins(module):
            sync, twin = getattr(loaded, sync_name), getattr(loaded, async_name)
            parameters = list(inspect.signature(sync).parameters.values())
            mirrored = list(inspect.signature(twin).parameters.values())
            assert [(p.name, p.kind, p.default) for p in parameters] == [
                (p.name, p.kind, p.default) for p in mirrored
            ], f"{module}: {sync_name} and {async_name}"


def test_public_async_functions_have_a_sync_twin() -> None:
    lonely = []
    for module in public_modules():
        loaded = import_module(module)
        names = set(getattr(loaded, "__all__", ()))
        for name in names - ASYNC_ONLY:
            function = getattr(loaded, name)
            is_async = inspect.iscoroutinefunction(function) or (
                inspect.isasyncgenfunction(function)
            )
            if is_async and name.startswith("a") and name[1:] not in names:
                lonely.append(f"{module}.{name}")
    assert lonely == []
