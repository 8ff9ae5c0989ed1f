"""Reading images and labels from files: each file right, or one clear error that names it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskcover.errors import InvalidInput, MissingExtra
from maskcover.runs.images import (
    ImageFiles,
    Preprocessing,
    Sample,
    labelled_csv,
    labelled_folder,
    read_rgb,
    unlabelled_folder,
)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)  # type: ignore[arg-type]  # Pillow's own options
    return path


def gradient(height: int, width: int) -> Image.Image:
    values = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
    return Image.fromarray(np.stack([values, values[::-1], values[:, ::-1]], axis=2))


def test_an_image_of_the_right_size_is_read_as_it_is(tmp_path: Path) -> None:
    image = gradient(6, 9)
    assert np.array_equal(read_rgb(save(tmp_path / "a.png", image), (6, 9)), np.asarray(image))


def test_the_centre_is_cut_out_of_a_wide_image(tmp_path: Path) -> None:
    image = gradient(6, 10)
    assert np.array_equal(read_rgb(save(tmp_path / "a.png", image), (6, 6)), np.asarray(image)[:, 2:8])


def test_values_are_scaled_and_normalised_and_channels_come_first(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", (4, 2), (255, 0, 51)))
    image = Preprocessing((2, 4), mean=(0.5, 0.25, 0.2), std=(0.5, 0.25, 2.0))(path)
    assert image.shape == (3, 2, 4)
    assert image.dtype == np.float32
    assert image[:, 0, 0] == pytest.approx([1.0, -1.0, 0.0])


def test_a_photo_turned_by_its_camera_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = gradient(4, 8)
    turned = read_rgb(save(tmp_path / "a.png", image, exif=exif), (8, 4))
    assert np.array_equal(turned, np.rot90(np.asarray(image), -1))


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P"])
def test_grey_palette_and_print_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    image = read_rgb(save(tmp_path / f"a.{suffix}", Image.new("RGB", (4, 4), "white").convert(mode)), (4, 4))
    assert image.shape == (4, 4, 3)
    assert image.min() > 250


def test_two_reads_of_one_file_are_equal(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", gradient(50, 70))
    files = ImageFiles((path, path), Preprocessing((32, 32)))
    assert len(files) == 2
    assert np.array_equal(files[0], files[1])


def odd_files(folder: Path) -> dict[str, Path]:
    truncated = save(folder / "truncated.png", gradient(64, 64))
    truncated.write_bytes(truncated.read_bytes()[:200])
    text = folder / "text.png"
    text.write_text("hello")
    return {
        "alpha": save(folder / "alpha.png", Image.new("RGBA", (4, 4))),
        "palette": save(folder / "palette.png", Image.new("P", (4, 4)), transparency=0),
        "deep": save(folder / "deep.png", Image.fromarray(np.zeros((4, 4), np.uint16))),
        "animated": save(
            folder / "animated.gif", Image.new("L", (4, 4)), save_all=True, append_images=[Image.new("L", (4, 4), 9)]
        ),
        "truncated": truncated,
        "text": text,
        "missing": folder / "missing.png",
    }


@pytest.mark.parametrize("kind", ["alpha", "palette", "deep", "animated", "truncated", "text", "missing"])
def test_odd_files_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = odd_files(tmp_path)[kind]
    with pytest.raises(InvalidInput, match=path.name):
        read_rgb(path, (4, 4))


def test_an_enormous_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (11, 40):
        with pytest.raises(InvalidInput, match=r"big\.png"):
            read_rgb(save(tmp_path / "big.png", Image.new("L", (side, side))), (4, 4))


def test_classes_are_numbered_by_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("cat/x.png", "ant/y.JPG", "ant/deep/z.png", "ant/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [(sample.path.name, sample.label) for sample in labelled_folder(tmp_path)]
    assert found == [("z.png", 0), ("y.JPG", 0), ("x.png", 1)]


def test_classes_named_by_numbers_keep_them(tmp_path: Path) -> None:
    for name in ("281", "10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    assert sorted(str(sample.label) for sample in labelled_folder(tmp_path)) == ["10", "281"]


def test_a_table_names_files_and_labels(tmp_path: Path) -> None:
    (tmp_path / "x.png").touch()
    table = tmp_path / "labels.csv"
    table.write_text("path,label\nx.png,3\n")
    assert labelled_csv(table, tmp_path) == (Sample(tmp_path / "x.png", 3),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\nx.png,cat\n", "line 2"),
        ("path,label\nx.png,-1\n", "line 2"),
        ("path,label\nx.png\n", "line 2"),
        ("path,label\nnowhere.png,1\n", "there is no file"),
        ("file,class\nx.png,1\n", "columns path and label"),
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
        labelled_csv(table, tmp_path)


def test_folders_without_images_or_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no subfolders"):
        labelled_folder(tmp_path)
    with pytest.raises(InvalidInput, match="found no images"):
        unlabelled_folder(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(InvalidInput, match="found no images"):
        labelled_folder(tmp_path)
    with pytest.raises(InvalidInput, match="cannot read the folder"):
        labelled_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "options",
    [
        {"mean": (0.1, 0.2)},
        {"mean": (float("nan"),)},
        {"std": (0.0,)},
        {"std": (1.0, -1.0, 1.0)},
        {"std": (float("inf"),)},
    ],
)
def test_nonsense_normalisation_is_refused(options: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(InvalidInput):
        Preprocessing((4, 4), **options)


def test_a_missing_pillow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"maskcover\[torch\]"):
        read_rgb(tmp_path / "a.png", (4, 4))
