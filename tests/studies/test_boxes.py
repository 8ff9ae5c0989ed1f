"""Boxes are read from CSV and XML, strictly, and fill the part of an image that brute force counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskcover import InvalidInput
from maskcover.data import Dataset
from maskcover.studies import filled_fraction, object_sizes, read_boxes

BOX = "<object><name>n01</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def annotation(*boxes: tuple[object, ...]) -> str:
    inside = "".join(BOX.format(*box) for box in boxes)
    size = "<size><width>500</width><height>375</height></size>"
    return f"<annotation><folder>val</folder>{size}{inside}</annotation>"


def dataset(*names: str, size: tuple[int, int] = (10, 20)) -> Dataset:
    return Dataset("some images", names, None, lambda _: np.zeros(size, np.uint8))


def test_the_union_of_boxes_is_that_of_their_pixels() -> None:
    chance = np.random.default_rng(0)
    for _ in range(50):
        boxes, pixels = [], np.zeros((10, 20), dtype=bool)
        for _ in range(chance.integers(1, 5)):
            x0, y0 = chance.integers(-3, 18), chance.integers(-3, 9)
            x1, y1 = x0 + chance.integers(1, 9), y0 + chance.integers(1, 9)
            boxes.append((float(x0), float(y0), float(x1), float(y1)))
            pixels[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
        assert filled_fraction(boxes, (10, 20)) == pytest.approx(pixels.mean(), abs=1e-12)
    with pytest.raises(InvalidInput, match="at most 500 boxes; got 501"):
        filled_fraction([(0, 0, 1, 1)] * 501, (10, 20))


def test_a_csv_file_has_a_line_for_each_box(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("id,x0,y0,x1,y1,note\na,0,0,10,10,\nb,0,0,5.5,2,x\na,10,0,20,5,\n")
    boxes = read_boxes(path)
    assert boxes == {"a": [(0, 0, 10, 10), (10, 0, 20, 5)], "b": [(0, 0, 5.5, 2)]}
    sizes = object_sizes(dataset("b", "c", "a"), boxes)
    assert sizes[[0, 2]].tolist() == [5.5 * 2 / 200, 0.75]
    assert np.isnan(sizes[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,x0,y0,x1\na,0,0,1\n", "must have the columns id, x0, y0, x1, y1"),
        ("", "must have the columns"),
        ("id,x0,y0,x1,y1\na,0,0,1,one\n", r"boxes.csv, line 2: a box is four numbers.*one"),
        ("id,x0,y0,x1,y1\na,0,0,1\n", "line 2: a box is four numbers"),
        ("id,x0,y0,x1,y1\na,5,0,5,1\n", "x0 < x1"),
        ("id,x0,y0,x1,y1\na,0,0,inf,1\n", "four numbers"),
        ("id,x0,y0,x1,y1\na,0,0,nan,1\n", "four numbers"),
    ],
)
def test_what_is_no_box_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_boxes(path)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_bytes(b"id,x0,y0,x1,y1\n\xff\xfe,0,0,1,1\n")
    for name in ("boxes.csv", "none.csv"):
        with pytest.raises(InvalidInput, match="cannot read boxes from"):
            read_boxes(tmp_path / name)


def test_xml_files_go_by_the_names_of_images(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    (tmp_path / "val/ILSVRC2012_val_1.xml").write_text(annotation((0, 0, 10, 10), (10, 0, 20, 5)))
    (tmp_path / "val/ILSVRC2012_val_2.xml").write_text(annotation())
    boxes = read_boxes(tmp_path)
    assert boxes == {"ILSVRC2012_val_1": [(0, 0, 10, 10), (10, 0, 20, 5)], "ILSVRC2012_val_2": []}
    sizes = object_sizes(dataset("n01/ILSVRC2012_val_1.JPEG", "n02/ILSVRC2012_val_2.JPEG"), boxes)
    assert (sizes[0], np.isnan(sizes[1])) == (0.75, True)


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>' + annotation(("&c;", 0, 1, 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB.encode(), "document type.*refused"),
        (BOMB.encode("utf-16"), "document type.*refused"),
        (b"<!DOCTYPE annotation SYSTEM 'file:///etc/passwd'><annotation/>", "document type.*refused"),
        (b"<annotation><object>", "is no XML"),
        (b"", "is no XML"),
        (annotation(("", 0, 1, 1)).encode(), "four numbers"),
        (annotation((3, 0, 1, 1)).encode(), "x0 < x1"),
        (b"<annotation><object><bndbox/></object></annotation>", "four numbers"),
        (b"<annotation>" + b" " * (1 << 20) + b"</annotation>", "larger than 1,048,576 bytes"),
    ],
)
def test_xml_that_is_odd_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read_boxes(tmp_path)


def test_names_that_say_nothing_or_two_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no \.xml files"):
        read_boxes(tmp_path)
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.xml").write_text(annotation((0, 0, 1, 1)))
    with pytest.raises(InvalidInput, match=r"two files in .* are named a\.xml"):
        read_boxes(tmp_path)
    with pytest.raises(InvalidInput, match=r"no image of some images has a box; ids are such as x/b\.png"):
        object_sizes(dataset("x/b.png"), {"a": [(0, 0, 1, 1)]})
    with pytest.raises(InvalidInput, match="two images have the same file name"):
        object_sizes(dataset("x/a.png", "y/a.png"), {"a": [(0, 0, 1, 1)]})
    exact = object_sizes(dataset("x/a.png", "y/a.png"), {"x/a.png": [(0, 0, 20, 10)], "a": [(0, 0, 10, 10)]})
    assert exact.tolist() == [1.0, 0.5]
