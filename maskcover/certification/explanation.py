"""Explanations: every masked prediction of one image that the defence may ask for, and what follows from them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from maskcover.cells import IntArray
from maskcover.certification.certifying import Task, bits_for, bound, checked_task, classifier_for, require_bits
from maskcover.classifiers.evaluation import Images, MaskedClassifier, expect_regions
from maskcover.classifiers.interned import FIRST_NUMBER, AnyAnswer
from maskcover.classifiers.labels import UNSEEN
from maskcover.classifiers.masked_answers import MaskedAnswers
from maskcover.classifiers.options import renamed
from maskcover.covering.placements import PlacementMap, covered_fraction, placement_map
from maskcover.defense.answers import Answer
from maskcover.defense.certificates import Certificate
from maskcover.defense.procedure import Procedure, checked_against, equip, expect_kept, first_look
from maskcover.defense.procedures import DOUBLE_MASKING
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.texts import parse_procedure
from maskcover.engine.preparation import RequiredNumerics, prepare_run
from maskcover.engine.queue import run_queries
from maskcover.errors import InvalidInput, MaskcoverWarning, UndecidedPrediction
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.terminal import counted

T = TypeVar("T")
_SHOWN = 12
"""Lines of a text about many pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """All masked predictions of one image, and what the defence makes of them.

    Args:
        masks, regions, procedure: The defence, and the regions that it is certified against.
        label: The label that the certificate is about.
        given: Whether the user gave the label. If not, it is the defended one, which need not be the true one.
        predictions: int64; F(x; m, m') of shape (masks, masks), symmetric, or F(x; m) of shape (masks,) for a defence
            that uses single masks only; −1 where there is no unique finite top score.
        undefended: The label of the image as it is.
        answer: The defended prediction.
        certificate: The certificate, made from the complete table.
        broken: Pairs under which scores were not finite; such an image is an error.
        placements: The map of certified placements of a defence that works it out itself, for one patch.
        levels: The labels under the masks of each level of a first round, int64; none without levels.
        answers: The answers by their numbers, of a function that gives answers without scores: labels are numbers.

    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> why = mc.explain(brightness, np.zeros((1, 12, 12)), masks, label=0, batch_size=4)
    >>> why.certified, why.failing, float(why.certified_fraction)
    (True, (), 1.0)
    """

    masks: MaskSet
    regions: RegionSet
    procedure: Procedure
    label: int
    predictions: IntArray
    undefended: int
    answer: Answer
    certificate: Certificate
    broken: tuple[tuple[int, int], ...]
    given: bool
    placements: PlacementMap | None = None
    levels: tuple[IntArray, ...] = ()
    answers: Mapping[int, AnyAnswer] = field(default_factory=dict)

    @property
    def one_mask(self) -> IntArray:
        """The label under each mask, int64 (masks,)."""
        return self.predictions if self.predictions.ndim == 1 else self.predictions.diagonal()

    @property
    def table(self) -> IntArray:
        """F(x; m, m'), int64 (masks, masks), symmetric.

        Raises:
            InvalidInput: the defence uses single masks only; `one_mask` has their labels.
        """
        if self.predictions.ndim == 1:
            raise InvalidInput(f"{self.procedure.words} uses single masks only; their labels are in one_mask")
        return self.predictions

    @property
    def failing(self) -> tuple[tuple[int, int], ...]:
        """Pairs of mask numbers, each once, under which the prediction is not the label; single masks as (m, m)."""
        if self.predictions.ndim == 1:
            return tuple((mask, mask) for mask in np.flatnonzero(self.predictions != self.label).tolist())
        wrong = np.triu(self.predictions != self.label)
        return tuple((first, second) for first, second in np.argwhere(wrong).tolist())

    @property
    def certified(self) -> bool:
        """Whether no attack within the regions changes the defended label."""
        return self.certificate.certified and not self.broken

    @property
    def certified_fraction(self) -> Fraction:
        """The fraction of the attacker's regions that are certified."""
        if self.certified:
            return Fraction(1)
        if self.placements is not None:
            return self.placements.fraction
        if self.broken or not len(self._certifying):
            return Fraction(0)
        return covered_fraction(self._certifying, self.regions)

    @property
    def share(self) -> Fraction:
        """The name of `certified_fraction` up to version 0.1."""
        warnings.warn("Explanation.share is now Explanation.certified_fraction", MaskcoverWarning, stacklevel=2)
        return self.certified_fraction

    def map(self) -> PlacementMap:
        """The map of the certified placements, for one patch: those inside a certifying mask, or `placements`.

        Raises:
            InvalidInput: there are several patches, or the defence certifies without masks and has no map.
        """
        if self.placements is not None:
            return self.placements
        if not self.procedure.needs_cover and not len(self._certifying):
            raise InvalidInput(
                f"there is no map: {self.procedure.words} certifies without single masks, and "
                f"{'scores were not finite' if self.broken else 'works out no placements of these regions'}"
            )
        return placement_map(self._certifying, self.regions)

    @property
    def has_map(self) -> bool:
        """Whether there is a map to draw: one patch, and placements that were worked out."""
        if self.placements is not None:
            return True
        return len(self._certifying) > 0 and self.regions.terms(self.masks.grid)[0].patches == 1

    def told(self, names: Mapping[int, str] | None = None) -> str:
        """The name of `text` up to version 0.1."""
        warnings.warn("Explanation.told is now Explanation.text", MaskcoverWarning, stacklevel=2)
        return self.text(names)

    def text(self, names: Mapping[int, str] | None = None) -> str:
        """The explanation as text; with the names of classes, if they are given."""
        names = names or {number: repr(answer) for number, answer in self.answers.items()}
        count, single = len(self.masks), self.predictions.ndim == 1
        predictions = (
            f"{count:,} predictions under one mask"
            if single
            else f"{count * (count + 1) // 2:,} predictions under two masks"
        )
        verdict = (
            "certified" if self.certified else "an error: scores were not finite" if self.broken else "not certified"
        )
        whose = "" if self.given else " (the defended one; no true label was given)"
        lines = [
            f"label {_named(self.label, names)}{whose}: {verdict} against {self.regions}",
            f"  undefended {_named(self.undefended, names)}, defended {_named(self.answer.label, names)} "
            f"({self.answer.case.value})",
            *(f"  under the {len(level)} masks of a level: {_counted(level, names)}" for level in self.levels),
            f"  under one mask: {_counted(self.one_mask, names)}",
            f"  {len(self.failing):,} of {predictions} have another label",
            *(f"    {self._under(first, second, names)}" for first, second in self.failing[:_SHOWN]),
            f"  {float(self.certified_fraction):.2%} of the placements certified{self._by_masks()}",
        ]
        return "\n".join(lines)

    def _by_masks(self) -> str:
        """The number of certifying masks in words; nothing for a defence that certifies without them."""
        if self.procedure.maps_itself:
            return ""
        words = f", by {len(self.certificate.certifying)} of {len(self.masks)} masks"
        return words if self.predictions.ndim == 1 else f"{words} whose every prediction has the label"

    def __str__(self) -> str:
        return self.text()

    @property
    def _certifying(self) -> MaskSet:
        return MaskSet(self.masks.grid, tuple(self.masks[mask] for mask in self.certificate.certifying))

    def _under(self, first: int, second: int, names: Mapping[int, str] | None) -> str:
        if self.predictions.ndim == 1:
            return f"mask {first}: {_named(int(self.predictions[first]), names)}"
        return f"masks {first} and {second}: {_named(int(self.predictions[first, second]), names)}"


def explain(
    model: object,
    images: Images,
    masks: MaskSet,
    *,
    number: int = 0,
    label: Any = None,
    task: Task | None = None,
    regions: RegionSet | str | None = None,
    procedure: Procedure | str | None = None,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    probes: bool = True,
    **options: Any,
) -> Explanation:
    """Explain why one image is certified, or is not, by every masked prediction of the defence.

    Args:
        model, images, masks, regions, procedure, min_margin, numerics, probes, options: As for `certify`.
        number: The index of the image.
        label: The true label; by default the defended one, and then the certificate is about that.
        task: As for `certify`: with "answers" the label is an answer.

    Raises:
        UndecidedPrediction: no label was given, and the defence gives none.
        InvalidInput, NotCovering, ProbeFailed: as for `certify`.

    >>> import maskcover as mc
    >>> class Dark:                                    # calls an image 1 when most of what it sees is dark
    ...     batch_size = 4
    ...     def scores(self, images, hidden):
    ...         dark = np.array([(image < 0.5)[~hide].mean() for image, hide in zip(images, hidden)])
    ...         return np.stack([1 - dark, dark], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> print(explain(Dark(), np.zeros((1, 12, 12)), masks))
    label 1 (the defended one; no true label was given): certified against squares(size=3)
      undefended 1, defended 1 (agreed)
      under one mask: 1 (9 masks)
      0 of 45 predictions under two masks have another label
      100.00% of the placements certified, by 9 of 9 masks whose every prediction has the label
    """
    min_margin = renamed(options, "margin", "min_margin", min_margin)
    classifier = classifier_for(checked_task(task), model, options)
    true_label = None if label is None else _true_label(label, classifier)
    defence = parse_procedure(procedure or DOUBLE_MASKING)
    defence, covers = bound(defence, masks, regions)
    masks = covers.masks
    single_image, required = _OneImage(images, number), bits_for(defence, numerics, min_margin)
    start = prepare_run(classifier, single_image, masks, min_margin=min_margin, numerics=required, probes=probes)
    expect_regions(classifier, covers.regions, start.example)
    require_bits(defence, start)
    equip(start.evaluator, defence)

    def decide(_: int, table: PredictionTable) -> Explanation | Pending:
        true = None if true_label is None else checked_against(true_label, table, number)
        if look := first_look(table) or _unseen(table):
            return look
        answer = _decided(defence.answer(table))
        explained_label = answer.label if true is None and not answer.alert else true
        if explained_label is None or explained_label < 0:
            raise UndecidedPrediction("the defence gives the image no label; give the label to explain with label=")
        certificate = _decided(defence.certificate(table, explained_label, covers, start.min_margin))
        expect_kept(defence, certificate, answer, explained_label)
        broken = tuple(table.broken)
        placements = None if broken else defence.certified_map(table, explained_label, covers, start.min_margin)
        return Explanation(
            masks, covers.regions, defence, explained_label, table.labels[table.views.ids], table.undefended, answer,
            certificate, broken, given=true is not None, placements=placements, levels=_of_levels(defence, table),
            answers=_answers(classifier, table, explained_label),
        )  # fmt: skip

    [(_, explanation)] = run_queries(start.evaluator, single_image, decide, views=defence.views)
    start.expect_unchanged()
    return explanation


def _decided(decision: T | Pending) -> T:
    """The decision about a complete table."""
    if isinstance(decision, Pending):
        raise InvalidInput(
            "the procedure asks for predictions that are in the table; test it with maskcover.testing.ProcedureContract"
        )
    return decision


def _true_label(label: Any, classifier: MaskedClassifier) -> int:
    """The true label as a class number, or as the number of an answer."""
    if isinstance(classifier, MaskedAnswers):
        return classifier.number_of(label)
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or label < 0:
        raise InvalidInput(f"label must be a class number from 0; got {label!r}")
    return int(label)


def _answers(classifier: MaskedClassifier, table: PredictionTable, label: int) -> dict[int, AnyAnswer]:
    """The answers in a table by their numbers, and that of the label; none of a classifier with scores."""
    if not isinstance(classifier, MaskedAnswers):
        return {}
    numbers = np.unique(np.append(table.labels, label))
    return {int(number): classifier.answer_of(int(number)) for number in numbers if number >= 0}


@dataclass(frozen=True, slots=True)
class _OneImage:
    """One of many images, with their preprocessing."""

    images: Images
    number: int

    @property
    def preprocessing(self) -> Any:
        return getattr(self.images, "preprocessing", None)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: int, /) -> Any:
        return self.images[self.number]


def _unseen(table: PredictionTable) -> Pending | None:
    """All masked predictions that are missing in the table."""
    missing = np.flatnonzero(table.labels[:-1] == UNSEEN)
    return Pending(table.views.pairs[missing]) if len(missing) else None


def _of_levels(defence: Procedure, table: PredictionTable) -> tuple[IntArray, ...]:
    """The labels under the masks of each level that a defence asks for."""
    if defence == defence.without_levels or table.mask_set is None:
        return ()
    return tuple(table.labels[table.views.numbers(level, level)] for level in table.mask_set.level_numbers)


def _counted(labels: IntArray, names: Mapping[int, str] | None) -> str:
    """The different labels with the number of masks, the most frequent first."""
    counts = Counter(labels.tolist()).most_common()
    texts = [f"{_named(label, names)} ({counted(count, 'mask')})" for label, count in counts[:_SHOWN]]
    return ", ".join([*texts, "…"] if len(counts) > _SHOWN else texts)


def _named(label: int, names: Mapping[int, str] | None) -> str:
    if label < 0:
        return "none"
    if not names or label not in names:
        return str(label)
    return names[label] if label >= FIRST_NUMBER else f"{label} {names[label]}"
