"""`Procedure`, the base of all defences: the predictions that it needs, its answer, and the certificate for it."""

from __future__ import annotations

import warnings
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, ClassVar

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import CERTAIN_LABELS, Evaluator, observe
from maskcover.classifiers.labels import UNSEEN
from maskcover.classifiers.observations import Observation, TopLabel
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap
from maskcover.defense.answers import Answer, includes
from maskcover.defense.certificates import Certificate
from maskcover.defense.stages import Stage
from maskcover.defense.table import NO_MASK, Decide, Pending, PredictionTable
from maskcover.defense.verdicts import Verdict, verdict
from maskcover.defense.waves import FEW, THRIFTY, Growth, next_wave
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Grid
from maskcover.masks import MaskSet, Views
from maskcover.regions import RegionSet


class _EarlierCalls(ABCMeta):
    """Lets ``Procedure("detect", threshold=0.5)``, which made all defences up to version 0.1, work for one release."""

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        if cls.__bases__ == (ABC,):  # the base itself
            procedure = cls.of_method(*arguments, **keywords)  # type: ignore[attr-defined]  # it is a Procedure
            warnings.warn(
                f"Procedure is now the base of all defences; write {procedure!r}", MaskcoverWarning, stacklevel=2
            )
            return procedure
        return super().__call__(*arguments, **keywords)


class Procedure(ABC, metaclass=_EarlierCalls):
    """A defence: an immutable value, equal to every other that answers and certifies in the same way.

    A subclass is a frozen dataclass; its fields are its arguments. ``str(procedure)`` is its text, which
    `parse_procedure` reads. `answer` and `certificate` are pure functions of a prediction table: the same functions
    run in `certify`, `predict`, `defend`, `explain`, `attack` and in runs. They return `Pending` where the table lacks
    a prediction that they need, and are called again when it is there.

    The promise of a certificate: if ``certificate(table, y, …)`` of an image certifies, `answer` gives y (or an
    alert, where `may_alert`) on every image that differs from it inside one region of the region set.
    `maskcover.testing.ProcedureContract` puts that to the test.
    """

    __slots__ = ()
    name: ClassVar[str]
    """The name in texts, such as ``double_masking``; that of the entry point in a distribution of its own."""
    method: ClassVar[str | None] = None
    """The name in ``method=``; None for a defence that is newer than that argument."""
    views: ClassVar[Views] = Views.SINGLE_MASKS
    """The masked predictions that it may ask for: under single masks, or under unions of two masks as well."""
    observation: Observation = TopLabel()
    """The numbers that are kept of the scores of each masked prediction."""
    needs_bits: ClassVar[bool] = True
    """Whether predictions must repeat to the bit. Only a defence that relies on nothing but the labels of
    `PredictionTable.trusted` may say False: numbers that are compared with a threshold have no margin."""
    needs_bounds: ClassVar[bool] = False
    """Whether masked predictions must be certain labels, the same whatever the hidden pixels hold: see
    `expect_predictions`."""
    needs_cover: ClassVar[bool] = True
    """Whether the masks as a whole must cover the regions before anything can be certified."""
    takes_answers: bool = False
    """Whether labels may be numbers of answers without scores (`maskcover.MaskedAnswers`). Only a defence may say True
    that compares labels, which are then as large as 2**62, reads no margin and no confidence, and counts with attacks
    that lead to labels which no view of the clean image has."""
    may_alert: ClassVar[bool] = False
    """Whether it may answer with an alert, also on an attacked image that is certified."""

    @abstractmethod
    def answer(self, table: PredictionTable) -> Answer | Pending:
        """The answer to an image, or the predictions that are missing for it."""

    @abstractmethod
    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """The certificate that no attack changes the answer from the true label, or the predictions missing for it.

        Args:
            table: The predictions of the clean image; it has those with nothing hidden and under every single mask.
            label: The true label, 0 or more.
            covers: Exact covering of the regions by a selection of the masks, see
                `maskcover.covering.containment.Containment`.
            min_margin: The certificate must not rely on predictions of a smaller margin: see `PredictionTable.trusted`.
        """

    def certified_map(
        self,
        table: PredictionTable,  # noqa: ARG002  # for subclasses
        label: int,  # noqa: ARG002
        covers: Containment,  # noqa: ARG002
        min_margin: float,  # noqa: ARG002
    ) -> PlacementMap | None:
        """The map of the placements that are certified, for a defence that certifies without single masks.

        Args:
            table, label, covers, min_margin: As for `certificate`; the table has all predictions that this needs.

        Returns:
            The map for one patch; None for several patches at once, and by default, where the certified placements are
            those inside certifying masks.
        """
        return None

    @property
    def maps_itself(self) -> bool:
        """Whether it has a map of certified placements of its own, see `certified_map`."""
        return type(self).certified_map is not Procedure.certified_map

    @property
    def without_levels(self) -> Procedure:
        """The procedure without levels (`maskcover.defense.first_rounds`), which certifies by its masks alone."""
        return self

    def own_masks(self, grid: Grid) -> MaskSet | None:  # noqa: ARG002  # for subclasses
        """The masks that the procedure names itself, for images of this size; None if it takes any."""
        return None

    def expect_masks(self, masks: MaskSet) -> None:
        """Raise `InvalidInput` if the procedure names masks itself, and these are others."""
        own = self.own_masks(masks.grid)
        if own is not None and own != masks:
            raise InvalidInput(f"{self} names its own masks, and other ones are given; leave them out, or give those")

    def masks_with_levels(self, masks: MaskSet, regions: RegionSet) -> MaskSet:  # noqa: ARG002  # for subclasses
        """The masks with the levels of the procedure's first round (`first_rounds`); by default it has none.

        Raises:
            InvalidInput: the masks have other levels already.
        """
        return masks

    def first_rounds(self, masks: MaskSet) -> tuple[IntArray, ...]:  # noqa: ARG002  # for subclasses
        """The predictions that may answer an image before all others, round by round; by default there are none.

        Returns:
            Pairs of mask numbers for each round, int64 (predictions, 2).
        """
        return ()

    def against(self, regions: RegionSet) -> Procedure:  # noqa: ARG002  # for subclasses
        """The procedure with all that it takes from the regions that are certified; by default it takes nothing."""
        return self

    def expect_predictions(self, entries: Mapping[str, str]) -> None:
        """Raise `InvalidInput` if masked predictions must be certain labels, and are not.

        Args:
            entries: The identity of the evaluator, or the fingerprint of a run.
        """
        if self.needs_bounds and CERTAIN_LABELS not in entries:
            raise InvalidInput(
                f"{self} needs certain labels, which hold whatever the hidden pixels are, and this classifier fills "
                "hidden pixels instead: give it maskcover_torch.intervals(model, pixels=(0, 1)), or --pixels 0,1"
            )

    def first_views(self, table: PredictionTable) -> Pending | None:
        """The predictions to make before a certificate is asked for: by default `first_look`; None if all are made."""
        return first_look(table)

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """The stages of an answer with the predictions that each makes, in order; see `Stage`.

        By default one stage, of which nothing is known but that each view is asked for once at most.
        """
        every = len(masks.views(self.views)) + 1
        return (Stage("all views", 0, every, every),)

    def expect_use(self, covers: Containment) -> None:
        """Raise `NotCovering` if the procedure could certify no image with these masks; by default it can."""

    @property
    def requires_bits(self) -> bool:
        """Whether no margin of scores can stand in for bits: it needs them, or observes more than top labels."""
        return self.needs_bits or self.observation != TopLabel()

    @property
    def words(self) -> str:
        """The defence in words, for sentences."""
        return str(self)

    def __str__(self) -> str:
        arguments = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
            if field.default is MISSING or getattr(self, field.name) != field.default
        ]
        return f"{self.name}({', '.join(arguments)})"

    @classmethod
    def of_method(
        cls, method: str = "double", threshold: float | None = None, rule: str = "rows", exhaustive: bool = False
    ) -> Procedure:
        """The defence that the arguments ``method=``, ``threshold=``, ``rule=`` and ``exhaustive=`` name.

        Raises:
            InvalidInput: there is no such method, or it has no such argument.
        """
        # The first class of a name counts, so that no other distribution can replace a built-in one.
        kinds = {kind.method: kind for kind in reversed(list(_subclasses(Procedure))) if kind.method}
        if method not in kinds:
            raise InvalidInput(f"method must be one of {', '.join(sorted(map(str, kinds)))}; got {method!r}")
        names = [field.name for field in fields(kinds[method])]  # type: ignore[arg-type]  # subclasses are dataclasses
        if (threshold is None) == ("threshold" in names):
            raise InvalidInput(
                f'a threshold belongs to method="detect" and to no other; got {method!r} and {threshold!r}'
            )
        arguments = {"threshold": threshold, "rule": rule, "exhaustive": exhaustive}
        return kinds[method](**{name: arguments[name] for name in names if name in arguments})

    def document(self) -> dict[str, Any]:
        """The defence as run.json keeps it: its method and arguments, or its text where these do not say it all."""
        defaults: dict[str, Any] = {"threshold": None, "rule": "rows", "exhaustive": False}
        newer = any(
            field.name not in defaults and getattr(self, field.name) != field.default
            for field in fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
        )
        if self.method is None or newer:
            return {"method": str(self)} | defaults
        own = {name: getattr(self, name) for name in defaults if hasattr(self, name)}
        return {"method": self.method} | defaults | own


def _subclasses(kind: Any) -> Iterator[type[Procedure]]:
    """The subclasses of a class, those that were made first come first."""
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def equip(evaluator: Evaluator, procedure: Procedure) -> None:
    """Make an evaluator keep what a procedure needs of each prediction; it comes before every run.

    Raises:
        InvalidInput: the evaluator cannot keep that, or its masked predictions are of another kind.
    """
    if not procedure.takes_answers and not getattr(evaluator, "has_scores", True):
        raise InvalidInput(
            f"{procedure} ({procedure.words}) needs scores, and this classifier gives answers without any; use "
            "double_masking(), challenger_masking(), voting() or detection(threshold=0)"
        )
    observe(evaluator, procedure.observation)
    if procedure.needs_bounds:
        procedure.expect_predictions(evaluator.identity())


def answering(procedure: Procedure, first_round: int = FEW, second_round: int = FEW) -> Decide[Answer]:
    """The answers of a defence, for the engine.

    Args:
        procedure: The defence.
        first_round: The number of predictions in a wave of its first round, if it has one; see `wave_of`.
        second_round: The least number of predictions in a wave of a second round: a batch for an image alone.
    """

    growth = Growth(first=max(FEW, second_round))

    def decide(_: int, table: PredictionTable) -> Answer | Pending:
        answer = procedure.answer(table)
        return next_wave(table, answer, first_round, growth) if isinstance(answer, Pending) else answer

    return decide


def certifying(procedure: Procedure, labels: IntArray, covers: Containment, min_margin: float) -> Decide[Verdict]:
    """The verdicts of a defence, for the engine; labels int64, one for each image."""

    def decide(number: int, table: PredictionTable) -> Verdict | Pending:
        label = checked_against(int(labels[number]), table, number)
        if look := procedure.first_views(table):
            return look
        certificate = procedure.certificate(table, label, covers, min_margin)
        if isinstance(certificate, Pending):
            return next_wave(table, certificate, growth=THRIFTY)
        answer = procedure.answer(table)
        if isinstance(answer, Pending):
            return next_wave(table, answer, growth=THRIFTY)
        expect_kept(procedure, certificate, answer, label)
        whole = certificate.certified or bool(table.broken)
        placements = None if whole else procedure.certified_map(table, label, covers, min_margin)
        return verdict(table, label, certificate, answer, None if placements is None else placements.fraction)

    return decide


def expect_kept(procedure: Procedure, certificate: Certificate, answer: Answer, label: int) -> None:
    """Raise `InvalidInput` if a certificate is broken by the clean image itself, which is one of the attacked ones."""
    if certificate.certified and not includes(answer, label) and not (answer.alert and procedure.may_alert):
        raise InvalidInput(
            f"{procedure!r} certifies the label {label} of an image to which it answers {answer.label}; its "
            "certificate is wrong: test it with maskcover.testing.ProcedureContract"
        )


def first_look(table: PredictionTable) -> Pending | None:
    """The predictions of the image as it is and under each mask, which come first; None if the table has them."""
    # A table that another procedure filled may have the one with nothing hidden, and few of those under masks.
    unseen = np.flatnonzero(np.concatenate([[table.undefended], table.one_mask]) == UNSEEN) + NO_MASK
    return Pending(np.repeat(unseen, 2).reshape(-1, 2)) if len(unseen) else None


def checked_against(label: int, table: PredictionTable, number: int) -> int:
    """Return the true label of an image; raise `InvalidInput` if the classifier has no such class."""
    if table.classes is not None and label >= table.classes:
        raise InvalidInput(f"image {number} has the label {label}, but the classifier has {table.classes} classes")
    return label
