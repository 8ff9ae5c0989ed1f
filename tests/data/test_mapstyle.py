"""Objects with a length and items: pictures of Pillow, arrays and tensors; labels told or looked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets, transforms  # type: ignore[import-untyped]  # has no types

from maskcover.data import open_dataset
from maskcover.errors import InvalidInput
from tests.data.files import noise, save

KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "Pillow": Image.fromarray,
    "array": lambda pixels: pixels,
    "tensor": lambda pixels: torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
    "ToTensor": lambda pixels: transforms.ToTensor()(Image.fromarray(pixels)),
    "floats": lambda pixels: pixels / 255,
}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_are_bytes_again(kind: str) -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    pictures = [noise(0), every]
    data = open_dataset([(KINDS[kind](pixels), number) for number, pixels in enumerate(pictures)])
    assert data.ids == ("item/000000", "item/000001")
    assert data.true_labels.tolist() == [0, 1]
    assert all(np.array_equal(data[number], pictures[number]) for number in range(2))
    assert data.size(0) == (4, 5)


@pytest.mark.parametrize(
    "image", [noise(0)[:, :, 0], noise(0)[:, :, :1], torch.from_numpy(noise(0)[None, :, :, 0].copy())]
)
def test_grey_pictures(image: Any) -> None:
    assert np.array_equal(open_dataset([(image, 0)])[0], noise(0)[:, :, 0])


@pytest.mark.parametrize("label", [1, np.int64(1), np.array([1]), torch.tensor(1)])
def test_labels_and_mappings(label: Any) -> None:
    data = open_dataset([{"image": noise(0), "label": label}, {"img": noise(1), "labels": label}])
    assert data.true_labels.tolist() == [1, 1]
    assert np.array_equal(data[1], noise(1))


class Counting:
    """Counts how often items are asked for."""

    def __init__(self, **told: Any) -> None:
        self.fetched = 0
        for name, value in told.items():
            setattr(self, name, value)

    def __len__(self) -> int:
        return 50

    def __getitem__(self, number: int) -> tuple[Any, int]:
        self.fetched += 1
        return noise(number), number % 3


@pytest.mark.parametrize("name", ["targets", "labels"])
def test_labels_that_are_told_need_no_item(name: str) -> None:
    source = Counting(**{name: [number % 3 for number in range(50)]})
    assert open_dataset(source).true_labels.tolist() == [number % 3 for number in range(50)]
    assert source.fetched == 8


def test_labels_are_looked_for_where_they_are_not_told_or_transformed() -> None:
    assert open_dataset(Counting()).true_labels.tolist() == [number % 3 for number in range(50)]
    source = Counting(targets=[9] * 50, target_transform=lambda label: label)
    assert open_dataset(source).true_labels.tolist() == [number % 3 for number in range(50)]


def test_labels_that_items_contradict_are_errors() -> None:
    data = open_dataset(Counting(targets=[0] * 50))
    assert np.array_equal(data[3], noise(3))
    with pytest.raises(InvalidInput, match="item/000004 has the label 1 as an item, and 0 among the labels"):
        data[4]


def test_threat_16_what_is_drawn_at_random_is_refused() -> None:
    class Random(Counting):
        def __getitem__(self, number: int) -> tuple[Any, int]:
            return np.random.default_rng().integers(0, 256, (8, 8, 3), np.uint8), 0

    with pytest.raises(InvalidInput, match="Random gives another image each time"):
        open_dataset(Random())


def test_torchvisions_folders_give_what_the_files_give(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{'cat' if number < 2 else 'dog'}/{number}.png", Image.fromarray(noise(number)))
    ours, theirs = open_dataset(tmp_path), open_dataset(datasets.ImageFolder(str(tmp_path)))
    assert theirs.true_labels.tolist() == ours.true_labels.tolist()
    assert theirs.classes == ours.classes
    assert all(np.array_equal(ours[number], theirs[number]) for number in range(4))
    part = open_dataset(torch.utils.data.Subset(datasets.ImageFolder(str(tmp_path)), [3, 0]))
    assert part.true_labels.tolist() == [1, 0]
    assert np.array_equal(part[0], noise(3))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (noise(0) / 254, "leave out what normalises"),
        (noise(0).astype(np.float32) - 1, "leave out what normalises"),
        (np.full((4, 4, 3), np.nan), "leave out what normalises"),
        (noise(0).astype(np.int32), "got int32"),
        (torch.from_numpy(noise(0)), "expected tensors"),
        (noise(0).transpose(2, 0, 1), "expected arrays"),
        (Image.new("RGBA", (4, 4)), "transparency"),
        (None, "item/000001"),
    ],
)
def test_other_pictures_are_errors_of_their_own(image: Any, message: str) -> None:
    data = open_dataset([(noise(0), 0), (image, 0)])
    assert np.array_equal(data[0], noise(0))
    with pytest.raises(InvalidInput, match=message):
        data[1]


def test_items_that_are_no_samples() -> None:
    for item, message in (
        (noise(0), "item/000000: expected .image, label"),
        ((noise(0), "cat"), "whole number as label; got 'cat'"),
        ((noise(0), np.array([0, 1])), "whole number as label"),
    ):
        with pytest.raises(InvalidInput, match=message):
            open_dataset([item])
    assert open_dataset([(noise(0), None)]).labels is None
    with pytest.raises(InvalidInput, match="item/000001 has no label, and others have"):
        open_dataset([(noise(0), 1), (noise(0), None)])

    class Broken(Counting):
        def __getitem__(self, number: int) -> tuple[Any, int]:
            raise OSError("disk")

    with pytest.raises(InvalidInput, match="cannot fetch item/000000 for its label: OSError: disk"):
        open_dataset(Broken())
    with pytest.raises(OSError, match="disk"):
        open_dataset(Broken(targets=[0] * 50))[0]


def test_no_framework_is_imported() -> None:
    script = (
        "import sys, numpy as np, maskcover as mc\n"
        "assert mc.open_dataset([(np.zeros((2, 2), np.uint8), 0)])[0].shape == (2, 2)\n"
        "print(sorted({'torch', 'datasets', 'PIL', 'pyarrow'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
