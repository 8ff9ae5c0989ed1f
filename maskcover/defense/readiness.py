"""Before a run: the evaluator, the probes, the margin and the fingerprint, or a clear error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from maskcover.data import Preprocessing
from maskcover.defense.engine import Images
from maskcover.defense.evaluation import Evaluator, MaskedClassifier, evaluator
from maskcover.defense.fingerprint import Fingerprint
from maskcover.defense.probes import ProbeReport, probe
from maskcover.defense.ranges import expect_in_range
from maskcover.defense.reference import Reference, reference
from maskcover.errors import InvalidInput, MaskcoverError, ProbeFailed, RunStopped
from maskcover.grid import Grid
from maskcover.masks import MaskSet

Numerics = Literal["bitwise", "margin", "not probed"]
NONE = "none"
"""The preprocessing of images that are given as the model takes them."""
_SUGGESTED = 1e-4
# Files that cannot be read must not end a run over a data set, however many come first; a broken model must, soon.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Ready:
    """What a run starts from.

    Args:
        evaluator: The classifier with the masks.
        numerics: "bitwise" if the probes found every bit unchanged; "margin" if only the margin carries the
            predictions over to where the model serves; "not probed" if there was nothing to probe or it was not wanted.
        margin: The lead that a prediction needs to count.
        probes: What the probes found.
        fingerprint: What is certified.
        example: The loaded image that was probed; None if there was none.
        reference: The reference scores of what is certified; None if there was no image.
    """

    evaluator: Evaluator = field(compare=False, repr=False)
    numerics: Numerics
    margin: float
    probes: ProbeReport
    fingerprint: Fingerprint
    example: Any = field(compare=False, repr=False)
    reference: Reference | None = None

    def expect_working(self, failure: object) -> None:
        """After a failure on some image: raise `RunStopped` if the classifier now fails on the first one as well."""
        size = self.evaluator.batch_size
        try:
            self.evaluator.scores([self.example] * size, np.full((size, 2), -1, np.int64))
        except Exception as error:
            raise RunStopped(
                f"the classifier fails on images that it could score before ({failure}; now {type(error).__name__}: "
                f"{error}); mend that and start the same command again"
            ) from error

    def expect_unchanged(self) -> None:
        """Raise `ProbeFailed` if the classifier is no longer what it was at the start (threats.md, 28)."""
        now = fingerprint(self.evaluator, dict(self.fingerprint.entries)["preprocessing"])
        changed = now.differences(self.fingerprint)
        if changed:
            raise ProbeFailed(
                f"the classifier changed during the run: {'; '.join(changed)}. Its predictions are not of one model; "
                "look for buffers that forward passes change, or for another thread that trains it"
            )


@dataclass(frozen=True, slots=True)
class Earlier:
    """How predictions were computed before, by a run that goes on or is replayed.

    Args:
        batch_size: Rows of every batch.
        entries: Those of the fingerprint.
        numerics: On what the predictions stand.
        margin: The lead that they needed.
        reference: The reference scores; None if none were kept.
    """

    batch_size: int
    entries: Mapping[str, str]
    numerics: Numerics
    margin: float
    reference: Reference | None = None


def ready(
    classifier: MaskedClassifier,
    images: Images,
    masks: MaskSet,
    *,
    margin: float | None,
    probes: bool = True,
    earlier: Earlier | None = None,
) -> Ready:
    """Bring a classifier and masks together, and try out on the first image what certificates rest on.

    For a run that goes on, `earlier` is compared first, by its fingerprint and its reference scores: where both are as
    they were, nothing is tried out again.

    Raises:
        ProbeFailed: a probe found a difference that the margin does not make up for.
        InvalidInput: a margin that is no share; masks or images that are not as the classifier declares.
    """
    if margin is not None and (isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 <= margin < 1):
        raise InvalidInput(f"margin must be a share from 0 up to, not including, 1; got {margin!r}")
    _expect_preprocessed(classifier, images, masks)
    if earlier is not None and (same := _as_earlier(earlier, classifier, images, masks, margin)) is not None:
        return same
    batch_size = None if earlier is None else earlier.batch_size
    asked, example, report = _tried(classifier, images, masks, batch_size, probes=probes)
    report.expect(margin, getattr(classifier, "margin", _SUGGESTED))
    numerics: Numerics = "bitwise" if report.bitwise else "margin" if report.findings else "not probed"
    found = fingerprint(asked, preprocessing_of(images))
    scored = reference(asked, example, 0.0 if numerics == "bitwise" else float(margin or 0.0) / 2)
    return Ready(asked, numerics, float(margin or 0.0), report, found, example, scored)


def _as_earlier(
    earlier: Earlier, classifier: MaskedClassifier, images: Images, masks: MaskSet, margin: float | None
) -> Ready | None:
    """The start of a run that goes on, if all that can be compared is as it was; else None."""
    asked, example, report = _tried(classifier, images, masks, earlier.batch_size, probes=False)
    now, before = fingerprint(asked, preprocessing_of(images)), earlier.reference
    if before is None or example is None or now != Fingerprint.of(earlier.entries):
        return None
    try:
        changed = before.differences(before.again(asked, example))
    except MaskcoverError:
        raise
    except Exception:
        return None  # an image that cannot be scored was not the one that was probed then
    return None if changed else Ready(asked, earlier.numerics, float(margin or 0.0), report, now, example, before)


def fingerprint(asked: Evaluator, preprocessing: str = NONE) -> Fingerprint:
    """What an evaluator evaluates, and what its images have gone through before."""
    own: Mapping[str, str] = asked.identity()
    known = {"masks": asked.masks.digest, "maskcover": version("maskcover"), "numpy": np.__version__}
    known["preprocessing"] = preprocessing
    return Fingerprint.of({**own, **known})


def preprocessing_of(images: Images) -> str:
    """What a data set says that its images have gone through: its `preprocessing`, if it has one."""
    told = getattr(images, "preprocessing", None)
    if isinstance(told, Preprocessing):
        return told.identity
    return NONE if told is None else repr(told)


def _expect_preprocessed(classifier: MaskedClassifier, images: Images, masks: MaskSet) -> None:
    """What a classifier declares of its input must be true of masks and images (threats.md, 13)."""
    declared, given = (getattr(one, "preprocessing", None) for one in (classifier, images))
    if not isinstance(declared, Preprocessing):
        return
    if declared.size is not None and declared.size != masks.grid.shape:
        raise InvalidInput(
            f"the masks are for {masks.grid}, but the model takes {Grid(declared.size)}; make masks of that size, or "
            "name another preprocessing with preprocessing="
        )
    if isinstance(given, Preprocessing) and given != declared:
        raise InvalidInput(
            f"the images are not prepared as the model declares: expected {declared}; got {given}. Take that of the "
            "model, or name another one with preprocessing="
        )
    if not isinstance(given, Preprocessing):
        expect_in_range(images, declared)


def _tried(
    classifier: MaskedClassifier, images: Images, masks: MaskSet, batch_size: int | None, *, probes: bool
) -> tuple[Evaluator, Any, ProbeReport]:
    """The evaluator, the first image that can be fetched, loaded and scored, and what probes of it found."""
    unread, failures = list[Exception](), list[Exception]()
    for number in range(len(images)):
        if len(failures) == _TRIES:
            break
        try:
            image = images[number]
        except Exception as error:
            unread = unread or [error]
            continue
        try:
            asked = evaluator(classifier, masks, image, batch_size)
            example = asked.load(image)
        except Exception as error:
            failures.append(error)
            continue
        try:
            return asked, example, probe(asked, example) if probes else ProbeReport()
        except MaskcoverError:
            raise  # about the classifier, whatever the image
        except Exception as error:
            failures.append(error)
    if failures or unread:
        raise (failures or unread)[0]
    return evaluator(classifier, masks, None, batch_size), None, ProbeReport()
