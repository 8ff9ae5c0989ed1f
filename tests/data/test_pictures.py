"""Reading image files: each one right, or one clear error that names it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskcover.data import open_dataset
from maskcover.data.pictures import picture_size, read_picture
from maskcover.errors import InvalidInput, MissingExtra
from tests.data.files import gradient, png, save


def test_an_image_is_read_as_it_is(tmp_path: Path) -> None:
    image, path = gradient(6, 9), tmp_path / "a.png"
    assert np.array_equal(read_picture(save(path, image), "a"), np.asarray(image))
    assert np.array_equal(read_picture(io.BytesIO(path.read_bytes()), "a"), np.asarray(image))
    assert picture_size(path, "a") == (6, 9)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda pixels: pixels),
        (2, np.fliplr),
        (3, lambda pixels: np.rot90(pixels, 2)),
        (4, np.flipud),
        (5, lambda pixels: pixels.transpose(1, 0, 2)),
        (6, lambda pixels: np.rot90(pixels, -1)),
        (7, lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2)),
        (8, np.rot90),
    ],
)
def test_a_photo_turned_by_its_camera_is_turned_upright(tmp_path: Path, orientation: int, turned: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = gradient(4, 8)
    path = save(tmp_path / "a.png", image, exif=exif)
    assert callable(turned)
    expected = turned(np.asarray(image))
    assert np.array_equal(read_picture(path, "a"), expected)
    assert picture_size(path, "a") == expected.shape[:2]


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P"])
def test_grey_palette_and_print_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    picture = read_picture(save(tmp_path / f"a.{suffix}", Image.new("RGB", (4, 3), "white").convert(mode)), "a")
    assert picture.shape == (3, 4, 3)
    assert picture.dtype == np.uint8
    assert picture.min() > 250


def test_threat_16_two_reads_of_one_file_are_equal(tmp_path: Path) -> None:
    save(tmp_path / "0/a.jpg", gradient(50, 70))
    first, second = (open_dataset(tmp_path) for _ in range(2))
    assert first.ids == second.ids
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[0], first[0])


def odd_files(folder: Path) -> dict[str, Path]:
    truncated = save(folder / "truncated.png", gradient(64, 64))
    truncated.write_bytes(truncated.read_bytes()[:200])
    cut = save(folder / "cut.jpg", gradient(64, 64))
    cut.write_bytes(cut.read_bytes()[:-200])
    text = folder / "text.png"
    text.write_text("hello")
    empty = folder / "empty.png"
    empty.touch()
    pages = [Image.new("L", (4, 4)), Image.new("L", (4, 4), 9)]
    return {
        "alpha": save(folder / "alpha.png", Image.new("RGBA", (4, 4))),
        "grey with alpha": save(folder / "greyalpha.png", Image.new("LA", (4, 4))),
        "palette": save(folder / "palette.png", Image.new("P", (4, 4)), transparency=0),
        "deep": save(folder / "deep.png", Image.fromarray(np.zeros((4, 4), np.uint16))),
        "real": save(folder / "real.tif", Image.fromarray(np.zeros((4, 4), np.float32))),
        "animated": save(folder / "animated.gif", pages[0], save_all=True, append_images=pages[1:]),
        "pages": save(folder / "pages.tif", pages[0], save_all=True, append_images=pages[1:]),
        "truncated": truncated,
        "cut": cut,
        "text": text,
        "empty": empty,
        "missing": folder / "missing.png",
    }


ODD = (
    "alpha", "grey with alpha", "palette", "deep", "real", "animated", "pages", "truncated", "cut", "text", "empty",
    "missing",
)  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_odd_files_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = odd_files(tmp_path)[kind]
    with pytest.raises(InvalidInput, match=path.name):
        read_picture(path, str(path))


def test_an_enormous_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (11, 40):
        with pytest.raises(InvalidInput, match=r"big\.png"):
            read_picture(save(tmp_path / "big.png", Image.new("L", (side, side))), "big.png")


def test_a_missing_pillow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    content = png(np.zeros((2, 2, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"pip install .*\[data\]'"):
        read_picture(io.BytesIO(content), "a")
