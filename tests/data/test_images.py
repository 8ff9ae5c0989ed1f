"""Reading image files: each one right, or one clear error that names it."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskcover.data import open_dataset
from maskcover.data.images import read_image, read_size
from maskcover.errors import InvalidInput, MissingExtra
from tests.data.files import gradient, png, save


def test_an_image_is_read_as_it_is(tmp_path: Path) -> None:
    image, path = gradient(6, 9), tmp_path / "a.png"
    assert np.array_equal(read_image(save(path, image), "a"), np.asarray(image))
    assert np.array_equal(read_image(io.BytesIO(path.read_bytes()), "a"), np.asarray(image))
    assert read_size(path, "a") == (6, 9)


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
    assert np.array_equal(read_image(path, "a"), expected)
    assert read_size(path, "a") == expected.shape[:2]


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P"])
def test_grey_palette_and_print_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    picture = read_image(save(tmp_path / f"a.{suffix}", Image.new("RGB", (4, 3), "white").convert(mode)), "a")
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
        read_image(path, str(path))


def test_an_enormous_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (11, 40):
        with pytest.raises(InvalidInput, match=r"big\.png"):
            read_image(save(tmp_path / "big.png", Image.new("L", (side, side))), "big.png")


def test_a_missing_pillow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    content = png(np.zeros((2, 2, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"pip install .*\[data\]'"):
        read_image(io.BytesIO(content), "a")


def turned(folder: Path, orientation: object, suffix: str = "png") -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(folder / f"turned.{suffix}", gradient(4, 8), exif=exif)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
@pytest.mark.parametrize("orientation", [0, 1, 3, 6, 8, 9, 77])
def test_every_format_is_turned_alike_and_measured_as_it_is_read(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = turned(tmp_path, orientation, suffix)
    sides = (8, 4) if orientation in (6, 8) else (4, 8)
    assert read_image(path, "a").shape[:2] == read_size(path, "a") == sides


def test_a_tiff_is_turned_once(tmp_path: Path) -> None:
    path = turned(tmp_path, 6, "tif")
    assert np.array_equal(read_image(path, "a"), np.rot90(np.asarray(gradient(4, 8)), -1))


def turned_by_words(folder: Path) -> Path:
    """A photo whose Exif tag of orientation is a text."""
    entry = struct.pack("<HHI4s", 0x0112, 2, 4, b"six\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    return save(folder / "words.jpg", gradient(4, 8), exif=exif)


def multi_picture(path: Path, seeds: int = 2) -> Path:
    """An MPO, as phones write it: several JPEGs in one file, called .jpg."""
    first, *others = (gradient(16 + number, 24) for number in range(seeds))
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, "mpo", save_all=True, append_images=others)
    return path


def test_of_a_phones_mpo_the_first_image_is_taken(tmp_path: Path) -> None:
    path = multi_picture(tmp_path / "0/photo.jpg")
    with Image.open(path) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("MPO", 2)
        first = np.asarray(image.convert("RGB"))
    assert np.array_equal(read_image(path, "photo"), first)
    assert read_size(path, "photo") == (16, 24)
    with Image.open(path) as image:
        assert np.array_equal(open_dataset([(image, 0)])[0], first)


def huge_text(folder: Path) -> Path:
    """A PNG with a remark of a few kilobytes that unpacks to a hundred megabytes."""
    info = PngInfo()
    info.add_text("remark", "x" * 2**21, zip=True)
    return save(folder / "remark.png", gradient(4, 5), pnginfo=info)


def without_tag(folder: Path, tag: int) -> Path:
    """A TIFF without one of the tags that it cannot do without."""
    path = save(folder / f"no{tag}.tif", gradient(4, 5))
    content = path.read_bytes()
    assert content.count(struct.pack("<HH", tag, 4)) + content.count(struct.pack("<HH", tag, 3)) == 1
    for kind in (3, 4):
        content = content.replace(struct.pack("<HH", tag, kind), struct.pack("<HH", 60000 + tag, kind))
    path.write_bytes(content)
    return path


def broken(folder: Path) -> dict[str, Path]:
    """Files whose very head makes Pillow raise something else each."""
    folder.mkdir(exist_ok=True)
    for name, content in {
        "ppm": b"P6\n4 x\n255\n", "short.ppm": b"P6", "deep.ppm": b"P6 4 4 70000 ", "plain.ppm": b"P3 2 2 255 1 2 a",
        "gif": b"GIF89a" + bytes(7) + b",", "bmp": b"BM" + bytes(30), "webp": b"RIFF\0\0\0\0WEBPVP8 ",
    }.items():  # fmt: skip
        (folder / f"broken.{name}").write_bytes(content)
    there = {path.name: path for path in folder.iterdir()}
    made = [turned_by_words(folder), huge_text(folder), without_tag(folder, 256), without_tag(folder, 257)]
    return there | {path.name: path for path in made}


@pytest.mark.parametrize(
    "name",
    [
        "broken.ppm", "broken.short.ppm", "broken.deep.ppm", "broken.plain.ppm", "broken.gif", "broken.bmp",
        "broken.webp", "words.jpg", "remark.png", "no256.tif", "no257.tif",
    ],
)  # fmt: skip
def test_a_broken_file_is_one_kind_of_error_by_name_also_where_only_its_size_is_read(tmp_path: Path, name: str) -> None:
    path = broken(tmp_path)[name]
    with pytest.raises(InvalidInput, match=name):
        read_image(path, name)
    if name != "broken.plain.ppm":  # whose head is right
        with pytest.raises(InvalidInput, match=name):
            read_size(path, name)


def test_a_broken_file_has_no_size_in_a_data_set_of_any_kind(tmp_path: Path) -> None:
    turned_by_words(tmp_path / "0")

    class Disk:
        targets = (0,)

        def __len__(self) -> int:
            return 1

        def __getitem__(self, _: int) -> None:
            raise OSError("disk")

    for source, message in ((tmp_path, "Exif orientation; got 'six'"), (Disk(), "item/000000: OSError: disk")):
        with pytest.raises(InvalidInput, match=message):
            open_dataset(source).size(0)


def test_no_program_is_started_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow gives PostScript to Ghostscript, whatever the file is called."""
    Image.init()
    started: list[object] = []
    monkeypatch.setattr(subprocess, "check_call", lambda *arguments, **_: started.append(arguments))
    path = tmp_path / "photo.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n")
    for read in (read_image, read_size):
        with pytest.raises(InvalidInput, match="cannot identify"):
            read(path, "photo")
    assert started == []


def test_remarks_that_are_damaged_do_not_spoil_a_photo(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", gradient(8, 8), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    assert read_image(path, "a").shape == (8, 8, 3)
