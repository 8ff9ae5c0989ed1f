"""Image files as a classifier takes them: folders, labels, and one preprocessing for certifying and serving.

Pillow is imported only when a file is opened.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.errors import InvalidInput, MissingExtra

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_MODES = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})


@dataclass(frozen=True, slots=True)
class Sample:
    """An image file and its true label, if it is known."""

    path: Path
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From an image file to the model's input, the frame in which regions and masks live.

    The shorter side is resized (bicubic) until the image just fills `size`, the centre is cut out, values are scaled
    to [0, 1], and `mean` is subtracted and divided by `std`, each one number or one a channel.
    """

    size: tuple[int, int]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
                raise InvalidInput(f"{name} must be one finite number, or one for each of 3 channels; got {values}")
        if min(self.std) <= 0:
            raise InvalidInput(f"std must be above 0; got {self.std}")
        if len(self.size) != 2:
            raise InvalidInput(f"images have a height and a width; got the size {self.size}")

    @property
    def range(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What black and white become: the least and the greatest value of a pixel, for each of three channels."""
        scales = list(zip((self.mean * 3)[:3], (self.std * 3)[:3], strict=True))
        return tuple(-mean / std for mean, std in scales), tuple((1.0 - mean) / std for mean, std in scales)

    def __call__(self, path: Path) -> npt.NDArray[np.float32]:
        """Read a file: float32 of shape (3, height, width). Raises `InvalidInput` that names the file."""
        pixels = read_rgb(path, self.size).astype(np.float32) / np.float32(255)
        scaled = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Preprocessed images, each read from its file when it is asked for."""

    paths: tuple[Path, ...]
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int, /) -> npt.NDArray[np.float32]:
        return self.preprocessing(self.paths[number])


def read_rgb(path: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """An image file as uint8 (height, width, 3): turned upright, resized and cropped to `size`.

    Raises:
        InvalidInput: not an image, damaged, animated, with transparency, or of more than 8 bits a channel: there
            would be more than one way to read it.
    """
    pillow = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.Image.DecompressionBombWarning)
            with pillow.Image.open(path) as image:
                _refuse_odd(path, image)
                upright = pillow.ImageOps.exif_transpose(image).convert("RGB")
                fitted = pillow.ImageOps.fit(upright, size[::-1], method=pillow.Image.Resampling.BICUBIC)
                return np.asarray(fitted, dtype=np.uint8)
    except (
        OSError, SyntaxError, pillow.Image.DecompressionBombError, pillow.Image.DecompressionBombWarning
    ) as error:  # fmt: skip
        raise InvalidInput(f"cannot read the image {path}: {error}") from error


def labelled_folder(folder: Path) -> tuple[Sample, ...]:
    """The images of a folder that has one subfolder for each class.

    Subfolders named by whole numbers are those classes; otherwise classes are numbered from 0 in the order of names.
    """
    classes = sorted(path for path in _entries(folder) if path.is_dir())
    if not classes:
        raise InvalidInput(f"{folder} has no subfolders; expected one for each class, or give --labels file.csv")
    numbered = all(path.name.isdecimal() for path in classes)
    samples = tuple(
        Sample(image, int(path.name) if numbered else number)
        for number, path in enumerate(classes)
        for image in _images(path)
    )
    return _not_empty(samples, folder)


def labelled_csv(table: Path, folder: Path) -> tuple[Sample, ...]:
    """The images listed in a CSV file with the columns ``path`` (relative to `folder`) and ``label`` (a number)."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream, strict=True)
            samples = tuple(_row(row, f"{table}, line {rows.line_num}", folder) for row in rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"cannot read {table}: {error}") from error
    return _not_empty(samples, table)


def unlabelled_folder(folder: Path) -> tuple[Sample, ...]:
    """Every image below a folder, in the order of names."""
    return _not_empty(tuple(map(Sample, _images(folder))), folder)


def _row(row: dict[str, Any], place: str, folder: Path) -> Sample:
    path, label = row.get("path"), row.get("label")
    if not path or not isinstance(label, str) or not label.strip().isdecimal():
        raise InvalidInput(f"{place}: expected the columns path and label, a class number from 0; got {row}")
    if not (folder / path).is_file():
        raise InvalidInput(f"{place}: there is no file {folder / path}")
    return Sample(folder / path, int(label))


def _entries(folder: Path) -> Sequence[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InvalidInput(f"cannot read the folder {folder}: {error.strerror}") from error


def _images(folder: Path) -> Iterator[Path]:
    for path in sorted(_entries(folder)):
        if path.is_dir():
            yield from _images(path)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _not_empty(samples: tuple[Sample, ...], source: Path) -> tuple[Sample, ...]:
    if not samples:
        raise InvalidInput(f"found no images in {source}; expected files such as .png or .jpg")
    return samples


def _refuse_odd(path: Path, image: Any) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise InvalidInput(f"{path} is animated or has several pages; expected a single picture")
    if image.mode not in _MODES or "transparency" in image.info:
        raise InvalidInput(f"{path} has mode {image.mode} or transparency; save it as 8-bit RGB or grey first")


def _pillow() -> ModuleType:
    try:
        import PIL
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise MissingExtra("reading images needs Pillow; try: pip install 'maskcover[torch]'") from error
    return PIL
