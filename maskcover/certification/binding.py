"""What serves is bound to what was certified: compared when it is made, and at each call (threats.md, 39 and 40)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from maskcover.cells import IntArray
from maskcover.certification.answering import predict_with
from maskcover.certification.results import CertificationResult
from maskcover.classifiers.evaluation import Answers, Evaluator, Images, MaskedClassifier, as_certified, observe
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.classifiers.registry import as_classifier, is_classifier
from maskcover.defense.answers import Answer
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import Method
from maskcover.defense.texts import parse_procedure
from maskcover.engine.preparation import fingerprint
from maskcover.engine.reference import Reference, pairs
from maskcover.errors import FingerprintMismatch, InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet


@dataclass(frozen=True, slots=True)
class Certified:
    """What was certified, as far as what serves must be it: of a result, or of a run (`maskcover.runs.certified`).

    Args:
        masks, procedure, fingerprint, batch_size: What they are of the certification.
        reference: The reference scores; None if it kept none.
        example: The image that was probed, where it is at hand.
        options: Those of the adapter, where they are known.
    """

    masks: MaskSet
    procedure: Procedure
    fingerprint: Fingerprint
    batch_size: int
    reference: Reference | None
    example: Any = field(default=None, compare=False, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, known: CertificationResult | Certified) -> Certified:
        """That of a result."""
        if isinstance(known, Certified):
            return known
        start = known.start
        return cls(
            known.masks, known.procedure, known.fingerprint, start.evaluator.batch_size,
            start.reference, start.example, known.options or {},
        )  # fmt: skip

    @property
    def preprocessing(self) -> str:
        """What images have gone through before, in words."""
        return dict(self.fingerprint.entries)["preprocessing"]

    def expect_procedure(
        self, procedure: Procedure | str | None, method: Method | None, threshold: float | None
    ) -> None:
        """Raise `InvalidInput` if another defence is asked for."""
        document = self.procedure.document()
        same = (method, threshold) in ((None, None), (document["method"], document["threshold"]))
        if not same or (procedure is not None and parse_procedure(procedure) != self.procedure):
            raise InvalidInput(
                f"what was certified is {self.procedure.words}; leave procedure, method and threshold out"
            )

    def expect(self, evaluator: Evaluator, preprocessing: str) -> None:
        """Raise `FingerprintMismatch` unless this is what is asked: its fingerprint, and its reference scores."""
        fingerprint(evaluator, preprocessing).expect(self.fingerprint)
        if self.reference is None:
            return
        example = None if self.example is None else evaluator.load(self.example)
        changed = self.reference.differences(self.reference.again(evaluator, example))
        if changed:
            raise FingerprintMismatch(
                f"this is not what was certified: {'; '.join(changed)}. The fingerprint is the same: look "
                "for hooks, flags and attributes of the model, or files beside it. Serve what was certified, or "
                "certify anew"
            )


@runtime_checkable
class Glances(Protocol):
    """An evaluator that can tell at negligible cost whether what it computes with was changed."""

    def glance(self) -> Hashable:
        """Equal to an earlier one only if nothing that is named in `identity` was changed, as far as can be seen."""
        ...


class Binding:
    """Holds what serves to what was certified, at each call; made by `defend` and `predict`.

    Each call compares what the evaluator shows at a glance (all of its identity, where it has no shorter way), and
    scores known rows beside the images, where a batch would only be filled up: in calls without such a batch, in one
    more. Only where something differs there is everything compared, in full, and refused if it is not what was
    certified: so a call costs at most one batch more, and mostly none.
    """

    def __init__(self, certified: Certified) -> None:
        self.certified = certified
        self._glance: Hashable = None
        self._rows: _Rows | None = None
        known = certified.reference
        if known is None or not (known.has_noise or certified.example is not None):
            warnings.warn(
                "nothing of what was certified can be scored again here (it kept no reference scores, or images that "
                "nobody can make): only its fingerprint can be compared. Bind to the result of certify, which has its "
                "first image, to have hooks, flags and the like noticed",
                MaskcoverWarning,
                stacklevel=4,
            )

    def expect(self, evaluator: Evaluator, preprocessing: str) -> None:
        """Raise `FingerprintMismatch` unless this is what was certified."""
        observe(evaluator, self.certified.procedure.observation)
        if self.certified.reference is not None:
            self.certified.reference.pin(evaluator)
        now = evaluator.glance() if isinstance(evaluator, Glances) else tuple(sorted(evaluator.identity().items()))
        if self._glance == (now, preprocessing):
            return
        self._expect_all(evaluator, preprocessing)
        self._glance, self._rows = (now, preprocessing), _Rows.of(self.certified, evaluator)

    def served(
        self, evaluator: Evaluator, images: Images, preprocessing: str, *, progress: bool = False
    ) -> tuple[Answer, ...]:
        """The defended predictions, if what gives them is still what was certified."""
        self.expect(evaluator, preprocessing)
        watched = Watched(evaluator, self._rows)
        answers = predict_with(cast("Evaluator", watched), images, self.certified.procedure, progress=progress)
        if len(images) and not watched.unchanged():
            self._expect_all(evaluator, preprocessing)  # what differs may be rounding that the contract allows
        return tuple(answers)

    def _expect_all(self, evaluator: Evaluator, preprocessing: str) -> None:
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
class _Rows:
    """One batch of known rows: images, pairs, and what was answered when all was compared."""

    images: list[Any]
    pairs: IntArray
    answers: Answers

    @classmethod
    def of(cls, certified: Certified, evaluator: Evaluator) -> _Rows | None:
        known = certified.reference
        some = [] if known is None else known.images(evaluator, certified.example)
        if not some:
            return None
        told = pairs(len(certified.masks), evaluator.batch_size)
        images = [some[-1 - number % len(some)] for number in range(len(told))]  # that of the data first
        return cls(images, told, evaluator.submit(images, told)())

    def same(self, answers: Answers) -> bool:
        """Whether so many answers are those of the first rows, to the bit."""
        count = len(answers.labels)
        labels, *numbers = answers.rows(slice(None))
        labels_before, *numbers_before = self.answers.rows(slice(count))
        return np.array_equal(labels, labels_before) and all(
            now is before if now is None or before is None else np.array_equal(now, before, equal_nan=True)
            for now, before in zip(numbers, numbers_before, strict=True)
        )


class Watched:
    """An evaluator that is asked for known rows too, where a batch would be filled up with repetitions."""

    def __init__(self, evaluator: Evaluator, rows: _Rows | None) -> None:
        self._evaluator, self._rows = evaluator, rows
        self._filled = 0
        self._seen: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._evaluator, name)

    def filling(self, count: int) -> tuple[list[Any], IntArray] | None:
        """So many rows for the end of the next batch."""
        if self._rows is None:
            return None
        self._filled = count
        return self._rows.images[:count], self._rows.pairs[:count]

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `Evaluator`."""
        filled, self._filled = self._filled, 0
        fetch = self._evaluator.submit(images, pairs)
        return partial(self._compared, fetch, filled) if filled else fetch

    def unchanged(self) -> bool:
        """Whether every known row of the call was answered as before; if there was none, one batch is asked now."""
        if self._rows is None:
            return True
        if not self._seen:
            self._filled = len(self._rows.pairs)
            self.submit(self._rows.images, self._rows.pairs)()
        return all(self._seen)

    def _compared(self, fetch: Callable[[], Answers], filled: int) -> Answers:
        answers = fetch()
        if self._rows is not None:
            last = slice(len(answers.labels) - filled, None)
            self._seen.append(self._rows.same(Answers(*answers.rows(last))))
        return answers


def as_certified_classifier(model: object, known: Certified, options: Mapping[str, Any]) -> MaskedClassifier:
    """The classifier of a model, with the options that were certified."""
    # A classifier that is made already has its options; if they are others, the fingerprint tells.
    made = as_classifier(model, options if is_classifier(model) else {**known.options, **options})
    return as_certified(made, dict(known.fingerprint.entries))
