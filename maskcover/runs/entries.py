"""Entries of a run's configuration that not every run has: what is certified, which images were chosen, the frame,
and an image to know them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskcover.certification.certifying import Task as Output
from maskcover.certification.certifying import output_of
from maskcover.classifiers.evaluation import Images, MaskedClassifier
from maskcover.runs.pixels import Watched


def task_entry(task: Output | None, classifier: MaskedClassifier) -> dict[str, Any]:
    """The entry about what is certified; empty for labels, as in runs from before there was anything else."""
    kind = output_of(task, classifier)
    return {} if kind == "labels" else {"task": kind}


def choice_entries(images: Images) -> dict[str, Any]:
    """How a data set declares that its images were chosen among more, and which were left out; empty if it does not."""
    choices = {"sample": getattr(images, "chosen", None), "skipped": getattr(images, "skipped", None)}
    return {name: choice.document() for name, choice in choices.items() if choice is not None}


def example_entry(ids: Sequence[str], images_read: Watched) -> dict[str, Any]:
    """The first image that could be read, by its id and the digest of its pixels; empty if it has no digest."""
    number, pixels = next(iter(images_read.digests.items()), (0, ""))
    return {"example": {"id": ids[number], "pixels": pixels}} if pixels else {}


def frame_entry(frame: tuple[str, str] | None) -> dict[str, Any]:
    """The frame.json of the run, and its size group; empty for a run in the frame of the input."""
    return {} if frame is None else {"frame": {"digest": frame[0], "size": frame[1]}}
