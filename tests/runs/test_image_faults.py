"""A fault of one image is a row of an error, whatever the classifier and the frame: it never ends a run."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from maskcover import open_dataset
from maskcover.data import Preprocessing
from maskcover.regions import Fit
from maskcover.runs import run, run_source, summary
from tests.runs.greys import LABELS, MASKS, Bright, greys
from tests.runs.lookups import rows

ODD = {
    "another shape": np.zeros((5, 7), np.uint8),
    "larger": np.zeros((12, 12), np.uint8),
    "no axes": np.uint8(3),
    "three axes more": np.zeros((2, 2, 2, 6, 6), np.uint8),
    "texts": np.full((6, 6), "x"),
    "nothing": None,
    "a text": "cat.png",
}


class Strict(Bright):
    """A classifier that says itself what it cannot take."""

    def scores(self, images: Any, hidden: Any) -> Any:
        if odd := [image for image in images if np.shape(image) != (6, 6) or np.asarray(image).dtype.kind not in "uif"]:
            raise ValueError(f"expected 6×6 numbers; got {odd[0]!r}")
        return super().scores(images, hidden)


class Summing(torch.nn.Module):
    """The same as a torch module, by sums that are exact; images are its tensors."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        total = images.flatten(1).sum(dim=1)
        return torch.stack([torch.full_like(total, 127.0 * 36), total], dim=1)


def torch_images(images: list[Any]) -> list[Any]:
    return [
        torch.from_numpy(one[None].astype(np.float32)) if isinstance(one, np.ndarray) and one.dtype.kind == "u" else one
        for one in images
    ]


CLASSIFIERS: dict[str, tuple[Callable[[], object], Callable[[list[Any]], list[Any]], dict[str, Any]]] = {
    "strict": (Strict, list, {}),
    "torch": (lambda: Summing().eval(), torch_images, {"batch_size": 4, "fill": 127.0}),
}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("where", [0, 4])
@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_image_that_does_not_fit_is_an_error_row_at_every_start(
    odd: Any, kind: str, where: int, tmp_path: Path
) -> None:
    make, prepared, options = CLASSIFIERS[kind]
    images: list[Any] = list(greys())
    images[where] = odd
    for part in ((0, 2), (1, 2)):
        run(make(), prepared(images), LABELS, MASKS, tmp_path, shard_size=3, shard=part, **options)
    found = summary(tmp_path)
    assert (found.rows, found.errors, found.certified) == (8, 1, 7)
    assert [row.id for row in rows(tmp_path) if row.verdict == "error"] == [str(where)]


def tiff(path: Path) -> None:
    """A TIFF whose directory has no entries."""
    path.write_bytes(b"II*\0" + struct.pack("<IHI", 8, 0, 0))


def turned_by_a_text(path: Path) -> None:
    """A photo whose Exif says by a text how it lies."""
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x0112, 2, 3, b"up\0\0", 0)
    Image.new("RGB", (12, 12)).save(path, exif=exif)


def cut(path: Path) -> None:
    """A photo of which the end is missing."""
    Image.new("RGB", (12, 12)).save(path)
    path.write_bytes(path.read_bytes()[:200])


def long_text(path: Path) -> None:
    """A PNG with a comment that unpacks to 80 MB."""
    Image.new("RGB", (12, 12)).save(path)
    packed = b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9)
    chunk = struct.pack(">I", len(packed)) + b"zTXt" + packed + struct.pack(">I", zlib.crc32(b"zTXt" + packed))
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk + content[33:])


FILES: dict[str, Callable[[Path], object]] = {
    "text.jpg": turned_by_a_text,
    "letters.ppm": lambda path: path.write_bytes(b"P6 x y 255\n"),
    "cut.ppm": lambda path: path.write_bytes(b"P6 12 12 255\n" + bytes(7)),
    "huge.ppm": lambda path: path.write_bytes(b"P6 " + b"9" * 30 + b" 1 255\n"),
    "empty.tif": tiff,
    "long.png": long_text,
    "none.png": lambda path: path.write_bytes(b""),
    "cut.jpg": cut,
}


@pytest.mark.filterwarnings("ignore:mask .* hides more than half:maskcover.MaskcoverWarning")  # the world is tiny
@pytest.mark.parametrize("frame", ["input", "source"])
def test_files_that_break_a_reader_are_error_rows_in_both_frames(frame: str, tmp_path: Path) -> None:
    (tmp_path / "photos/0").mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (12, 12 + number), "black").save(tmp_path / f"photos/0/good{number}.png")
    for name, make in FILES.items():
        make(tmp_path / "photos/0" / name)
    data = open_dataset(tmp_path / "photos", classes=2)
    shrunk, out = Preprocessing((Fit((6, 6)),), layout="hwc"), tmp_path / "RUN"

    class Colours(Bright):
        """Bright, of colours."""

        def scores(self, images: Any, hidden: Any) -> Any:
            return super().scores([np.rint(255 * np.asarray(image).mean(axis=-1)) for image in images], hidden)

    if frame == "input":
        found = run(Colours(), data.prepared(shrunk), data.true_labels, MASKS, out, ids=data.ids)
    else:
        found = run_source(Colours(), data, "squares(size=2)", out, preprocessing=shrunk)
    assert (found.rows, found.certified) == (len(FILES) + 2, found.rows - found.errors)
    assert found.errors >= len(FILES) - 2  # a photo that says oddly how it lies, or says much, may be read
