"""Image files that were damaged in every way: an array or `InvalidInput`, nothing else, soon, and in little memory.

`FUZZ_EXAMPLES` says how many of each kind are tried; the CI tries so many that it takes about a minute.
"""

from __future__ import annotations

import io
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskcover.data.images import ImageArray, read_image, read_size
from maskcover.errors import InvalidInput
from tests.data.files import gradient

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))
PIXELS = 1 << 20  # of the largest image that is read here: what a head claims is memory before a pixel is read
MEMORY = 400 << 20  # bytes that all examples of a kind may take together
SECONDS = 60  # of computing, not of the clock, for one file of a few kilobytes

Words = tuple[str, dict[str, Any]]


def _remarks() -> PngInfo:
    found = PngInfo()
    found.add_text("remark", "x" * 500, zip=True)
    found.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=True)
    return found


def _turned() -> Image.Exif:
    found = Image.Exif()
    found[0x0112], found[0x010E] = 6, "a photo"
    return found


def _exif() -> Image.Exif:
    found = _turned()
    found[0x8769] = {0x9003: "2024:01:01 00:00:00"}
    return found


KINDS: dict[str, Callable[[], Words]] = {
    "RGB.png": lambda: ("PNG", {"pnginfo": _remarks()}),
    "P.png": lambda: ("PNG", {"exif": _exif()}),
    "1.png": lambda: ("PNG", {}),
    "RGB.jpg": lambda: ("JPEG", {"exif": _exif(), "quality": 90}),
    "L.jpg": lambda: ("JPEG", {"progressive": True}),
    "CMYK.jpg": lambda: ("JPEG", {}),
    "RGB.mpo": lambda: ("MPO", {"save_all": True, "append_images": [gradient(9, 7)], "exif": _exif()}),
    "P.gif": lambda: ("GIF", {}),
    "RGB.bmp": lambda: ("BMP", {}),
    "L.bmp": lambda: ("BMP", {}),
    "RGB.ppm": lambda: ("PPM", {}),
    "L.ppm": lambda: ("PPM", {}),
    "RGB.tif": lambda: ("TIFF", {"exif": _turned()}),
    "L.lzw.tif": lambda: ("TIFF", {"compression": "tiff_lzw"}),
    "RGB.jpeg.tif": lambda: ("TIFF", {"compression": "jpeg"}),
    "1.g4.tif": lambda: ("TIFF", {"compression": "group4"}),
    "RGB.webp": lambda: ("WEBP", {"exif": _exif()}),
    "RGB.lossless.webp": lambda: ("WEBP", {"lossless": True}),
    "RGB.avif": lambda: ("AVIF", {"exif": _exif(), "speed": 10}),
    "RGB.jp2": lambda: ("JPEG2000", {}),
}


@cache
def whole(kind: str) -> bytes:
    """A good file of a kind: its name begins with Pillow's mode."""
    words, options = KINDS[kind]()
    stream = io.BytesIO()
    gradient(13, 17).convert(kind.partition(".")[0]).save(stream, words, **options)
    return stream.getvalue()


NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
PLACES = st.floats(0, 1, exclude_max=True)
FAULTS = st.one_of(
    st.tuples(st.just("set"), PLACES, st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("set"), st.floats(0, 0.1), st.binary(min_size=1, max_size=4)),  # the head
    st.tuples(
        st.just("set"),
        PLACES,
        st.builds(
            lambda number, order: number.to_bytes(4, "big").lstrip(b"\0")[::order] or b"\0",
            st.sampled_from(NUMBERS),
            st.sampled_from([1, -1]),
        ),
    ),
    st.tuples(st.just("insert"), PLACES, st.binary(min_size=1, max_size=16)),
    st.tuples(st.just("drop"), PLACES, st.integers(1, 64)),
    st.tuples(st.just("repeat"), PLACES, st.integers(1, 64)),
    st.tuples(st.just("cut"), PLACES, st.none()),
)


def damaged(content: bytes, faults: list[tuple[str, float, Any]]) -> bytes:
    for what, share, value in faults:
        place = int(share * len(content))
        if what == "set":
            content = content[:place] + value + content[place + len(value) :]
        elif what == "insert":
            content = content[:place] + value + content[place:]
        elif what == "drop":
            content = content[:place] + content[place + value :]
        elif what == "repeat":
            content = content[: place + value] + content[place:]
        else:
            content = content[:place]
    return content


@contextmanager
def soon() -> Iterator[None]:
    """Whatever computes for longer fails; it does not depend on who else computes on the machine."""

    def stop(*_: object) -> None:
        pytest.fail(f"no end after {SECONDS} seconds of computing")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def in_little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", PIXELS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


def read(content: bytes) -> ImageArray | None:
    try:
        found = read_image(io.BytesIO(content), "damaged")
    except InvalidInput:
        return None
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.uint8
    assert (found.ndim, found.shape[2]) == (3, 3)
    assert found.shape[0] * found.shape[1] <= PIXELS
    return found


def measured(content: bytes) -> tuple[int, int] | None:
    try:
        return read_size(io.BytesIO(content), "damaged")
    except InvalidInput:
        return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_a_picture_or_one_clear_error(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = read(whole(kind))
    assert good is not None
    assert measured(whole(kind)) == good.shape[:2]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(FAULTS, min_size=1, max_size=4))
    def tried(faults: list[tuple[str, float, Any]]) -> None:
        content = damaged(whole(kind), faults)
        with soon():
            picture, size = read(content), measured(content)
        # What can be read can be measured, and as what it is read: regions on the source depend on it.
        assert picture is None or size == picture.shape[:2]

    with in_little_memory(monkeypatch):
        tried()
