"""Answers in the frame of the source: a plain function is certified and run there as in the frame of the input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput
from maskcover.data import Dataset, Preprocessing
from maskcover.runs import certify_source, run_source
from tests.runs import readers

pytestmark = pytest.mark.filterwarnings("ignore:mask .* hides more than half:maskcover.MaskcoverWarning")
SHRUNK = Preprocessing((mc.Resize((12, 12)),), layout="hwc")
LEVELS = (20, 235, 20)
PICTURES = [np.full((side, 24, 3), level, np.uint8) for side, level in zip((24, 30, 24), LEVELS, strict=True)]
SIGNS = Dataset("signs", ("a", "b", "c"), None, PICTURES.__getitem__, answers=("night", "day", "day"))
OPTIONS: dict[str, Any] = {"preprocessing": SHRUNK, "fill": 0.5}


def test_a_function_is_certified_on_the_source_images() -> None:
    result = certify_source(readers.shade, SIGNS, "squares(size=2)", task="answers", **OPTIONS)
    assert result.certified.tolist() == [True, True, False]  # the third is told a wrong true answer
    assert [type(part) for part in result.results] == [mc.AnswersResult] * 2
    assert [part.defended.tolist() for part in result.results] == [["night", "night"], ["day"]]
    reader = mc.MaskedAnswers(readers.shade, fill=0.5)
    same = certify_source(reader, SIGNS, "squares(size=2)", preprocessing=SHRUNK)
    assert same.certified.tolist() == result.certified.tolist()


def test_a_function_is_run_on_the_source_images_and_continued(tmp_path: Path) -> None:
    for _ in range(2):
        done = run_source(readers.shade, SIGNS, "squares(size=2)", tmp_path, task="answers", **OPTIONS)
        assert (done.certified, done.rows) == (2, 3)
    opened = mc.open_run(tmp_path)
    assert opened.task == "answers"
    answers = {name: opened.answer_of(int(number)) for name, number in zip(opened.ids, opened.defended, strict=True)}
    assert answers == {"a": "night", "b": "day", "c": "night"}
    with pytest.raises(InvalidInput, match=r"differ|another"):
        run_source(readers.other_shade, SIGNS, "squares(size=2)", tmp_path, task="answers", **OPTIONS)


@pytest.mark.parametrize(
    ("model", "task", "message"),
    [
        (readers.shade, "multilabel", "in the frame of the input only"),
        (readers.shade, "answer", "task must be one of"),
        (mc.MaskedAnswers(readers.shade), "labels", "has no class numbers"),
    ],
)
def test_other_tasks_are_refused(tmp_path: Path, model: Any, task: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        certify_source(model, SIGNS, "squares(size=2)", task=task, preprocessing=SHRUNK)
    with pytest.raises(InvalidInput, match=message):
        run_source(model, SIGNS, "squares(size=2)", tmp_path, task=task, preprocessing=SHRUNK)
    assert list(tmp_path.iterdir()) == []
