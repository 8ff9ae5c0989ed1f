"""Binds a serving model to its certification: it is compared when it is made, and at each call (threats.md, 39, 40)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from maskcover.cells import IntArray
from maskcover.certification.answering import predict_with
from maskcover.certification.results import Certification
from maskcover.classifiers.evaluation import Answers, Evaluator, Images, MaskedClassifier, as_certified, shapes_of
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.classifiers.masked_answers import ANSWERS, as_reader
from maskcover.classifiers.registry import as_classifier, is_classifier
from maskcover.defense.answers import Answer
from maskcover.defense.procedure import Procedure, equip
from maskcover.defense.procedures import Method
from maskcover.defense.texts import parse_procedure
from maskcover.engine.preparation import fingerprint
from maskcover.engine.reference import Reference, pairs
from maskcover.errors import FingerprintMismatch, InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet


@dataclass(frozen=True, slots=True)
class Certified:
    """The part of a certification that a serving model must match: of a result, or a run (`maskcover.runs.certified`).

    Args:
        masks, procedure, fingerprint, batch_size: Those of the certification.
        reference: The reference scores; None if it kept none.
        example: The image that was probed; None if it is not available.
        options: The options of the adapter, if they are known.
    """

    masks: MaskSet
    procedure: Procedure
    fingerprint: Fingerprint
    batch_size: int
    reference: Reference | None
    example: Any = field(default=None, compare=False, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, source: Certification | Certified) -> Certified:
        """Take it from a result."""
        if isinstance(source, Certified):
            return source
        start = source.start
        return cls(
            source.masks, source.procedure, source.fingerprint, start.evaluator.batch_size,
            start.reference, start.example, source.options or {},
        )  # fmt: skip

    @property
    def preprocessing(self) -> str:
        """The preprocessing of the images, in words."""
        return dict(self.fingerprint.entries)["preprocessing"]

    def expect_procedure(
        self, procedure: Procedure | str | None, method: Method | None, threshold: float | None
    ) -> None:
        """Raise `InvalidInput` if the arguments name another defence."""
        document = self.procedure.document()
        same = (method, threshold) in ((None, None), (document["method"], document["threshold"]))
        if not same or (procedure is not None and parse_procedure(procedure) != self.procedure):
            raise InvalidInput(
                f"the certification is of {self.procedure.words}; leave procedure, method and threshold out"
            )

    def expect(self, evaluator: Evaluator, preprocessing: str) -> None:
        """Raise `FingerprintMismatch` unless an evaluator has the fingerprint and the reference scores."""
        fingerprint(evaluator, preprocessing).expect(self.fingerprint)
        if self.reference is None:
            return
        example = None if self.example is None else evaluator.load(self.example)
        changed = self.reference.differences(self.reference.again(evaluator, example))
        if changed:
            raise FingerprintMismatch(
                f"this is not what was certified: {'; '.join(changed)}. The fingerprint is the same: look "
                "for hooks, flags and attributes of the model, or files beside it. Serve the certified model, or "
                "certify this one"
            )


@runtime_checkable
class ReportsChanges(Protocol):
    """Optional protocol: an evaluator that can tell at negligible cost whether its model was changed."""

    def glance(self) -> Hashable:
        """A value that equals an earlier one only if nothing in `identity` was changed, as far as can be seen."""
        ...


class Binding:
    """Compares a serving model with its certification at each call; made by `defend` and `predict`.

    Each call compares the `glance` of the evaluator (all of its identity, if it has none), and scores reference rows
    beside the images, in the places that would fill up a batch: in one more batch, if the call has no such places. Only
    where something differs is everything compared in full, and the call refused if the model is not the certified one.
    So a call costs at most one batch more, and mostly none.
    """

    def __init__(self, certified: Certified) -> None:
        self.certified = certified
        self._glance: Hashable = None
        self._rows: ReferenceRows | None = None
        reference = certified.reference
        if reference is None or not (reference.has_noise or certified.example is not None):
            warnings.warn(
                "no reference image of this certification can be scored again here (it kept no reference scores, or "
                "its images cannot be made again): only the fingerprint can be compared. Bind to the result of "
                "certify, which has its first image, so that changed hooks and flags are noticed too",
                MaskcoverWarning,
                stacklevel=4,
            )

    def expect(self, evaluator: Evaluator, preprocessing: str) -> None:
        """Raise `FingerprintMismatch` unless the evaluator is that of the certification."""
        equip(evaluator, self.certified.procedure)
        if self.certified.reference is not None:
            self.certified.reference.pin(evaluator)
        summary = (
            evaluator.glance() if isinstance(evaluator, ReportsChanges) else tuple(sorted(evaluator.identity().items()))
        )
        now = summary, evaluator.masks.digest
        if self._glance == (now, preprocessing):
            return
        self.expect_all(evaluator, preprocessing)
        self._glance, self._rows = (now, preprocessing), ReferenceRows.of(self.certified, evaluator)

    def served(
        self, evaluator: Evaluator, images: Images, preprocessing: str, *, progress: bool = False
    ) -> tuple[Answer, ...]:
        """The defended predictions, if the evaluator is still that of the certification."""
        self.expect(evaluator, preprocessing)
        watched = Watched(evaluator, self._rows)
        answers = predict_with(cast("Evaluator", watched), images, self.certified.procedure, progress=progress)
        if len(images) and not watched.unchanged():
            self.expect_all(evaluator, preprocessing)  # what differs may be rounding that the contract allows
        return tuple(answers)

    def rows(self, evaluator: Evaluator) -> ReferenceRows | None:
        """The reference rows that a call compares; None if there are none.

        An evaluator that takes images like its first one is shown a reference image before any other.
        """
        if self.certified.reference is not None:
            self.certified.reference.images(evaluator, self.certified.example)
        return self._rows

    def expect_all(self, evaluator: Evaluator, preprocessing: str) -> None:
        """Compare everything in full: the fingerprint, and all reference scores."""
        try:
            self.certified.expect(evaluator, preprocessing)
        except FingerprintMismatch as error:
            if self._glance is None:
                raise
            raise FingerprintMismatch(
                f"{error}. It was changed after defend was called; to serve a model that was moved on purpose, call "
                "defend again"
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceRows:
    """One batch of reference rows: images, pairs, and the answers at the time when everything was compared."""

    images: list[Any]
    pairs: IntArray
    answers: Answers

    @classmethod
    def of(cls, certified: Certified, evaluator: Evaluator) -> ReferenceRows | None:
        """The rows with their answers now; None if no reference image can be scored."""
        reference = certified.reference
        loaded = [] if reference is None else reference.images(evaluator, certified.example)
        if not loaded:
            return None
        all_pairs = pairs(len(certified.masks), evaluator.batch_size)
        shapes = shapes_of(evaluator, all_pairs)
        # Of the shape of most of them, so that the model computes one batch.
        all_pairs = all_pairs[shapes == np.bincount(shapes).argmax()].take(range(len(all_pairs)), axis=0, mode="wrap")
        images = [loaded[-1 - number % len(loaded)] for number in range(len(all_pairs))]  # the image of the data first
        return cls(images, all_pairs, evaluator.submit(images, all_pairs)())

    def same(self, answers: Answers, first: int = 0) -> bool:
        """Whether these answers equal those to the rows from number `first` on, to the bit."""
        labels, *numbers = answers.rows(slice(None))
        labels_before, *numbers_before = self.answers.rows(slice(first, first + len(labels)))
        return np.array_equal(labels, labels_before) and all(
            now is before if now is None or before is None else np.array_equal(now, before, equal_nan=True)
            for now, before in zip(numbers, numbers_before, strict=True)
        )


def reloaded(evaluator: Evaluator, image: Any) -> Any:
    """A loaded image anew: nothing that the evaluator worked out for it before is used again.

    An evaluator whose loaded images hold more than pixels has a method `reloaded`: what it works out when it loads an
    image must be compared at each call as well.
    """
    own: Callable[[Any], Any] | None = getattr(evaluator, "reloaded", None)
    return copy.copy(image) if own is None else own(image)


class Watched:
    """An evaluator that fills batches up with reference rows, and compares their answers with those of before."""

    def __init__(self, evaluator: Evaluator, rows: ReferenceRows | None) -> None:
        self._evaluator, self._rows = evaluator, rows
        self._images: list[Any] = []
        self._filled = 0
        self._equal: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._evaluator, name)

    def filling(self, count: int) -> tuple[list[Any], IntArray] | None:
        """`count` reference rows for the end of the next batch."""
        if self._rows is None:
            return None
        self._filled = count
        return self._reference()[:count], self._rows.pairs[:count]

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `Evaluator`."""
        filled, self._filled = self._filled, 0
        fetch = self._evaluator.submit(images, pairs)
        return partial(self._compared, fetch, filled) if filled else fetch

    def unchanged(self) -> bool:
        """Whether every reference row of the call was answered as before; if there was none, one batch is made now."""
        if self._rows is None:
            return True
        if not self._equal:
            self._filled = len(self._rows.pairs)
            self.submit(self._reference(), self._rows.pairs)()
        return all(self._equal)

    def _reference(self) -> list[Any]:
        """The reference images, loaded anew in this call."""
        if self._rows is not None and not self._images:
            distinct = {id(image): image for image in self._rows.images}
            again = {key: reloaded(self._evaluator, image) for key, image in distinct.items()}
            self._images = [again[id(image)] for image in self._rows.images]
        return self._images

    def _compared(self, fetch: Callable[[], Answers], filled: int) -> Answers:
        answers = fetch()
        if self._rows is not None:
            last = slice(len(answers.labels) - filled, None)
            self._equal.append(self._rows.same(Answers(*answers.rows(last))))
        return answers


def as_certified_classifier(model: object, certified: Certified, options: Mapping[str, Any]) -> MaskedClassifier:
    """The classifier of a model, with the options of its certification."""
    entries = dict(certified.fingerprint.entries)
    if ANSWERS in entries:
        return as_reader(model, {} if is_classifier(model) else {**certified.options, **options})
    # A classifier that is made already has its options; if they are others, the fingerprint tells.
    classifier = as_classifier(model, options if is_classifier(model) else {**certified.options, **options})
    return as_certified(classifier, entries)
