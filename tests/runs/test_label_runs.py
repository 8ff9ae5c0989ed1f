"""Runs of several labels: their rows, what they answer again without the model, and how they go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover.errors import InvalidInput
from maskcover.runs.folder import Folder, shards
from maskcover.runs.opened_labels import OpenedLabels

NAMES = ("left", "right", "top")
Images = npt.NDArray[np.float64]


def bright(images: Images) -> Images:
    """Three classes: something bright on the left, on the right, and in the upper half."""
    parts = (images[:, :, :6], images[:, :, 6:], images[:, :6])
    return np.stack([part.max(axis=(1, 2)) for part in parts], axis=1)


def subject(count: int = 9) -> tuple[Images, npt.NDArray[np.bool_], mc.MaskSet]:
    chance = np.random.default_rng(0)
    images = np.where(chance.random((count, 12, 12)) < 0.04, chance.random((count, 12, 12)), 0.0)
    truths = bright(images) >= 0.6
    truths[0] = ~truths[0]  # and some are wrong
    return images, truths, mc.cover(mc.squares(size=2), image_size=12, grid=(3, 3))


def run(out: Path, count: int = 9, **options: Any) -> OpenedLabels:
    images, truths, masks = subject(count)
    mc.run(bright, images, truths, masks, out, task="multilabel", thresholds=0.5, shard_size=4, **options)
    opened: OpenedLabels = mc.open_run(out)
    return opened


def certified(count: int = 9, **options: Any) -> mc.MultiLabelResult:
    images, truths, masks = subject(count)
    return mc.certify(bright, images, truths, masks, task="multilabel", thresholds=0.5, **options)


@pytest.mark.parametrize("keep_scores", [False, True])
def test_a_run_gives_the_figures_of_certify(tmp_path: Path, keep_scores: bool) -> None:
    opened, result = run(tmp_path, keep_scores=keep_scores), certified(keep_scores=keep_scores)
    assert isinstance(opened, OpenedLabels)
    for name in ("labels", "defended", "undefended", "certified", "true_positives", "false_negatives", "class_counts"):
        assert np.array_equal(getattr(opened, name), getattr(result, name)), name
    for average in ("micro", "macro"):
        assert opened.clean_figures(average) == result.clean_figures(average)
        for joint in (True, False):
            assert opened.certified_figures(average, joint=joint) == result.certified_figures(average, joint=joint)
    for ours, theirs in zip(opened.verdicts, result.verdicts, strict=True):
        assert np.array_equal(ours.certificates.threatened, theirs.certificates.threatened)
        assert np.array_equal(ours.certificates.certifying, theirs.certificates.certifying)
    assert [opened.explain(n) for n in range(9)] == [result.explain(n) for n in range(9)]
    assert opened.has_scores is keep_scores
    if keep_scores:
        assert opened.average_precision() == result.average_precision()
        assert opened.at(0.7).certified_figures() == result.at(0.7).certified_figures()
    else:
        with pytest.raises(InvalidInput, match="keep_scores=True"):
            opened.at(0.7)


class Shelf:
    """Images of which one cannot be read."""

    def __init__(self, images: Images, broken: int) -> None:
        self.images, self.broken = images, broken

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Images:
        if number == self.broken:
            raise OSError("the file is cut off")
        image: Images = self.images[number]
        return image


def test_an_image_that_cannot_be_read_counts_as_wrong_at_every_threshold(tmp_path: Path) -> None:
    images, truths, masks = subject()
    options: dict[str, Any] = {"task": "multilabel", "thresholds": 0.5, "keep_scores": True}
    mc.run(bright, Shelf(images, 4), truths, masks, tmp_path, **options)
    opened: OpenedLabels = mc.open_run(tmp_path)
    kept = [number for number in range(9) if number != 4]
    others = mc.certify(bright, images[kept], truths[kept], masks, **options)
    assert opened.has_scores
    assert opened.verdicts[4].error is not None
    for threshold in (0.2, 0.5, 0.8):
        figures, without = opened.at(threshold).certified_figures(), others.at(threshold).certified_figures()
        assert figures.recall <= without.recall
        assert figures.precision <= without.precision
        assert not opened.at(threshold).certified[4].any()
        assert (opened.at(threshold).certified[kept] == others.at(threshold).certified).all()
    assert 0 < opened.average_precision() <= others.average_precision(opened._spread())
    assert "average precision" in "\n".join(opened.figure_lines())


def test_joint_figures_are_never_below_those_class_by_class(tmp_path: Path) -> None:
    opened = run(tmp_path, keep_scores=True)
    gains = 0
    for threshold in (0.1, 0.3, 0.5, 0.7, 0.9):
        result = opened.at(threshold)
        for average in ("micro", "macro"):
            joint, apart = result.certified_figures(average), result.certified_figures(average, joint=False)
            assert joint.precision >= apart.precision
            assert joint.recall >= apart.recall
            assert joint.f1 >= apart.f1
            gains += joint.recall > apart.recall
    assert gains  # else the comparison shows nothing
    assert opened.average_precision() >= opened.average_precision(joint=False)


def test_other_regions_are_answered_from_the_rows(tmp_path: Path) -> None:
    opened = run(tmp_path)
    smaller = opened.against("squares(size=1)")
    images, truths, masks = subject()
    again = mc.certify(
        bright, images, truths, masks, task="multilabel", thresholds=0.5, regions="squares(size=1)", keep_scores=True
    )
    assert (smaller.certified <= again.certified).all()  # what the rows prove is so
    assert smaller.certified.sum() >= opened.certified.sum()


def test_an_image_that_cannot_be_read_counts_as_answered_wrongly(tmp_path: Path) -> None:
    images, truths, masks = subject()

    class Broken:
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, number: int) -> Images:
            if number == 3:
                raise OSError("no such file")
            return np.asarray(images[number])

    summary = mc.run(bright, Broken(), truths, masks, tmp_path, task="multilabel", thresholds=0.5)
    opened: OpenedLabels = mc.open_run(tmp_path)
    assert (summary.errors, summary.rows) == (1, 9)
    assert not opened.certified[3].any()
    assert not opened.defended[3].any()
    assert (opened.false_negatives[3], opened.false_positives[3]) == (truths[3].sum(), (~truths[3]).sum())


def test_another_task_or_other_thresholds_are_another_run(tmp_path: Path) -> None:
    run(tmp_path)
    images, truths, masks = subject()
    with pytest.raises(InvalidInput, match=r"multi_label\(thresholds=0.5\) before, multi_label\(thresholds=0.6\) now"):
        mc.run(bright, images, truths, masks, tmp_path, task="multilabel", thresholds=0.6, shard_size=4)
    with pytest.raises(InvalidInput, match="task"):
        mc.run(bright, images, np.zeros(9, np.int64), masks, tmp_path, shard_size=4)
    other = truths.copy()
    other[8, 0] ^= True
    with pytest.raises(InvalidInput, match="labels"):
        mc.run(bright, images, other, masks, tmp_path, task="multilabel", thresholds=0.5, shard_size=4)


def test_what_is_for_one_label_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    images, truths, masks = subject()
    assert mc.replay(tmp_path, bright, images, truths)
    assert not mc.replay(tmp_path, lambda images: 0.9 * bright(images), images, truths)
    with pytest.raises(InvalidInput, match="leave reuse"):
        mc.run(bright, images, truths, masks, tmp_path / "2", task="multilabel", reuse=tmp_path)
    with pytest.raises(InvalidInput, match="task="):
        mc.run(bright, images, np.zeros(9, np.int64), masks, tmp_path / "3", thresholds=0.5)


@pytest.mark.parametrize("damage", ["truth", "class_certifying", "class_cases", "class_defended"])
def test_rows_that_were_edited_are_refused(tmp_path: Path, damage: str) -> None:
    import pyarrow.parquet

    from maskcover.runs.columns import digest_of, rows_of, table_of

    run(tmp_path, count=4)
    (path,) = (tmp_path / "shards").glob("*.parquet")
    table = pyarrow.parquet.read_table(path)
    documents = table.to_pylist()
    changes = {"truth": [2, 0, 0], "class_certifying": [10**6], "class_cases": [99, 0, 0], "class_defended": [1, 1]}
    documents[1][damage] = changes[damage]
    edited = type(table).from_pylist(documents, schema=table.schema)
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    checked = table_of(rows_of(edited))
    sealed = edited.replace_schema_metadata(metadata | {"rows": digest_of(checked)})  # whoever edits may seal as well
    pyarrow.parquet.write_table(sealed, path)
    with pytest.raises(InvalidInput, match=r"they were edited|fault of maskcover"):
        mc.open_run(tmp_path)


SCRIPT = """
import sys
import time

import maskcover as mc
from tests.runs.test_label_runs import bright, subject

def slow(images):
    time.sleep(0.02)
    return bright(images)

images, truths, masks = subject(16)
mc.run(slow, images, truths, masks, sys.argv[1], task="multilabel", thresholds=0.5, shard_size=2, batch_size=8)
"""


def test_a_run_that_is_killed_goes_on_with_equal_rows(tmp_path: Path) -> None:
    def start(out: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(out)], env=os.environ | {"PYTHONPATH": path})

    path = os.pathsep.join(sys.path)
    out, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(out)
    while not list((out / "shards").glob("[0-9]*.parquet")):
        assert process.poll() is None, "it ended before a shard was there"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < len(Folder(out).there()) < 8
    assert start(out).wait() == 0
    assert start(whole).wait() == 0
    rows = [[row for shard in shards(Folder(f), Folder(f).existing()) for row in shard.rows] for f in (out, whole)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 16
