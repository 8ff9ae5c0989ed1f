"""Several labels for each image: tables, COCO's JSON, folders of Pascal VOC, lists of Hugging Face."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from maskcover.data import Dataset, open_dataset
from maskcover.data.several import sets_for_model
from maskcover.errors import InvalidInput
from tests.data.files import noise, png

NAMES = ("dog", "cat")
"""The model's classes; most data below have them in another order."""


def images(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        (folder / name).write_bytes(png(noise(number)))
    return folder


def table(folder: Path, text: str) -> Path:
    images(folder, "a.png", "b.png", "c.png")
    (folder / "labels.csv").write_text(text)
    return folder / "labels.csv"


def opened(source: Any, classes: Any = NAMES, **options: Any) -> Dataset:
    return open_dataset(source, several=True, classes=classes, **options)


def test_one_column_for_each_class(tmp_path: Path) -> None:
    path = table(tmp_path, "path,cat,dog\na.png,1,0\nb.png,0,0\nc.png,1,1\n")
    data = opened(path)
    assert data.true_label_sets.tolist() == [[False, True], [False, False], [True, True]]
    assert (data.classes, data.ids, data.labels, data.matched) == (NAMES, ("a.png", "b.png", "c.png"), None, True)
    assert data.part([2]).true_label_sets.tolist() == [[True, True]]
    assert opened(path, None).true_label_sets.tolist()[0] == [True, False]  # in the order of the file, and not matched
    assert opened(tmp_path, labels=path).true_label_sets.tolist() == data.true_label_sets.tolist()


@pytest.mark.parametrize("between", [";", "|"])
def test_one_column_of_names(tmp_path: Path, between: str) -> None:
    path = table(tmp_path, f"path,labels\na.png,cat\nb.png,\nc.png,cat{between} Dog\n")
    assert opened(path).true_label_sets.tolist() == [[False, True], [False, False], [True, True]]
    with pytest.raises(InvalidInput, match="a class that no image has would be missing"):
        opened(path, None)
    with pytest.raises(InvalidInput, match="expected names among the 2 classes; got cat"):
        opened(path, ("dog", "cow"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,cat,dog\na.png,1,yes\n", "line 2: expected 0 or 1 for each class, absent or present; got 'yes'"),
        ("path,cat,dog\na.png,1,\n", "line 2: expected 0 or 1 for each class"),
        ("path,cat,dog\na.png,1\n", "line 2: expected a path, and one cell for each column"),
        ("path,cat,dog\na.png,1,0,0\n", "line 2: expected a path, and one cell for each column"),
        ("path,cat,dog\nx.png,1,0\n", "line 2: there is no file"),
        ("path,cat,dog\n../x.png,1,0\n", "expected a path inside"),
        ("path,cat,dog\na.png,1,0\na.png,1,0\n", "a.png is there twice"),
        ("path,cat,cat\na.png,1,0\n", "'cat' twice"),
        ("path,labels,dog\na.png,cat,0\n", "either the column labels"),
        ("file,cat\na.png,0\n", "expected the column path"),
        ("path,cat\na.png,0\n", "says nothing about dog"),
        ("path,cat,dog,cow\na.png,0,0,0\n", "expected names among the 2 classes; got cow"),
        ("path,cat,Cat,dog\na.png,0,0,0\n", "are one class of the model"),
    ],
)
def test_what_is_wrong_in_a_table_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(InvalidInput, match=message):
        opened(path)


def coco(folder: Path, **changes: Any) -> Path:
    images(folder, "a.png", "b.png")
    document = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 3, "file_name": "b.png"}],
        "categories": [{"id": 18, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [{"image_id": 7, "category_id": 18, "bbox": [0.5, 1, 2, 3]}, {"image_id": 7, "category_id": 18}],
    } | changes
    (folder / "instances.json").write_text(json.dumps(document))
    return folder / "instances.json"


def test_instances_of_coco(tmp_path: Path) -> None:
    path = coco(tmp_path)
    assert opened(path).true_label_sets.tolist() == [[False, True], [False, False]]
    assert opened(f"coco:{path}").ids == ("a.png", "b.png")
    other = tmp_path / "annotations" / "instances.json"
    other.parent.mkdir()
    other.write_bytes(path.read_bytes())
    assert opened(tmp_path, labels=other).true_label_sets.tolist() == [[False, True], [False, False]]
    with pytest.raises(InvalidInput, match="there is no file"):
        opened(other)
    with pytest.raises(InvalidInput, match="has several labels for each image"):
        open_dataset(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotations": [{"image_id": 8, "category_id": 18}]}, r"annotations\[0\]: expected an image_id of images"),
        ({"annotations": [{"image_id": 7, "category_id": True}]}, r"annotations\[0\]: expected an image_id"),
        ({"annotations": {}}, "a list of objects named annotations"),
        ({"categories": [{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}]}, "expected different ids of categories"),
        ({"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}], "annotations": []}, "'cat' twice"),
        (
            {"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": 3}], "annotations": []},
            "expected a text as name; got 3",
        ),
        ({"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.png"}], "annotations": []}, "twice"),
        ({"images": [{"id": "1", "file_name": "a.png"}], "annotations": []}, "expected a whole number as id; got '1'"),
        ({"images": [{"id": 1, "file_name": "/a.png"}], "annotations": []}, "expected a path inside"),
    ],
)
def test_what_is_wrong_in_instances_is_said(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = coco(tmp_path, **changes)
    with pytest.raises(InvalidInput, match=message):
        opened(path)


def voc(folder: Path, **annotations: str) -> Path:
    images(folder / "JPEGImages", "a.png", "b.png")
    (folder / "Annotations").mkdir()
    for name, body in annotations.items():
        text = body if body.startswith("<!") or not body.startswith("<") else f"<annotation>{body}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "val.txt").write_text("b\n")
    (folder / "ImageSets" / "Main" / "bad.txt").write_text("a  1\n")
    return folder


CAT = "<filename>a.png</filename><object><name>cat</name><part><name>ear</name></part></object>"


def test_folders_of_pascal_voc(tmp_path: Path) -> None:
    folder = voc(tmp_path, a=CAT + "<object><name>cat</name></object>", b="<filename>b.png</filename>")
    assert opened(folder).true_label_sets.tolist() == [[False, True], [False, False]]
    assert opened(folder, split="val").ids == ("b.png",)
    for split, message in (("test", "expected one of bad, val"), ("bad", "expected one name of an image a line")):
        with pytest.raises(InvalidInput, match=message):
            opened(folder, split=split)
    with pytest.raises(InvalidInput, match="several labels by name"):
        opened(folder, None)
    with pytest.raises(InvalidInput, match="has several labels for each image"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<filename>a.png</filename><object></object>", "0 names for 1 objects"),
        ("<object><name>cat</name></object>", "got 0 filenames"),
        ("<filename>x.png</filename>", "there is no file"),
        ("<filename>../Annotations/a.xml</filename>", "expected a path inside"),
        ("<filename>a.png</filename", "cannot read"),
        ("<a>" * 70 + "</a>" * 70, "more than 64 deep"),
        (CAT.replace("cat", "cow"), "expected names among the 2 classes; got cow"),
        ('<!DOCTYPE a [<!ENTITY b "dog">]><annotation><filename>a.png</filename></annotation>', "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "document type"),
    ],
)
def test_what_is_wrong_in_xml_is_said(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        opened(voc(tmp_path, a=body))


def huggingface(folder: Path, rows: list[list[int] | None], kind: str = "List", **label: Any) -> Path:
    folder.mkdir(parents=True)
    label = {"_type": kind, "feature": {"_type": "ClassLabel", "names": ["cat", "dog"]} | label}
    features = {"image": {"_type": "Image"}, "labels": label}
    kind_of_image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    pixels = pa.array([{"bytes": png(noise(number)), "path": "x.png"} for number in range(len(rows))], kind_of_image)
    whole = pa.table({"image": pixels, "labels": pa.array(rows, pa.list_(pa.int64()))})
    whole = whole.replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": features}}).encode()})
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as stream:
        stream.write_table(whole)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}], "_split": None}))
    return folder


@pytest.mark.parametrize("kind", ["List", "LargeList", "Sequence"])
def test_lists_of_hugging_face(tmp_path: Path, kind: str) -> None:
    folder = huggingface(tmp_path / "data", [[0], [], [1, 0]], kind)
    assert opened(folder).true_label_sets.tolist() == [[False, True], [False, False], [True, True]]


def test_what_is_wrong_in_lists_is_said(tmp_path: Path) -> None:
    wrong: list[list[list[int] | None]] = [[[2]], [[-1]], [None]]
    for number, rows in enumerate(wrong):
        with pytest.raises(InvalidInput, match="lists of class numbers from 0 to 1; row 0 has"):
            opened(huggingface(tmp_path / str(number), rows))
    with pytest.raises(InvalidInput, match="expected names of the classes"):
        opened(huggingface(tmp_path / "unnamed", [[0]], names=None))
    with pytest.raises(InvalidInput, match="expected a column of lists of ClassLabel"):
        opened(huggingface(tmp_path / "plain", [[0]], _type="Value"))


def test_one_label_for_each_image_is_refused(tmp_path: Path) -> None:
    images(tmp_path / "cat", "a.png")
    with pytest.raises(InvalidInput, match="which has one label for each image; several labels come from csv"):
        opened(tmp_path)
    with pytest.raises(InvalidInput, match="has no several labels"):
        opened([(np.zeros((4, 4), np.uint8), 1)])


def test_the_classes_of_data_and_model_are_compared(tmp_path: Path) -> None:
    path = table(tmp_path, "path,cat,dog\na.png,1,0\nb.png,0,0\nc.png,1,1\n")
    assert sets_for_model(opened(path, None), NAMES).true_label_sets.tolist()[0] == [False, True]
    assert sets_for_model(opened(path), NAMES).classes == NAMES
    assert sets_for_model(opened(path), ("hound", "tom")).classes == NAMES  # names of other words are the user's
    for classes, names, message in (
        (None, None, "does not say which of its outputs is which class"),
        (None, ("dog", "cow"), "expected names among the 2 classes; got cat"),
        (NAMES, ("cat", "dog"), "in this order"),
        (NAMES, ("cat", "dog", "cow"), "in this order"),
    ):
        with pytest.raises(InvalidInput, match=message):
            sets_for_model(opened(path, classes), names)
    with pytest.raises(InvalidInput, match="2 classes"):
        opened(path, 3)
