"""The cost of serving: masked predictions of each image, from the rows of a run, and time with a batch of one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import numpy as np

from maskcover.canonical import digest, write_atomically
from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import evaluator_of
from maskcover.classifiers.labels import UNSEEN
from maskcover.classifiers.registry import as_classifier, is_classifier
from maskcover.defense.procedure import Procedure
from maskcover.defense.table import Pending, PredictionTable
from maskcover.engine import run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs import OpenedRun
from maskcover.runs.opened import RunPart
from maskcover.studies.running import Folder
from maskcover.studies.study import Subject

_OF_RUNS = frozenset({"min_margin", "numerics", "progress", "shard_size"})  # options of `run`, not of the adapter


def serving_predictions(opened: OpenedRun) -> IntArray:
    """The masked predictions that the run's procedure asks for when it answers for each clean image; int64 (images,).

    −1 where the rows do not keep them all: of errors, and of runs without ``keep_tables=True``.

    >>> import tempfile
    >>> import maskcover as mc
    >>> from maskcover.runs import open_run
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     options = {"batch_size": 4, "fill": 0.5, "keep_tables": True}
    ...     summary = mc.run(brightness, np.ones((2, 12, 12)), [1, 1], masks, out, **options)
    ...     serving_predictions(open_run(out))
    array([9, 9])
    """
    return np.concatenate([_of_part(part, opened.procedure) for part in opened.parts])


def _of_part(part: RunPart, procedure: Procedure) -> IntArray:
    counts = np.full(len(part.tables), -1, dtype=np.int64)
    for filled in part.tables.filled(part.masks.views(procedure.views)):
        for place in range(filled.images.stop - filled.images.start):
            number = filled.images.start + place
            if not part.errors[number]:
                counts[number] = _asked_for(filled.table(place), procedure)
    return counts


def _asked_for(kept: PredictionTable, procedure: Procedure) -> int:
    """The number of predictions that a procedure asks for before it answers; −1 if one of them is not kept."""
    table = PredictionTable(kept.views)
    while isinstance(answer := procedure.answer(table), Pending):
        numbers = table.missing(answer)
        if (kept.labels[numbers] == UNSEEN).any():
            return -1
        table.restore(numbers, kept.labels[numbers], kept.margins[numbers], kept.confidences[numbers])
    return int((table.labels != UNSEEN).sum())


def milliseconds_an_image(
    out: Folder, subject: Subject, masks: MaskSet, procedure: Procedure, images: int
) -> float | None:
    """The median time of a defended prediction of one clean image, with a batch of one where the model allows it.

    Args:
        out: The folder of the study, where the time is kept: it is measured once.
        subject, masks, procedure: The model and its defence.
        images: Number of images to time, from the first; 0 for no time.

    A model that is a classifier with a batch size of its own is timed with that one.
    """
    if type(images) is not int or images < 0:
        raise InvalidInput(f"the number of images to time is a whole number from 0; got {images!r}")
    if not images or not subject.count:
        return None
    question = subject.document | {"masks": masks.digest, "procedure": str(procedure), "images": images}
    path = Path(out) / "times" / f"{digest(question).removeprefix('sha256:')[:16]}.json"
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["milliseconds"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} holds no time ({error}); delete it, and start the same command again") from error
    seconds = _seconds(subject, masks, procedure, min(images, subject.count))
    path.parent.mkdir(parents=True, exist_ok=True)
    milliseconds = round(1000 * median(seconds), 3)
    write_atomically(path, json.dumps(question | {"milliseconds": milliseconds}).encode())
    return milliseconds


def _seconds(subject: Subject, masks: MaskSet, procedure: Procedure, count: int) -> list[float]:
    """The time of each image; the first one is predicted once before, so that what is made once is not timed."""
    options = {name: value for name, value in subject.options.items() if name not in _OF_RUNS}
    single = options if is_classifier(subject.model) else options | {"batch_size": 1}
    images = [subject.images[number] for number in range(count)]
    evaluator = evaluator_of(as_classifier(subject.model, single), masks, images[0], batch_size=1)
    seconds = []
    for image in [images[0], *images]:
        begin = time.perf_counter()
        list(run_queries(evaluator, [image], lambda _, table: procedure.answer(table), views=procedure.views))
        seconds.append(time.perf_counter() - begin)
    return seconds[1:]
