"""What `maskcover predict` does with its options: predictions bound to a run, or to no certification at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskcover.cli.certifying import opened, prepared
from maskcover.cli.output import note

if TYPE_CHECKING:
    from maskcover.data import Dataset
    from maskcover.defense import Answer
    from maskcover.masks import MaskSet
    from maskcover.runs.sources import Source

_COMPUTED = (
    "mean", "std", "fill", "batch_size", "dtype", "memory_format", "tf32", "compiled", "weights", "options",
    "input_size", "channels", "override", "pixels", "task",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Predicted:
    """The answers for some images, the masks, and the digest of the fingerprint that they are bound to, if any."""

    dataset: Dataset
    answers: list[Answer]
    masks: MaskSet
    bound_to: str | None


def unbound(
    source: Source, masks: MaskSet | None, regions: str | None, defence: Mapping[str, Any], *, progress: bool
) -> Predicted:
    """Predictions that are bound to no certification; a note says so."""
    from maskcover.certification import predict_with
    from maskcover.certification.answering import unbound as without_certification
    from maskcover.classifiers import evaluator_of
    from maskcover.defense.texts import procedure_of

    procedure = procedure_of(**defence)
    classifier, dataset, preprocessing, used = prepared(
        source, masks, regions, str(procedure), progress=progress, labelled=False
    )
    procedure, used = without_certification(procedure, used, regions)
    images = dataset.prepared(preprocessing)
    answers = predict_with(evaluator_of(classifier, used), images, procedure, progress=progress)
    note("these answers are bound to no certification; name one with --run RUN, a folder of maskcover certify --out")
    return Predicted(dataset, answers, used, None)


def bound(source: Source, run: Path, defence: Mapping[str, Any], *, progress: bool) -> Predicted:
    """Predictions with the masks and the defence of a run, if the model is the one that it certified.

    What was not typed is as the run has it.
    """
    from maskcover.certification import predict
    from maskcover.runs import certified
    from maskcover.runs.frames import expect_input_frame

    expect_input_frame(run)
    certification = certified(run)
    classifier, dataset, preprocessing = opened(
        _as_in(run, source), certification.masks, progress=progress, labelled=False
    )
    answers = predict(classifier, dataset.prepared(preprocessing), certification, progress=progress, **defence)
    return Predicted(dataset, answers, certification.masks, certification.fingerprint.digest)


def _as_in(run: Path, typed: Source) -> Source:
    """What was typed; how the model computes, where nothing was typed, is as the run of this model has it."""
    from maskcover.runs import Folder
    from maskcover.runs.sources import Source

    kept: dict[str, Any] = Folder(run).existing().document["source"]
    if kept.get("model") != typed.model:
        return typed
    known, plain = Source.of(kept, run), Source(typed.model, typed.data)
    left = [name for name in _COMPUTED if getattr(typed, name) == getattr(plain, name)]
    return replace(typed, **{name: getattr(known, name) for name in left})
