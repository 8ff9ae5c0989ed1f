"""Before a run: the evaluator, the probes, the margin and the fingerprint, or a clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from tqdm import tqdm

from maskcover.classifiers.evaluation import Evaluator, HasChoices, Images, MaskedClassifier, as_certified, evaluator_of
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.data import Preprocessing
from maskcover.engine.choosing import Numerics, Taken, Wanted, Way, Wish, taken
from maskcover.engine.probes import OTHERS, ProbeReport, probe, probe_rows
from maskcover.engine.ranges import expect_in_range
from maskcover.engine.reference import Reference, reference
from maskcover.errors import InvalidInput, MaskcoverError, MaskcoverWarning, ProbeFailed, RunStopped
from maskcover.grid import Grid
from maskcover.masks import MaskSet

__all__ = ["NONE", "Earlier", "Numerics", "PreparedRun", "Wish", "fingerprint", "prepare_run", "preprocessing_of"]
NONE = "none"
"""The preprocessing of images that are given as the model takes them."""
# Sizes that are tried where that of the user fails, so that the error can name two that hold; and the largest of all.
_SIZES, _LARGEST = (4, 2, 1, 8, 16), 1024
_PART = 10  # probes may take a tenth of what a run may ask for
# Files that cannot be read must not end a run over a data set, however many come first; a broken model must, soon.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Earlier:
    """How predictions were computed before, by a run that goes on or is replayed, or by a certification that serves.

    Args:
        batch_size: Rows of every batch.
        entries: Those of the fingerprint.
        numerics: On what the predictions stand.
        margin: The lead that they needed.
        reference: The reference scores; None if none were kept.
        scale: What leads were at least measured by; None if that was not kept.
    """

    batch_size: int
    entries: Mapping[str, str]
    numerics: Numerics
    min_margin: float
    reference: Reference | None = None
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class PreparedRun:
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
    min_margin: float
    probes: ProbeReport
    fingerprint: Fingerprint
    example: Any = field(compare=False, repr=False)
    reference: Reference | None = None

    @property
    def stands_on(self) -> str:
        """On what the predictions stand, in words: with what the probes saw, where it is a margin."""
        tried = self.numerics == "margin" and self.probes.findings
        seen = f", as the probes saw scores move by {self.probes.drift:.1e}" if tried else ""
        return self.numerics + seen + (" (in part not probed)" if self.probes.skipped else "")

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


def prepare_run(
    classifier: MaskedClassifier,
    images: Images,
    masks: MaskSet,
    *,
    min_margin: float | None,
    numerics: Wish | None = None,
    probes: bool = True,
    earlier: Earlier | None = None,
    progress: bool = False,
) -> PreparedRun:
    """Bring a classifier and masks together, and try out on some images what certificates rest on.

    Where the classifier leaves open how it computes, it computes as `earlier`, else in the fastest way that will do;
    see `maskcover.engine.choosing.taken`.

    For a run that goes on, `earlier` is compared first, by its fingerprint and its reference scores: where both are as
    they were, nothing is tried out again.

    Raises:
        ProbeFailed: the probes found a difference that no margin makes up for, or not the one that was typed.
        InvalidInput: a margin that is no share; masks or images that are not as the classifier declares.
    """
    wanted = _wanted(classifier, min_margin, numerics, earlier)
    _expect_preprocessed(classifier, images, masks)
    if earlier is not None:
        classifier = as_certified(classifier, earlier.entries)
    with tqdm(desc="probing", unit="batch", leave=False, disable=not progress) as bar:
        search = _Search(classifier, images, masks, wanted, None if earlier is None else earlier.batch_size, bar.update)
        if earlier is not None and _same_wish(earlier, min_margin, numerics):
            same = _as_earlier(earlier, search.found(probes=False).way, images)
            if same is not None:
                return same
        found = search.found(probes=probes)
    if found.warning is not None:
        warnings.warn(MaskcoverWarning(found.warning), stacklevel=3)
    way, known = found.way, fingerprint(found.way.evaluator, preprocessing_of(images))
    if found.min_margin:
        earlier_scale = 0.0 if earlier is None else earlier.scale or 0.0
        _measure_by(way.evaluator, max(way.report.scale, earlier_scale))
    scored = reference(way.evaluator, way.example, 0.0 if found.numerics == "bitwise" else float(found.min_margin) / 2)
    return PreparedRun(way.evaluator, found.numerics, float(found.min_margin), way.report, known, way.example, scored)


def _wanted(
    classifier: MaskedClassifier, min_margin: float | None, numerics: Wish | None, earlier: Earlier | None
) -> Wanted:
    """What is asked of the numerics; a run that goes on stands on what it stood on, unless something else was typed."""
    if earlier is None or min_margin is not None or numerics is not None:
        return Wanted.of(numerics, min_margin, classifier)
    if earlier.numerics == "not probed":
        return Wanted.of(None, earlier.min_margin, classifier)
    return Wanted.of(earlier.numerics, None, classifier, least=earlier.min_margin)


def _measure_by(evaluator: Evaluator, scale: float) -> None:
    """Measure leads by the largest score that the probes saw: a row whose scores are all small leads by little."""
    if not hasattr(evaluator, "least_scale"):
        raise InvalidInput(
            f"{type(evaluator).__name__} has no least_scale, so that a margin says nothing of scores near 0; type "
            'numerics="bitwise" (--numerics bitwise)'
        )
    evaluator.least_scale = scale


def _same_wish(earlier: Earlier, min_margin: float | None, numerics: Wish | None) -> bool:
    """Whether nothing else is asked of the numerics than what the earlier run stands on."""
    return min_margin in (None, earlier.min_margin) and numerics in (None, earlier.numerics)


def _as_earlier(earlier: Earlier, way: Way, images: Images) -> PreparedRun | None:
    """The start of a run that goes on, if all that can be compared is as it was; else None."""
    now, before = fingerprint(way.evaluator, preprocessing_of(images)), earlier.reference
    if before is None or way.example is None or now != Fingerprint.of(earlier.entries):
        return None
    if earlier.min_margin and earlier.scale is None:
        return None  # of a version that measured each row by itself alone
    try:
        changed = before.differences(before.again(way.evaluator, way.example))
    except Exception:
        return None  # an image that cannot be scored was not the one that was probed then: all is tried out again
    if changed:
        return None
    if earlier.min_margin:
        _measure_by(way.evaluator, earlier.scale or 0.0)
    return PreparedRun(way.evaluator, earlier.numerics, earlier.min_margin, way.report, now, way.example, before)


def fingerprint(evaluator: Evaluator, preprocessing: str = NONE) -> Fingerprint:
    """What an evaluator evaluates, and what its images have gone through before."""
    own: Mapping[str, str] = evaluator.identity()
    known = {"masks": evaluator.masks.digest, "maskcover": version("maskcover"), "numpy": np.__version__}
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


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for a way to compute, on the first images that can be used."""

    classifier: MaskedClassifier
    images: Images
    masks: MaskSet
    wanted: Wanted
    batch_size: int | None
    on_batch: Callable[[], object]

    def found(self, *, probes: bool) -> Taken:
        """The way that is taken, tried out with the first image that can be fetched, loaded and scored."""
        unread, failures = list[Exception](), list[Exception]()
        for number in range(len(self.images)):
            if len(failures) == _TRIES:
                break
            try:
                image = self.images[number]
            except Exception as error:
                unread = unread or [error]
                continue
            try:
                choices = self._choices(image) if probes else [self.classifier]
                first = self._loaded(choices[0], image)
            except Exception as error:
                failures.append(error)
                continue
            try:
                return taken(self._ways(choices, first, image, number, probes=probes), self.wanted, self._remedies)
            except MaskcoverError:
                raise  # about the classifier, whatever the image
            except Exception as error:
                failures.append(error)
        if failures or unread:
            raise (failures or unread)[0]
        nothing = Way(evaluator_of(self.classifier, self.masks, None, self.batch_size), None, ProbeReport())
        return taken([nothing], self.wanted)

    def _choices(self, image: Any) -> Sequence[MaskedClassifier]:
        """The ways to compute that are tried; only one where nothing is open."""
        if self.batch_size is not None or not isinstance(self.classifier, HasChoices):
            return [self.classifier]
        return self.classifier.choices(self.masks, image, _most_rows(len(self.images), len(self.masks))) or [
            self.classifier
        ]

    def _loaded(self, choice: MaskedClassifier, image: Any) -> tuple[Evaluator, Any]:
        evaluator = evaluator_of(choice, self.masks, image, self.batch_size)
        return evaluator, evaluator.load(image)

    def _ways(
        self,
        choices: Sequence[MaskedClassifier],
        first: tuple[Evaluator, Any],
        image: Any,
        number: int,
        *,
        probes: bool,
    ) -> Iterator[Way]:
        """The ways, each probed when its turn comes."""
        if not probes:
            yield Way(*first, ProbeReport())
            return
        beside = list(self._beside(number))
        for turn, choice in enumerate(choices):
            evaluator, example = first if turn == 0 else self._loaded(choice, image)
            yield Way(evaluator, example, self._probed(evaluator, example, beside))

    def _probed(self, evaluator: Evaluator, example: Any, beside: Sequence[Any]) -> ProbeReport:
        others = list[Any]()
        for other in beside:
            with suppress(Exception):  # its own turn will tell what is wrong with it
                others.append(evaluator.load(other))
        return probe(evaluator, example, others, on_batch=self.on_batch)

    def _beside(self, number: int) -> Iterator[Any]:
        """Some other images, one from each part of the data; what cannot be fetched is left out."""
        # Not at even distances: labels may come in turn.
        where = (np.arange(OTHERS) + np.random.default_rng(0).random(OTHERS)) / OTHERS
        for other in sorted({int(part * len(self.images)) for part in where} - {number}):
            with suppress(Exception):
                yield self.images[other]

    def _remedies(self, seen: Sequence[Way]) -> tuple[str, ...]:
        """Batch sizes that hold to the bit here, to be typed instead of one that does not."""
        resized: Callable[[int], MaskedClassifier] | None = getattr(self.classifier, "of_batch_size", None)
        tried = {way.evaluator.batch_size for way in seen}
        if resized is None:
            return () if tried == {1} else ("a classifier whose batch_size is 1, so that no row has others beside it",)
        held = list[int]()
        for size in _SIZES:
            if size in tried or len(held) == 2:
                continue
            evaluator = evaluator_of(resized(size), self.masks, seen[0].example, None)
            if probe(evaluator, seen[0].example, on_batch=self.on_batch).bitwise:
                held.append(size)
        return tuple(f"batch_size={size} (--batch-size {size})" for size in sorted(held, reverse=True))


def _most_rows(images: int, masks: int) -> int:
    """The largest batch, at least 4, whose probes take no more than their part of what a run may ask for.

    >>> _most_rows(images=10, masks=36), _most_rows(images=1, masks=36), _most_rows(images=50_000, masks=36)
    (16, 4, 1024)
    """
    rows = images * (1 + masks * (masks + 1) // 2)
    size = 4
    while size < _LARGEST and probe_rows(2 * size) * _PART <= rows:
        size *= 2
    return size
