"""The cost of serving: masked predictions of each image, and the time of one with a batch of one.

Both are measured once by answering for the clean images, without a certificate, and kept in DIR/serving.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from maskcover.canonical import cannot_write, read_strict, write_atomically
from maskcover.classifiers.evaluation import MaskedClassifier, as_certified, evaluator_of
from maskcover.classifiers.registry import as_classifier, is_classifier
from maskcover.defense.procedure import Procedure, answering
from maskcover.defense.table import Pending, PredictionTable
from maskcover.engine import Failed, run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs import OpenedRun
from maskcover.studies.running import Folder, name_of
from maskcover.studies.study import Row, Subject

_OF_RUNS = frozenset({"min_margin", "numerics", "progress", "shard_size"})  # options of `run`, not of the adapter


@dataclass(frozen=True, slots=True)
class Serving:
    """The cost of answering for clean images.

    Args:
        predictions: The mean number of predictions an image; None where no image could be predicted.
        milliseconds: The median time of an image, with a batch of one where the model allows it; None if not measured.
    """

    predictions: float | None
    milliseconds: float | None

    @property
    def columns(self) -> Row:
        """The columns of a table."""
        return {"predictions": self.predictions, "milliseconds": self.milliseconds}


def serving(out: Folder, subject: Subject, opened: OpenedRun, timed: int) -> Serving:
    """The cost of answering with the masks and the procedure of a run; measured once, then read from the folder.

    Args:
        out: The folder of the study.
        subject: The model with its images.
        opened: A run of this model, which was compared with it when the run was made or continued.
        timed: Number of images to time, from the first; 0 for no time.

    A model that is a classifier with a batch size of its own is timed with that one.

    Raises:
        InvalidInput: `timed` is no such number, or the file of an earlier measurement is damaged.
    """
    if type(timed) is not int or timed < 0:
        raise InvalidInput(f"the number of images to time is a whole number from 0; got {timed!r}")
    (part,) = opened.parts
    question = subject.document | {"run": part.config.digest, "timed": timed}
    path = Path(out) / "serving" / f"{name_of(question)}.json"
    earlier = _read(path)
    if earlier is not None:
        return earlier
    measured = Serving(
        _predictions(subject, opened), _milliseconds(subject, part.masks, opened.procedure, min(timed, subject.count))
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    write_atomically(path, json.dumps(dict(measured.columns)).encode())
    return measured


def _read(path: Path) -> Serving | None:
    """An earlier measurement, None if there is none."""
    try:
        columns: dict[str, Any] = read_strict(path.read_text(encoding="utf-8"), fractions=True)
        values = [columns[name] for name in ("predictions", "milliseconds")]
        if any(value is not None and type(value) not in (int, float) for value in values):
            raise ValueError(f"numbers were expected; got {values}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} was damaged ({error}); delete it, and start the same command again") from error
    return Serving(*values)


def _classifier(subject: Subject, **options: Any) -> MaskedClassifier:
    own = {name: value for name, value in subject.options.items() if name not in _OF_RUNS}
    return as_classifier(subject.model, own if is_classifier(subject.model) else own | options)


def _predictions(subject: Subject, opened: OpenedRun) -> float | None:
    """The mean number of predictions that the engine makes to answer for an image, as when it serves."""
    (part,) = opened.parts
    first = next((image for image in _readable(subject)), None)
    if first is None:
        return None
    classifier = as_certified(_classifier(subject), part.config.earlier.entries)
    evaluator = evaluator_of(classifier, part.masks, first, batch_size=part.config.batch_size)
    answer = answering(opened.procedure, part.config.batch_size)

    def count(number: int, table: PredictionTable) -> int | Pending:
        pending = answer(number, table)
        return pending if isinstance(pending, Pending) else table.evaluations

    views = opened.procedure.views
    counts = [made for _, made in run_queries(evaluator, subject.images, count, isolate=True, views=views)]
    decided = [made for made in counts if not isinstance(made, Failed)]
    return fmean(decided) if decided else None


def _milliseconds(subject: Subject, masks: MaskSet, procedure: Procedure, count: int) -> float | None:
    """The median time; the first image is predicted once before, so that what is made once is not timed."""
    images = [image for image, _ in zip(_readable(subject), range(count), strict=False)]
    if not images:
        return None
    evaluator = evaluator_of(_classifier(subject, batch_size=1), masks, images[0], batch_size=1)
    seconds = []
    for image in [images[0], *images]:
        begin = time.perf_counter()
        list(run_queries(evaluator, [image], answering(procedure, 1), views=procedure.views))
        seconds.append(time.perf_counter() - begin)
    return round(1000 * median(seconds[1:]), 3)


def _readable(subject: Subject) -> Any:
    """The images that can be read, in their order."""
    for number in range(subject.count):
        try:
            yield subject.images[number]
        except Exception:  # noqa: S112  # a row of the run says why
            continue
