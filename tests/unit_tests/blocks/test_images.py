"""Figures, pictures, files and bytes become image blocks."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.blocks import image_block

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_streamkit.testing import FakeServer


def picture_in(block: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(block["base64"])))


def file_bytes(
    format_: str, size: tuple[int, int] = (4, 2), mode: str = "RGB"
) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, format=format_)
    return buffer.getvalue()


def figure() -> Figure:
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 3, 2])
    return figure


def test_a_figure_is_drawn_without_a_screen_and_without_pyplot() -> None:
    program = (
        "import sys, matplotlib.figure\n"
        "from langchain_streamkit.blocks import image_block\n"
        "f = matplotlib.figure.Figure(); f.subplots().plot([1, 2])\n"
        "assert image_block(f)['mime_type'] == 'image/png'\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


def test_importing_blocks_imports_none_of_their_libraries() -> None:
    program = (
        "import sys, langchain_streamkit.blocks\n"
        "import langchain_streamkit.output_parsers\n"
        "for name in ('matplotlib', 'PIL', 'pandas', 'toon_format', 'numpy'):\n"
        "    assert name not in sys.modules, name\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


def test_what_has_a_figure_is_drawn_and_dots_per_inch_count() -> None:
    shown = figure()
    small = picture_in(image_block(shown.axes[0], dpi=50))
    large = picture_in(image_block(shown, dpi=100))
    assert large.width > 1.8 * small.width


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1", "F"])
def test_a_picture_is_sent_as_png(mode: str) -> None:
    block = image_block(Image.new(mode, (4, 2)))
    assert block["mime_type"] == "image/png"
    assert picture_in(block).size == (4, 2)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP"])
def test_what_models_read_is_sent_as_it_is(format_: str, tmp_path: Path) -> None:
    data = file_bytes(format_)
    path = tmp_path / "no_ending"
    path.write_bytes(data)
    expected = {
        "type": "image",
        "base64": base64.b64encode(data).decode(),
        "mime_type": f"image/{format_.lower()}",
    }
    assert image_block(data) == image_block(path) == image_block(str(path)) == expected


@pytest.mark.parametrize("format_", ["BMP", "TIFF"])
def test_other_formats_are_converted(format_: str) -> None:
    assert image_block(file_bytes(format_))["mime_type"] == "image/png"


def test_a_large_picture_is_made_smaller_and_a_small_one_is_left() -> None:
    large = picture_in(image_block(file_bytes("JPEG", (400, 100)), max_side=200))
    assert large.size == (200, 50)
    small = file_bytes("JPEG", (40, 10))
    assert image_block(small, max_side=200) == image_block(small)


def test_a_url_stays_a_url() -> None:
    url = "https://example.org/a.png"
    assert image_block(url) == {"type": "image", "url": url}


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no image that can be read"):
        image_block(b"hello")
    with pytest.raises(TypeError, match="int is no image"):
        image_block(7)
    with pytest.raises(FileNotFoundError):
        image_block(tmp_path / "missing.png")


def test_a_figure_reaches_the_server(fake_server: FakeServer) -> None:
    model = ChatStreamKit(model="any", base_url=fake_server.url)
    model.invoke([("user", ["What is it?", image_block(figure())])])
    part = fake_server.requests[0].messages[0]["content"][1]
    assert part["type"] == "image_url"
    assert part["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
