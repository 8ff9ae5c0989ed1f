"""CSV files of paths and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskcover.data import open_dataset
from maskcover.errors import InvalidInput
from tests.data.files import gradient, save, tree


def test_a_table_names_files_and_labels(tmp_path: Path) -> None:
    save(tmp_path / "photos/deep/x.png", gradient(3, 4))
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n./deep//x.png, 3\n")
    beside = open_dataset(tmp_path / "photos", labels=table)
    assert (beside.ids, beside.true_labels.tolist()) == (("deep/x.png",), [3])
    assert np.array_equal(beside[0], np.asarray(gradient(3, 4)))


def test_a_table_is_a_data_set_with_paths_from_its_own_folder(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.png", "y.png")
    table = tmp_path / "data.csv"
    table.write_text("\ufefflabel,path,note\n1,y.png,first\n0,a/x.png,\n", encoding="utf-8")
    for source in (table, f"csv:{table}"):
        data = open_dataset(source)
        assert (data.ids, data.true_labels.tolist()) == (("y.png", "a/x.png"), [1, 0])


def test_labels_may_be_names_of_the_models_classes_or_wordnet_ids(tmp_path: Path) -> None:
    tree(tmp_path, "x.png", "y.png")
    table = tmp_path / "data.csv"
    table.write_text("path,label\nx.png,Dog\ny.png,0\n")
    assert open_dataset(table, classes=["cat", "dog"]).true_labels.tolist() == [1, 0]
    table.write_text("path,label\nx.png,n03888257\n")
    assert open_dataset(table).true_labels.tolist() == [701]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\nx.png,cat\n", "line 2"),
        ("path,label\nx.png,-1\n", "line 2"),
        ("path,label\nx.png,1.5\n", "line 2"),
        ("path,label\nx.png\n", "line 2"),
        ("path,label\nnowhere.png,1\n", "there is no file"),
        ("file,class\nx.png,1\n", "columns path and label"),
        ("path,label\nx.png,0\n./x.png,1\n", r"all different; x\.png is there twice"),
        ("path,label\n", "found no images"),
        ("", "found no images"),
        ('path,label\n"x.png,1\n', "labels.csv"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.png").touch()
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        open_dataset(tmp_path, labels=table)


def test_a_table_has_no_parts_and_is_for_images(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    with pytest.raises(InvalidInput, match="no parts"):
        open_dataset(table if table.write_text("path,label\n") else "", split="val")
    with pytest.raises(InvalidInput, match="brings its own"):
        open_dataset(f"npz:{tmp_path}", labels=table)
    with pytest.raises(InvalidInput, match=r"cannot read .*nowhere\.csv"):
        open_dataset(tmp_path, labels=tmp_path / "nowhere.csv")


def test_files_outside_the_folder_are_read_only_if_that_is_said(tmp_path: Path) -> None:
    save(tmp_path / "secret.png", gradient(3, 4))
    tree(tmp_path, "data/x.png")
    table = tmp_path / "data/t.csv"
    for path in ("../secret.png", str(tmp_path / "secret.png"), "a/../../secret.png", "../data/x.png"):
        table.write_text(f"path,label\nx.png,0\n{path},1\n")
        with pytest.raises(InvalidInput, match=r"line 3: expected a path inside .*outside=True \(--outside\)"):
            open_dataset(table)
        with pytest.raises(InvalidInput, match="expected a path inside"):
            open_dataset(tmp_path / "data", labels=table)
    table.write_text("path,label\n../secret.png,1\n")
    assert np.array_equal(open_dataset(table, outside=True)[0], np.asarray(gradient(3, 4)))


@pytest.mark.parametrize("header", ["path,label,label", "path,path,label", "label,path,label"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, header: str) -> None:
    tree(tmp_path, "x.png")
    (tmp_path / "t.csv").write_text(f"{header}\nx.png,0,1\n")
    with pytest.raises(InvalidInput, match=r"has several columns (path|label); expected one"):
        open_dataset(tmp_path / "t.csv")


@pytest.mark.parametrize("row", ["x.png,0,1", "x.png," + "9" * 21, "x.png," + "9" * 5000, "x.png,0x1", "x.png,"])
def test_rows_that_say_no_label_or_too_much_are_refused(tmp_path: Path, row: str) -> None:
    tree(tmp_path, "x.png")
    (tmp_path / "t.csv").write_text(f"path,label\n{row}\n")
    with pytest.raises(InvalidInput, match="line 2: expected the columns path and label"):
        open_dataset(tmp_path / "t.csv")
