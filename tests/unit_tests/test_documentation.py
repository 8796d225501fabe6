"""Every example runs: the pages' blocks, and the docstrings' examples."""

from __future__ import annotations

import doctest
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

# Where these are first imported deep inside a page's awaits, pytest's rewriting of
# them fails: "AST constructor recursion depth mismatch" (CPython's gh-106905).
import anyio._backends._asyncio  # noqa: F401
import httpx
import langsmith.run_helpers  # noqa: F401
import pytest
from typing_extensions import override

import langchain_streamkit
from tests.documentation import (
    Block,
    DocumentationError,
    read_blocks,
    readdress,
    readdressed,
    run_blocks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[2]
PACKAGE = Path(langchain_streamkit.__file__).parent
PAGES = sorted([*ROOT.glob("README.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = sorted(
    ".".join(part for part in path.parts if part != "__init__")
    for path in (p.relative_to(ROOT).with_suffix("") for p in PACKAGE.rglob("*.py"))
)


def with_examples() -> list[str]:
    paths = {name: PACKAGE.parent.joinpath(*name.split(".")) for name in MODULES}
    files = {
        name: path.with_suffix(".py") if not path.is_dir() else path / "__init__.py"
        for name, path in paths.items()
    }
    return [name for name, file in files.items() if ">>> " in file.read_text("utf-8")]


def test_there_is_documentation() -> None:
    assert ROOT / "README.md" in PAGES
    assert ROOT / "docs" / "architecture.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_pages_examples_run(page: Path, request, monkeypatch, tmp_path) -> None:
    blocks = read_blocks(page.read_text("utf-8"))
    if not blocks:
        return  # a page of words alone
    server = request.getfixturevalue("fake_server")
    readdress(monkeypatch, server)
    monkeypatch.chdir(tmp_path)
    run_blocks(blocks, str(page), server)


@pytest.mark.parametrize("name", with_examples())
def test_the_docstrings_examples_run(name: str, request, monkeypatch, tmp_path) -> None:
    module = import_module(name)
    monkeypatch.chdir(tmp_path)
    if "ChatStreamKit" in Path(str(module.__file__)).read_text("utf-8"):
        readdress(monkeypatch, request.getfixturevalue("fake_server"))
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, optionflags=options)
    assert result.attempted > 0
    assert result.failed == 0


# ── the harness itself: it runs, it readdresses, and it can fail ────────────────


@dataclass
class RecordingServer:
    """Answers every request with its path, and keeps the paths."""

    url: str
    paths: list[str] = field(default_factory=list)


@contextmanager
def recording_server() -> Iterator[RecordingServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer; the name is the one that http.server looks up."""
            server.paths.append(f"{self.headers['Host']}{self.path}")
            body = json.dumps({"path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_request(self, *_: object) -> None:
            """Keep the test's output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = RecordingServer(f"http://127.0.0.1:{http.server_port}/v1")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


NOWHERE = RecordingServer("http://127.0.0.1:9/v1")

PAGE = """\
# A page

<!-- test: setup
greeting = "Hello, " + server.url[:4]
-->

```python
import asyncio
from dataclasses import dataclass


@dataclass
class Name:
    text: str
```

Some words.

1. In a list:
   ```python
   await asyncio.sleep(0)
   print(greeting)
   if __name__ == "__main__":
       print(Name("World"))
   ```

   <!-- output -->

   ```text
   Hello, http
   Name(text='World')
   ```

<!-- test: skip: needs a key -->
```python
raise SystemExit
```

```bash
not python
```
"""


def test_a_page_is_one_program() -> None:
    blocks = read_blocks(PAGE)
    assert [(b.is_setup, b.skip, b.line) for b in blocks] == [
        (True, None, 4),
        (False, None, 8),
        (False, None, 21),
        (False, "needs a key", 36),
    ]
    run_blocks(blocks, "page.md", NOWHERE)


def test_another_output_than_the_pages_fails() -> None:
    page = PAGE.replace("World')\n   ```", "Moon')\n   ```")
    with pytest.raises(DocumentationError, match="line 21"):
        run_blocks(read_blocks(page), "page.md", NOWHERE)


def test_a_traceback_shows_the_pages_line() -> None:
    page = "words\n\n```python\nx = 1\nx.missing\n```\n"
    with pytest.raises(AttributeError) as caught:
        run_blocks(read_blocks(page), "page.md", NOWHERE)
    last = caught.traceback[-1]
    assert (str(last.path).rpartition("/")[2], last.lineno + 1) == ("page.md", 5)


def test_the_server_is_not_the_readers() -> None:
    page = "<!-- test: setup\nx = server\n-->\n\n```python\nserver\n```\n"
    with pytest.raises(NameError, match="server"):
        run_blocks(read_blocks(page), "page.md", NOWHERE)


@pytest.mark.parametrize(
    "page",
    [
        "<!-- test: skip: too slow -->\n```python\nx\n```\n",
        "<!-- test: slip: needs a key -->\n```python\nx\n```\n",
        "<!-- test: skip: needs a key -->\nwords\n",
        "<!-- test: skip: needs a key -->\n```bash\nls\n```\n",
        "<!-- output -->\n```text\nx\n```\n",
        "```python\nx\n```\n<!-- output -->\n```json\n{}\n```\n",
        "```python\nx\n",
        "<!-- test: setup\nx\n",
    ],
)
def test_a_comment_that_means_nothing_fails(page: str) -> None:
    with pytest.raises(DocumentationError, match=r"line [1-5]: "):
        read_blocks(page)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://localhost:11434/v1/chat/completions", "/v1/chat/completions"),
        ("https://api.groq.com/openai/v1/chat/completions", "/v1/chat/completions"),
        ("https://x.example/deployments/y/chat/completions", "/v1/chat/completions"),
        ("https://api.openai.com/v1/models", "/v1/models"),
    ],
)
def test_requests_are_readdressed(address: str, path: str, monkeypatch) -> None:
    code = f"""
import httpx
print(httpx.post("{address}").json()["path"])
async with httpx.AsyncClient() as client:
    print((await client.post("{address}")).json()["path"])
"""
    with recording_server() as server:
        readdress(monkeypatch, server)
        block = Block(1, code, output=f"{path}\n{path}\n")
        run_blocks([block], "page.md", server)
        host = server.url.removeprefix("http://").removesuffix("/v1")
        assert server.paths == [f"{host}{path}"] * 2


@pytest.mark.parametrize("port", [8000, 8001])
def test_requests_to_a_pages_own_servers_stay_as_they_are(port: int) -> None:
    target = httpx.URL("http://127.0.0.1:8000/v1")
    url = httpx.URL(f"http://127.0.0.1:{port}/v1/other?x=1")
    assert readdressed(url, target) == url
