"""What is built is what users get: the wheel's and the sdist's contents."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from langchain_streamkit._version import __version__

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "langchain_streamkit"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
STEM = f"langchain_streamkit-{__version__}"
FRAGMENT = re.compile(r"(\+?[a-z0-9-]+)\.(feature|fix|removal|doc|security)\.md")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a wheel and an sdist, built without any download."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir"]
    done = subprocess.run(
        [*command, folder, ROOT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def sources() -> set[str]:
    """The package's files, without what tools leave beside them."""
    files = (path.relative_to(ROOT) for path in PACKAGE.rglob("*") if path.is_file())
    return {
        str(path)
        for path in files
        if not any(part[0] == "." or part == "__pycache__" for part in path.parts)
    }


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / f"{STEM}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    info = {name for name in names if name.startswith(f"{STEM}.dist-info/")}
    assert names - info == sources()
    assert "langchain_streamkit/py.typed" in names
    assert f"{STEM}.dist-info/licenses/LICENSE" in info


def test_the_wheel_says_what_pyproject_says(built: Path) -> None:
    with zipfile.ZipFile(built / f"{STEM}-py3-none-any.whl") as wheel:
        text = wheel.read(f"{STEM}.dist-info/METADATA").decode()
    metadata = HeaderParser().parsestr(text)
    assert metadata["Version"] == __version__
    assert metadata["Name"] == "langchain-streamkit"
    assert metadata["License-Expression"] == "MIT"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    extras = PYPROJECT["project"]["optional-dependencies"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(extras)


def test_the_readme_is_the_long_description(built: Path) -> None:
    with zipfile.ZipFile(built / f"{STEM}-py3-none-any.whl") as wheel:
        text = wheel.read(f"{STEM}.dist-info/METADATA").decode()
    assert text.endswith((ROOT / "README.md").read_text("utf-8"))


def test_the_sdist_can_be_built_and_tested_from(built: Path) -> None:
    with tarfile.open(built / f"{STEM}.tar.gz") as sdist:
        names = {name.removeprefix(f"{STEM}/") for name in sdist.getnames()}
    assert sources() <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= names
    assert "tests/conftest.py" in names
    hidden = {name for name in names if name.startswith(".")}
    assert hidden <= {".gitignore"}  # hatchling always adds it


def test_the_extra_all_holds_every_other_extra() -> None:
    extras = dict(PYPROJECT["project"]["optional-dependencies"])
    whole = extras.pop("all")
    named = re.findall(r"[a-z]+", " ".join(whole).partition("[")[2])
    assert sorted(named) == sorted(extras)


def test_every_dependency_has_a_floor_and_a_ceiling() -> None:
    for requirement in PYPROJECT["project"]["dependencies"]:
        assert re.fullmatch(r"[a-z-]+>=[\d.]+,<\d+", requirement), requirement


def test_changelog_fragments_are_named_and_written() -> None:
    types = {
        kind["directory"] for kind in PYPROJECT["tool"]["towncrier"].get("type", [])
    }
    assert types == {"feature", "fix", "removal", "doc", "security"}
    fragments = [p for p in (ROOT / "changelog.d").iterdir() if p.name[0] != "."]
    for fragment in fragments:
        assert FRAGMENT.fullmatch(fragment.name), fragment.name
        assert fragment.read_text("utf-8").strip().endswith("."), fragment.name
