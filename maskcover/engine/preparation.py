"""Preparation of a run: the evaluator, the probes, the margin and the fingerprint, or a clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from maskcover.classifiers.evaluation import (
    Evaluator,
    HasChoices,
    HidesCells,
    Images,
    MaskedClassifier,
    as_certified,
    evaluator_of,
)
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.data import Preprocessing
from maskcover.engine.probes import OTHERS, ProbeReport, probe, probe_rows
from maskcover.engine.ranges import expect_in_range
from maskcover.engine.reference import Reference, reference
from maskcover.engine.settings import (
    ComputeSetting,
    Numerics,
    NumericsRequest,
    RequiredNumerics,
    Setting,
    choose_setting,
)
from maskcover.errors import InvalidInput, MaskcoverError, MaskcoverWarning, ProbeFailed, RunStopped
from maskcover.grid import Grid
from maskcover.masks import MaskSet

__all__ = [
    "NONE",
    "Earlier",
    "Numerics",
    "PreparedRun",
    "RequiredNumerics",
    "fingerprint",
    "prepare_run",
    "preprocessing_of",
]
NONE = "none"
"""The preprocessing of images that are given as the model takes them."""
# Batch sizes to try where the user's size fails, so that the error can name two that repeat; and the largest of all.
_SIZES, _LARGEST = (4, 2, 1, 8, 16), 1024
# Probes may take this part of what a run may ask for. Runs ask for about a third of that, as images that fail ask for a
# tenth, so that probes are a twenty-fifth of all rows.
_PART = 75
_LEAST = 2  # in batches of one, no row would ever stand beside another
# Files that cannot be read must not end a run over a data set, however many come first; a broken model must, soon.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Earlier:
    """The settings of an earlier computation: of a run that is continued or replayed, or of a certification.

    Args:
        batch_size: Rows of every batch.
        entries: The entries of its fingerprint.
        numerics: "bitwise", "margin" or "not probed"; see `PreparedRun`.
        min_margin: The margin that its predictions had to exceed.
        reference: The reference scores; None if none were kept.
        scale: The least number by which score differences were divided to give margins; None if it was not kept.
    """

    batch_size: int
    entries: Mapping[str, str]
    numerics: Numerics
    min_margin: float
    reference: Reference | None = None
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """Everything that a run starts from.

    Args:
        evaluator: The classifier with the masks.
        numerics: "bitwise" if predictions repeat to the bit in all probes; "margin" if they repeat only within a
            margin; "not probed" if there was nothing to probe, or the user switched the probes off.
        min_margin: The margin that a prediction must exceed to count.
        probes: The report of the probes.
        fingerprint: The fingerprint of the classifier with its masks.
        example: The loaded image that was probed; None if there was none.
        reference: The reference scores; None if there was no image.
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
        """How predictions repeat, in words; with the largest change of a score in the probes, if a margin allows it."""
        words = {
            "bitwise": "predictions repeat to the bit",
            "margin": "predictions repeat within rounding",
            "not probed": "predictions were not probed",
        }[self.numerics]
        words += f", those with a margin above {self.min_margin:g} count" if self.min_margin else ""
        probed = self.numerics == "margin" and self.probes.findings
        drift = f", as the probes saw scores move by {self.probes.drift:.1e}" if probed else ""
        return words + drift + (" (in part not probed)" if self.probes.skipped else "")

    def expect_working(self, failure: object) -> None:
        """Raise `RunStopped` if the classifier, which failed on some image, now fails on the first one as well."""
        size = self.evaluator.batch_size
        try:
            self.evaluator.scores([self.example] * size, np.full((size, 2), -1, np.int64))
        except Exception as error:
            raise RunStopped(
                f"the classifier fails on images that it could score before ({failure}; now {type(error).__name__}: "
                f"{error}); repair the classifier and start the same command again"
            ) from error

    def expect_unchanged(self) -> None:
        """Raise `ProbeFailed` if the classifier has changed since the start (threats.md, 28)."""
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
    numerics: RequiredNumerics | None = None,
    probes: bool = True,
    earlier: Earlier | None = None,
    progress: bool = False,
) -> PreparedRun:
    """Bring a classifier and masks together, and probe on some images what certificates rely on.

    Where the classifier can compute in several settings, it uses those of `earlier`, else the fastest that serve; see
    `maskcover.engine.settings.choose_setting`.

    For a run that is continued, the fingerprint and the reference scores of `earlier` are compared first: where both
    are the same, nothing is probed again.

    Raises:
        ProbeFailed: the probes found a difference that no margin allows for, or that the typed margin does not.
        InvalidInput: the margin is no fraction; or masks or images are not as the classifier declares.
    """
    request = _request(classifier, min_margin, numerics, earlier)
    _expect_preprocessed(classifier, images, masks)
    if earlier is not None:
        classifier = as_certified(classifier, earlier.entries)
    with tqdm(desc="probing", unit="batch", leave=False, disable=not progress) as bar:
        search = _Search(
            classifier, images, masks, request, None if earlier is None else earlier.batch_size, bar.update
        )
        if earlier is not None and _same_numerics(earlier, min_margin, numerics):
            same = _as_earlier(earlier, search.choice(probes=False).setting, images)
            if same is not None:
                return same
        choice = search.choice(probes=probes)
    if choice.warning is not None:
        warnings.warn(MaskcoverWarning(choice.warning), stacklevel=3)
    setting, entries = choice.setting, fingerprint(choice.setting.evaluator, preprocessing_of(images))
    if choice.min_margin:
        earlier_scale = 0.0 if earlier is None else earlier.scale or 0.0
        _measure_by(setting.evaluator, max(setting.report.scale, earlier_scale))
    min_margin = float(choice.min_margin)
    scores = reference(setting.evaluator, setting.example, 0.0 if choice.numerics == "bitwise" else min_margin / 2)
    return PreparedRun(setting.evaluator, choice.numerics, min_margin, setting.report, entries, setting.example, scores)


def _request(
    classifier: MaskedClassifier, min_margin: float | None, numerics: RequiredNumerics | None, earlier: Earlier | None
) -> NumericsRequest:
    """The numerics to ask for; a run that is continued keeps those that it had, unless the user typed others."""
    if earlier is None or min_margin is not None or numerics is not None:
        return NumericsRequest.of(numerics, min_margin, classifier)
    if earlier.numerics == "not probed":
        return NumericsRequest.of(None, earlier.min_margin, classifier)
    return NumericsRequest.of(earlier.numerics, None, classifier, least_margin=earlier.min_margin)


def _measure_by(evaluator: Evaluator, scale: float) -> None:
    """Measure margins by the largest score in the probes, so that a row whose scores are all small has a small one."""
    if not hasattr(evaluator, "least_scale"):
        raise InvalidInput(
            f"{type(evaluator).__name__} has no attribute least_scale, without which a margin says nothing of scores "
            'near 0; type numerics="bitwise" (--numerics bitwise), or add that attribute'
        )
    evaluator.least_scale = scale


def _same_numerics(earlier: Earlier, min_margin: float | None, numerics: RequiredNumerics | None) -> bool:
    """Whether the user asks for no other numerics than those of the earlier run."""
    return min_margin in (None, earlier.min_margin) and numerics in (None, earlier.numerics)


def _as_earlier(earlier: Earlier, setting: ComputeSetting, images: Images) -> PreparedRun | None:
    """The preparation of a run that is continued, if all that can be compared is the same; else None."""
    now, before = fingerprint(setting.evaluator, preprocessing_of(images)), earlier.reference
    if before is None or setting.example is None or now != Fingerprint.of(earlier.entries):
        return None
    if earlier.min_margin and earlier.scale is None:
        return None  # a version of maskcover made it that measured each row by itself alone
    try:
        changed = before.differences(before.again(setting.evaluator, setting.example))
    except Exception:
        return None  # an image that cannot be scored was not the one that was probed then: all is probed again
    if changed:
        return None
    if earlier.min_margin:
        _measure_by(setting.evaluator, earlier.scale or 0.0)
    return PreparedRun(
        setting.evaluator, earlier.numerics, earlier.min_margin, setting.report, now, setting.example, before
    )


def fingerprint(evaluator: Evaluator, preprocessing: str = NONE) -> Fingerprint:
    """The fingerprint of an evaluator: of its model, its masks, the preprocessing of its images, and the libraries."""
    own: Mapping[str, str] = evaluator.identity()
    added = {"masks": evaluator.masks.digest, "maskcover": _own_version(), "numpy": np.__version__}
    added["preprocessing"] = preprocessing
    return Fingerprint.of({**own, **added})


@cache
def _own_version() -> str:
    """The version of maskcover; reading it from the files of the installation takes some milliseconds."""
    return version("maskcover")


def preprocessing_of(images: Images) -> str:
    """The preprocessing that a data set declares for its images, in words; `NONE` if it declares none."""
    preprocessing = getattr(images, "preprocessing", None)
    if isinstance(preprocessing, Preprocessing):
        return preprocessing.identity
    return NONE if preprocessing is None else repr(preprocessing)


def _expect_preprocessed(classifier: MaskedClassifier, images: Images, masks: MaskSet) -> None:
    """Raise `InvalidInput` unless masks and images are as the classifier declares its input (threats.md, 13)."""
    declared, images_preprocessing = (getattr(owner, "preprocessing", None) for owner in (classifier, images))
    if not isinstance(declared, Preprocessing):
        return
    size = declared.size
    if size is not None and isinstance(classifier, HidesCells):
        size = classifier.cells(size)
    if size is not None and size != masks.grid.shape:
        raise InvalidInput(
            f"the masks are for {masks.grid}, but the model takes {Grid(size)}; make masks of that size, or "
            "name another preprocessing with preprocessing="
        )
    if isinstance(images_preprocessing, Preprocessing) and images_preprocessing != declared:
        raise InvalidInput(
            f"the images are not prepared as the model declares: expected {declared}; got {images_preprocessing}. Use "
            "that of the model, or name another one with preprocessing="
        )
    if not isinstance(images_preprocessing, Preprocessing):
        expect_in_range(images, declared)


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for a setting to compute with, on the first images that can be used."""

    classifier: MaskedClassifier
    images: Images
    masks: MaskSet
    request: NumericsRequest
    batch_size: int | None
    on_batch: Callable[[], object]

    def choice(self, *, probes: bool) -> Setting:
        """The chosen setting, probed with the first image that can be fetched, loaded and scored."""
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
                settings = self._settings(choices, first, image, number, probes=probes)
                return choose_setting(settings, self.request, self._remedies)
            except MaskcoverError:
                raise  # about the classifier, whatever the image
            except Exception as error:
                failures.append(error)
        if failures or unread:
            raise (failures or unread)[0]
        nothing = ComputeSetting(evaluator_of(self.classifier, self.masks, None, self.batch_size), None, ProbeReport())
        return choose_setting([nothing], self.request)

    def _choices(self, image: Any) -> Sequence[MaskedClassifier]:
        """The classifier in each of the settings to try; only one where it has no choice."""
        if self.batch_size is not None or not isinstance(self.classifier, HasChoices):
            return [self.classifier]
        return self.classifier.choices(self.masks, image, _most_rows(len(self.images), len(self.masks))) or [
            self.classifier
        ]

    def _loaded(self, choice: MaskedClassifier, image: Any) -> tuple[Evaluator, Any]:
        evaluator = evaluator_of(choice, self.masks, image, self.batch_size)
        return evaluator, evaluator.load(image)

    def _settings(
        self,
        choices: Sequence[MaskedClassifier],
        first: tuple[Evaluator, Any],
        image: Any,
        number: int,
        *,
        probes: bool,
    ) -> Iterator[ComputeSetting]:
        """The settings, each probed when its turn comes."""
        if not probes:
            yield ComputeSetting(*first, ProbeReport())
            return
        beside = list(self._beside(number))
        for turn, choice in enumerate(choices):
            evaluator, example = first if turn == 0 else self._loaded(choice, image)
            yield ComputeSetting(evaluator, example, self._probed(evaluator, example, beside))

    def _probed(self, evaluator: Evaluator, example: Any, beside: Sequence[Any]) -> ProbeReport:
        others = list[Any]()
        for other in beside:
            with suppress(Exception):  # the error comes again when it is this image's turn
                others.append(evaluator.load(other))
        return probe(evaluator, example, others, on_batch=self.on_batch)

    def _beside(self, number: int) -> Iterator[Any]:
        """Some other images, one from each part of the data; images that cannot be fetched are left out."""
        # Not at even distances: labels may come in turn.
        where = (np.arange(OTHERS) + np.random.default_rng(0).random(OTHERS)) / OTHERS
        for other in sorted({int(part * len(self.images)) for part in where} - {number}):
            with suppress(Exception):
                yield self.images[other]

    def _remedies(self, probed: Sequence[ComputeSetting]) -> tuple[str, ...]:
        """Batch sizes with which predictions repeat to the bit here, for the user to type."""
        resized: Callable[[int], MaskedClassifier] | None = getattr(self.classifier, "of_batch_size", None)
        sizes = {setting.evaluator.batch_size for setting in probed}
        if resized is None:
            return () if sizes == {1} else ("a classifier whose batch_size is 1, so that no row has others beside it",)
        repeating = list[int]()
        for size in _SIZES:
            if size in sizes or len(repeating) == 2:
                continue
            evaluator = evaluator_of(resized(size), self.masks, probed[0].example, None)
            if probe(evaluator, probed[0].example, on_batch=self.on_batch).bitwise:
                repeating.append(size)
        return tuple(f"batch_size={size} (--batch-size {size})" for size in sorted(repeating, reverse=True))


def _most_rows(images: int, masks: int) -> int:
    """The largest batch size whose probes take at most that part of what a run may ask for.

    >>> [_most_rows(images=images, masks=36) for images in (1, 10, 20, 50_000)]
    [2, 2, 4, 1024]
    """
    rows = images * (1 + masks * (masks + 1) // 2)
    size = _LEAST
    while size < _LARGEST and probe_rows(2 * size) * _PART <= rows:
        size *= 2
    return size
