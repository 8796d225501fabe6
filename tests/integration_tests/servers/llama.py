"""The genuine ``llama-server`` of llama.cpp, compiled here, with a tiny model.

The source of llama-cpp-python on the package index (MIT, 77 MB, checked by its
SHA-256) carries the whole of llama.cpp, and ``tiny_model.py`` writes the weights, so
that a real inference server runs without any download of a model. Compiling takes
minutes, once; after that it starts in a tenth of a second. ``JOBS`` is the number of
compilers at once, 2 if not set.

    cache folder/llama-server   the program, linked statically
    cache folder/tiny-*.gguf    the model, named after the digest of its script
    cache folder/chat.jinja     Qwen3's chat template: tool calls and thinking
    cache folder/tools          a virtual environment with the pinned build tools
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration_tests.servers._process import (
    MissingToolError,
    Server,
    UnavailableError,
    cache_folder,
    locked,
    run,
    serve_until_interrupted,
)
from tests.integration_tests.servers._process import serve as _serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["serve"]

_VERSION = "0.3.36"
_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
_SOURCE = f"llama_cpp_python-{_VERSION}"
_TEMPLATE = "models/templates/Qwen-Qwen3-0.6B.jinja"

_TOOLS = (
    *("cmake==4.4.4", "ninja==1.13.2", "scikit-build-core==1.1.2"),  # to compile
    *("gguf==0.19.0", "numpy==2.4.6"),  # to write the model
)
_MODEL_SCRIPT = Path(__file__).with_name("tiny_model.py")

# Quick to compile rather than quick to run: the model has one layer.
_CMAKE_OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_C_FLAGS_RELEASE": "-O1",
    "CMAKE_CXX_FLAGS_RELEASE": "-O1",
    "BUILD_SHARED_LIBS": "OFF",
    "GGML_CPU_REPACK": "OFF",
    "GGML_LLAMAFILE": "OFF",
    "GGML_NATIVE": "OFF",
    "GGML_OPENMP": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_COMMIT": "sdist",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_NUMBER": "0",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
}
_SERVER_OPTIONS = (
    *("--host", "127.0.0.1", "--port", "0", "--alias", "tiny"),
    *("--jinja", "--temp", "0", "--no-warmup", "--threads", "1"),
    # Two requests at a time, 2048 tokens each; more of them wait in the server.
    *("--parallel", "2", "--ctx-size", "4096"),
)
_API_KEY = "sk-llama-test"


@contextmanager
def serve() -> Iterator[Server]:
    """Compile llama-server if need be, and run it for as long as the context lasts.

    Yields:
        The running server; its model is ``tiny``.

    Raises:
        MissingToolError: If there is no C++ compiler.
        UnavailableError: If it cannot be compiled or started.

    Example:
        >>> with serve() as server:  # doctest: +SKIP
        ...     print(server.url)
        http://127.0.0.1:38047/v1
    """
    folder = cache_folder(f"llama-{_VERSION}")
    program = folder / "llama-server"
    with locked(folder):
        if not program.exists():
            _build(folder)
        model = _model(folder)
    command = (program, "--model", model, *_SERVER_OPTIONS)
    env = {"LLAMA_API_KEY": _API_KEY}
    with _serve("llama", *command, folder=folder, api_key=_API_KEY, env=env) as server:
        yield server


def _build(folder: Path) -> None:
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        raise MissingToolError("llama-server needs a C++ compiler, and there is none.")
    tools = _tools(folder)
    source = _source(folder, tools)
    build = folder / "build"
    cmake = tools / "cmake"
    # cmake looks for ninja in the path.
    env = {"PATH": os.pathsep.join([str(tools), os.environ["PATH"]])}
    options = [f"-D{name}={value}" for name, value in _CMAKE_OPTIONS.items()]
    configure = (cmake, "-G", "Ninja", "-S", source, "-B", build)
    run(*configure, *options, log=folder / "configure.log", seconds=300, env=env)
    target = ("--target", "llama-server", "--parallel", os.environ.get("JOBS", "2"))
    compiling = (cmake, "--build", build, *target)
    run(*compiling, log=folder / "compile.log", seconds=3600, env=env)
    shutil.copy(source / _TEMPLATE, folder / "chat.jinja")
    (build / "bin" / "llama-server").replace(folder / "llama-server")
    shutil.rmtree(build)
    shutil.rmtree(folder / _SOURCE)
    (folder / f"{_SOURCE}.tar.gz").unlink()


def _source(folder: Path, tools: Path) -> Path:
    """Download and unpack the source, if its bytes are those that we know."""
    archive = folder / f"{_SOURCE}.tar.gz"
    if not archive.exists():
        pip = (tools / "python", "-m", "pip", "download", "--dest", folder)
        options = ("--no-deps", "--no-build-isolation", "--no-binary", ":all:")
        wanted = f"llama-cpp-python=={_VERSION}"
        run(*pip, *options, wanted, log=folder / "download.log", seconds=600)
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _SHA256:
        archive.unlink()
        raise UnavailableError(f"{archive.name} is not the one we know: {digest}.")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / _SOURCE / "vendor" / "llama.cpp"


def _tools(folder: Path) -> Path:
    """The folder of the programs in a virtual environment with the pinned tools."""
    programs = folder / "tools" / "bin"
    if not (programs / "cmake").exists():
        venv = (sys.executable, "-m", "venv", folder / "tools")
        run(*venv, log=folder / "venv.log", seconds=120)
        pip = (programs / "python", "-m", "pip", "install", "--quiet")
        run(*pip, *_TOOLS, log=folder / "tools.log", seconds=600)
    return programs


def _model(folder: Path) -> Path:
    """The model that the script writes; another script's model goes."""
    digest = hashlib.sha256(_MODEL_SCRIPT.read_bytes()).hexdigest()
    model = folder / f"tiny-{digest[:8]}.gguf"
    if not model.exists():
        for old in folder.glob("tiny-*.gguf"):
            old.unlink()
        part = model.with_suffix(".part")
        command = (_tools(folder) / "python", _MODEL_SCRIPT, part)
        run(*command, folder / "chat.jinja", log=folder / "model.log", seconds=60)
        part.replace(model)
    return model


if __name__ == "__main__":
    serve_until_interrupted(serve())
