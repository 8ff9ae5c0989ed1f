"""Why an image is certified or not: every two-mask prediction of it, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.labels import UNSEEN
from maskcover.classifiers.registry import as_classifier
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap, covered_fraction, placement_map
from maskcover.defense.certificates import Certificate, row_certificate
from maskcover.defense.double import Defended, double_masking
from maskcover.defense.procedure import checked_against, first_look
from maskcover.defense.table import Pending, PredictionTable
from maskcover.engine.preparation import Wish, ready
from maskcover.engine.queue import settle
from maskcover.errors import InvalidInput, UndecidedPrediction
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet

_SHOWN = 12
"""Lines of a text about many pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """All that the defence sees of one image.

    Args:
        masks, regions: The defence, and what it is certified against.
        label: The label that is asked about.
        given: Whether the label was given. If not, it is the defended one, and nothing is said of the truth.
        table: F(x; m, m'), int64 (masks, masks), symmetric; −1 where there is no unique finite top score.
        undefended: The label of the image as it is.
        answer: The defended prediction, by Algorithm 1.
        certificate: By the row theorem, of every row.
        broken: Pairs under which scores were not finite; such an image is an error.
    """

    masks: MaskSet
    regions: RegionSet
    label: int
    table: IntArray
    undefended: int
    answer: Defended
    certificate: Certificate
    broken: tuple[tuple[int, int], ...]
    given: bool

    @property
    def one_mask(self) -> IntArray:
        """The label under each mask, int64 (masks,)."""
        return self.table.diagonal()

    @property
    def failing(self) -> tuple[tuple[int, int], ...]:
        """Pairs of mask numbers, each once, under which the prediction is not the label; single masks as (m, m)."""
        wrong = np.triu(self.table != self.label)
        return tuple((first, second) for first, second in np.argwhere(wrong).tolist())

    @property
    def certified(self) -> bool:
        """Whether no attack within the regions changes the defended label."""
        return self.certificate.certified and not self.broken

    @property
    def share(self) -> Fraction:
        """The share of the attacker's regions that are certified."""
        return covered_fraction(self._good, self.regions) if len(self._good) and not self.broken else Fraction(0)

    def map(self) -> PlacementMap:
        """The placements that are certified, those inside a mask whose row is wholly right; for one patch."""
        return placement_map(self._good, self.regions)

    def told(self, names: Mapping[int, str] | None = None) -> str:
        """The explanation as text; with the names of classes, where they are known."""
        views = len(self.table) * (len(self.table) + 1) // 2
        verdict = (
            "certified" if self.certified else "an error: scores were not finite" if self.broken else "not certified"
        )
        whose = "" if self.given else " (the defended one; no true label was given)"
        lines = [
            f"label {_named(self.label, names)}{whose}: {verdict} against {self.regions}",
            f"  undefended {_named(self.undefended, names)}, defended {_named(self.answer.label, names)} "
            f"({self.answer.case.value})",
            f"  under one mask: {_counted(self.one_mask, names)}",
            f"  {len(self.failing):,} of {views:,} views under two masks have another label",
            *(f"    masks {first} and {second}: {self._under(first, second, names)}" for first, second in self._some),
            f"  {float(self.share):.2%} of the placements certified, by {len(self.certificate.good)} of "
            f"{len(self.masks)} masks whose every view has the label",
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.told()

    @property
    def _some(self) -> tuple[tuple[int, int], ...]:
        return self.failing[:_SHOWN]

    @property
    def _good(self) -> MaskSet:
        return MaskSet(self.masks.grid, tuple(self.masks[mask] for mask in self.certificate.good))

    def _under(self, first: int, second: int, names: Mapping[int, str] | None) -> str:
        return _named(int(self.table[first, second]), names)


def explain(
    model: object,
    images: Images,
    masks: MaskSet,
    *,
    number: int = 0,
    label: int | None = None,
    regions: RegionSet | str | None = None,
    margin: float | None = None,
    numerics: Wish | None = None,
    probes: bool = True,
    **options: Any,
) -> Explanation:
    """Why one image is certified, or is not: every prediction under two masks, none left out.

    Args:
        model, images, masks, regions, margin, numerics, probes, options: As for `certify`.
        number: Which of the images.
        label: The true label; by default the defended one, and then the certificate is about that.

    Raises:
        UndecidedPrediction: no label was given, and the defence has none.
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
      0 of 45 views under two masks have another label
      100.00% of the placements certified, by 9 of 9 masks whose every view has the label
    """
    if label is not None and (isinstance(label, bool) or not isinstance(label, int | np.integer) or label < 0):
        raise InvalidInput(f"label is a class number from 0; got {label!r}")
    covers = Containment.covering(masks, regions)
    chosen = _One(images, number)
    start = ready(as_classifier(model, options), chosen, masks, margin=margin, numerics=numerics, probes=probes)

    def decide(_: int, table: PredictionTable) -> Explanation | Pending:
        asked = None if label is None else checked_against(int(label), table, number)
        if look := first_look(table) or _unseen(table):
            return look
        answer = double_masking(table.matrix)
        about = answer.label if asked is None and isinstance(answer, Defended) else asked
        if about is None or about < 0 or isinstance(answer, Pending):
            raise UndecidedPrediction("the defence gives the image no label; name the one that you ask about")
        certificate = row_certificate(table.firm(start.margin), about, covers, exhaustive=True)
        if isinstance(certificate, Pending):
            raise InvalidInput("a table that was wholly seen left a row undecided")
        seen = table.matrix, table.undefended, answer, certificate, tuple(table.broken)
        return Explanation(masks, covers.regions, about, *seen, given=asked is not None)

    [(_, found)] = settle(start.evaluator, chosen, decide)
    start.expect_unchanged()
    return found


@dataclass(frozen=True, slots=True)
class _One:
    """One of some images, with what they say of their preprocessing."""

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
    """All pairs that were not asked for yet."""
    pairs = np.argwhere(np.triu(table.matrix == UNSEEN))
    return Pending(pairs) if len(pairs) else None


def _counted(labels: IntArray, names: Mapping[int, str] | None) -> str:
    """The different labels with the number of masks, the most frequent first."""
    found = Counter(labels.tolist()).most_common()
    told = [f"{_named(label, names)} ({count} mask{'s' * (count != 1)})" for label, count in found[:_SHOWN]]
    return ", ".join([*told, "…"] if len(found) > _SHOWN else told)


def _named(label: int, names: Mapping[int, str] | None) -> str:
    if label < 0:
        return "none"
    return f"{label} {names[label]}" if names and label in names else str(label)
