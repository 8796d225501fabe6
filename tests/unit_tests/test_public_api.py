"""What users may import: named in `__all__`, documented, and nothing else."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

import pytest

import langchain_streamkit
from langchain_streamkit._version import __version__

ROOT = Path(langchain_streamkit.__file__).parent


def dotted_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


ALL_MODULES = sorted(dotted_name(path) for path in ROOT.rglob("*.py"))
PUBLIC_MODULES = [
    name for name in ALL_MODULES if not re.search(r"\._|\.__main__", name)
]


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order that ruff keeps (RUF022)."""
    kind = 0 if name.isupper() else 1 if name.lstrip("_")[:1].isupper() else 2
    return kind, name


def names_defined(module: ModuleType) -> set[str]:
    """The plain names that a module's own lines define; imports are not counted."""
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def public_objects(module_name: str) -> list[tuple[str, object]]:
    module = import_module(module_name)
    names = getattr(module, "__all__", [])
    return [(f"{module_name}.{name}", getattr(module, name)) for name in names]


def public_members(label: str, kind: type) -> list[tuple[str, object]]:
    """The methods and properties that a class of ours defines itself."""
    members = [
        (f"{label}.{name}", getattr(member, "__func__", member))
        for name, member in vars(kind).items()
        if not name.startswith("_")
    ]
    return [
        (name, member)
        for name, member in members
        if inspect.isfunction(member) or isinstance(member, property)
    ]


@pytest.mark.parametrize("name", ALL_MODULES)
def test_all_is_sorted_and_true(name: str) -> None:
    module = import_module(name)
    exported = list(getattr(module, "__all__", []))
    assert exported == sorted(set(exported), key=order)
    assert [item for item in exported if not hasattr(module, item)] == []


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_all_holds_every_public_name(name: str) -> None:
    module = import_module(name)
    assert names_defined(module) - set(getattr(module, "__all__", [])) == set()


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_everything_public_is_documented(name: str) -> None:
    module = import_module(name)
    labelled: list[tuple[str, object]] = [(name, module), *public_objects(name)]
    for label, found in list(labelled):
        if inspect.isclass(found) and found.__module__.startswith(ROOT.name):
            labelled += public_members(label, found)
    documentable = (
        (label, found)
        for label, found in labelled
        if isinstance(found, ModuleType | property)
        or inspect.isclass(found)
        or inspect.isroutine(found)
    )
    assert [label for label, found in documentable if not inspect.getdoc(found)] == []


def test_public_names_are_found_by_dir() -> None:
    exported = set(getattr(langchain_streamkit, "__all__", []))
    assert exported <= set(dir(langchain_streamkit))


def test_the_version_is_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?(\.dev\d+)?", __version__)
    assert getattr(langchain_streamkit, "__version__", __version__) == __version__
    try:
        installed = version("langchain-streamkit")
    except PackageNotFoundError:  # run from the source tree without installing
        return
    assert installed == __version__
