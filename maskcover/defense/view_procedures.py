"""The built-in defences that ask views which show a little of the image each: votes, and robust masking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import ClassVar

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.observations import ClassesAbove, Evidence, Observation, TopLabel
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap
from maskcover.defense.answers import Answer, Case, FirstLabels, checked_top
from maskcover.defense.certificates import Certificate, checked_label
from maskcover.defense.detection import checked_threshold
from maskcover.defense.first_places import FirstPlaces, first_by_votes
from maskcover.defense.procedure import Procedure, first_look
from maskcover.defense.robust import (
    exact_fraction,
    in_a_window,
    robust_answer,
    robust_certificate,
    robust_map,
    touched_sets,
    windows_of,
)
from maskcover.defense.stages import Stage, single_stage
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.voting import (
    expect_possible,
    is_open,
    vote,
    vote_certificate,
    vote_map,
    vote_of_any,
    votes_for_any,
    whole_scores,
)
from maskcover.errors import InvalidInput, NotCovering
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.masks.ablations import parse_views
from maskcover.regions import RegionSet, parse_regions


@dataclass(frozen=True)
class Voting(Procedure):
    """Votes of views that each show a little of the image: de-randomised smoothing, and the votes of Smoothed ViT.

    Args:
        shown: What each view shows, such as ``"bands(width=4)"`` or ``"blocks(size=12, stride=4)"``: see
            `maskcover.bands` and `maskcover.blocks`. By default any masks may be given to `certify`.
        threshold: Each view votes for every class with at least this confidence, from 0 to 1; by default for the
            class with the largest score.

        evidence: Each view scores all classes instead: a text such as ``"clip(0, 1)"``, ``"tanh(0.05, -1)"`` or
            ``"confidence"``, see `maskcover.classifiers.observations.Evidence`.
        top: The number k of first labels that make the answer, fewer than there are classes. With 2 or more the answer
            is a `FirstLabels`, and a certificate says that the true label stays among them.

    Of views without a label none votes. Where `top` is 2 or more, no view votes that has a confidence of at least
    `threshold` for more than 1 / `threshold` classes: its numbers are no confidences. See `maskcover.defense.voting`
    for the theorem, and `maskcover.defense.first_places` for that about the first k labels.

    >>> Voting("bands(4, axis='columns')"), str(Voting(threshold=0.25))
    (Voting(shown='bands(width=4)', threshold=None, evidence=None, top=1), 'voting(threshold=0.25)')
    """

    shown: str | None = None
    threshold: float | None = None
    evidence: str | None = None
    top: int = 1

    name: ClassVar[str] = "voting"
    needs_bits: ClassVar[bool] = False
    needs_cover: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _set_texts(self)
        checked_top(self.top)
        if self.threshold is not None:
            object.__setattr__(self, "threshold", checked_threshold(self.threshold))
        if self.threshold is not None and self.evidence is not None:
            raise InvalidInput(
                f"views vote for the classes above a threshold, or score all classes by evidence; got the threshold "
                f"{self.threshold} and the evidence {self.evidence}"
            )

    @property
    def observation(self) -> Observation:  # type: ignore[override]  # it depends on the arguments
        """The evidence, or the classes above the threshold; with neither the top label is enough."""
        if self.evidence is not None:
            return Evidence.parse(self.evidence)
        return TopLabel() if self.threshold is None else ClassesAbove(self.threshold)

    @property
    def takes_answers(self) -> bool:  # type: ignore[override]  # it depends on the arguments
        """Whether each view votes for its label, whatever its scores, and the most frequent one is the answer."""
        return self.threshold is None and self.evidence is None and self.top == 1

    @property
    def words(self) -> str:
        """The defence in words."""
        kind = "votes" if self.evidence is None else f"sums of evidence {self.evidence}"
        views = "" if self.shown is None else f" of {self.shown}"
        places = "" if self.top == 1 else f", the first {self.top} labels"
        return f"{kind}{views}" + ("" if self.threshold is None else f" at a confidence of {self.threshold:g}") + places

    def own_masks(self, grid: Grid) -> MaskSet | None:
        """The masks of its views, if it names any."""
        return None if self.shown is None else parse_views(self.shown).masks(grid)

    def expect_use(self, covers: Containment) -> None:
        """See `maskcover.defense.voting.expect_possible`."""
        expect_possible(covers, self._first)

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """Nothing hidden, and each view: always all of them."""
        return single_stage("nothing hidden, each view", len(masks.singles) + 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `vote`, and `maskcover.defense.first_places.first_by_votes`."""
        if look := first_look(table):
            return look
        if self.takes_answers and is_open(table.one_mask):
            return vote_of_any(table.one_mask)
        scores = self._scores(table, int(table.one_mask.max(initial=0)))
        if self.top == 1:
            return vote(scores)
        labels = first_by_votes(whole_scores(scores), checked_top(self.top, scores.shape[1]))
        return FirstLabels(labels, Case.FIRST_BY_VOTES if labels else Case.NO_VOTES)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `vote_certificate`."""
        if look := first_look(table):
            return look
        return vote_certificate(*self._relied(table, label, min_margin), covers, *self._range, self._first)

    def certified_map(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> PlacementMap | None:
        """See `maskcover.defense.voting.vote_map`."""
        return vote_map(*self._relied(table, label, min_margin), covers, *self._range, self._first)

    def _relied(self, table: PredictionTable, label: int, min_margin: float) -> tuple[IntArray, BoolArray, int]:
        """The scores of each view, whether they can be relied on, and the column of the label."""
        # A label that is not trusted may turn into any other; without a margin to keep, no label is an abstention.
        reliable = (table.trusted(min_margin)[table.views.singles] >= 0) | (min_margin == 0)
        if self.takes_answers and is_open(np.append(table.one_mask, label)):
            scores = votes_for_any(table.one_mask, label)
            return scores, reliable, scores.shape[1] - 1
        return self._scores(table, max(label, int(table.one_mask.max()))), reliable, label

    @property
    def _range(self) -> tuple[int, int]:
        """The least and the largest score of a view."""
        observation = self.observation
        return (observation.low, observation.high) if isinstance(observation, Evidence) else (0, 1)

    @property
    def _first(self) -> FirstPlaces:
        """The number of first labels, and the number of classes for which a view can vote."""
        if self.evidence is not None:
            return FirstPlaces(self.top, None)
        return FirstPlaces(self.top, 1 if self.threshold is None else _most_above(self.threshold))

    def _scores(self, table: PredictionTable, largest: int) -> IntArray:
        """The scores of each view, int64 (views, classes); where their number is not known, with a few classes more."""
        if self.threshold is not None or self.evidence is not None:
            scores, most = _observed(table, self), self._first.most_units
            return scores if self.top == 1 or most is None else np.where(scores.sum(axis=1) > most, 0, scores.T).T
        labels = table.one_mask
        votes = np.zeros((len(labels), table.classes or largest + 1 + self.top), dtype=np.int64)
        voting = np.flatnonzero(labels >= 0)
        votes[voting, labels[voting]] = 1
        return votes


@dataclass(frozen=True)
class RobustMasking(Procedure):
    """Robust masking of local evidence, PatchGuard: no window of views may decide for a class.

    Args:
        threshold: A window is taken out of the evidence for a class if it holds more than this fraction of it, from 0
            up to, but not, 1.
        shown: What each view shows, as for `Voting`. By default the views are the cells of the classifier
            (`maskcover_torch.local`), or any masks that are given.
        windows: The regions whose touched views are the windows, as a text such as ``"squares(size=32)"``. By default
            those that are certified; they are part of the defence and stand in its text from then on.
        evidence: How the scores of a view become evidence, 0 or more; see
            `maskcover.classifiers.observations.Evidence`.

    See `maskcover.defense.robust` for the theorem.

    >>> str(RobustMasking(windows="squares(size=32)"))
    "robust_masking(windows='squares(size=32)')"
    """

    threshold: float = 0.0
    shown: str | None = None
    windows: str | None = None
    evidence: str = "clip(0, 1048576)"

    name: ClassVar[str] = "robust_masking"
    needs_cover: ClassVar[bool] = False

    def __post_init__(self) -> None:
        exact_fraction(self.threshold)
        object.__setattr__(self, "threshold", float(self.threshold))
        _set_texts(self)
        if self.observation.low < 0:
            raise InvalidInput(f"evidence for robust masking is 0 or more, such as 'clip(0, 1)'; got {self.evidence}")
        if self.windows is not None:
            object.__setattr__(self, "windows", str(parse_regions(self.windows)))

    @property
    def observation(self) -> Evidence:  # type: ignore[override]  # it depends on the arguments
        """The evidence of each view."""
        return Evidence.parse(self.evidence)

    @property
    def words(self) -> str:
        """The defence in words."""
        views = "" if self.shown is None else f" of {self.shown}"
        windows = "" if self.windows is None else f", windows {self.windows}"
        return f"robust masking{views} at {self.threshold:g}{windows}"

    def own_masks(self, grid: Grid) -> MaskSet | None:
        """The masks of its views, if it names any."""
        return None if self.shown is None else parse_views(self.shown).masks(grid)

    def against(self, regions: RegionSet) -> RobustMasking:
        """The procedure with these regions for its windows, unless it names others."""
        return self if self.windows is not None else replace(self, windows=str(regions))

    def expect_use(self, covers: Containment) -> None:
        """Raise `NotCovering` if no image can be certified: some region touches more than any window."""
        touched = touched_sets(covers)
        if self.windows is not None and not in_a_window(touched, windows_of(covers.masks, self.windows)).all():
            raise NotCovering(
                f"no image can be certified against {covers.regions} with windows of {self.windows}: some region "
                "touches views that no window holds together. Leave windows= out, or name larger regions there"
            )

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """Nothing hidden, and each view: always all of them."""
        return single_stage("nothing hidden, each view", len(masks.singles) + 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `maskcover.defense.robust.robust_answer`."""
        return first_look(table) or robust_answer(_observed(table, self), self._windows(table), self._fraction)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `maskcover.defense.robust.robust_certificate`."""
        if look := first_look(table):
            return look
        # A margin cannot stand in for bits here, see `requires_bits`.
        certified = not min_margin and robust_certificate(
            _observed(table, self), self._windows(table), self._fraction, checked_label(label), touched_sets(covers)
        )
        return Certificate(certified, (), None, complete=True)

    def certified_map(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> PlacementMap | None:
        """See `maskcover.defense.robust.robust_map`."""
        if min_margin:
            return None
        evidence = _observed(table, self)
        return robust_map(evidence, self._windows(table), self._fraction, checked_label(label), covers)

    @property
    def _fraction(self) -> Fraction:
        return exact_fraction(self.threshold)

    def _windows(self, table: PredictionTable) -> BoolArray:
        if self.windows is None or table.mask_set is None:
            raise InvalidInput(
                "robust masking needs the regions of its windows; write them into the procedure, such as "
                "RobustMasking(windows='squares(size=32)')"
            )
        return windows_of(table.mask_set, self.windows)


def _most_above(threshold: float) -> int | None:
    """The most classes of a view that can have at least this confidence, as confidences add up to 1; None for 0.

    >>> _most_above(0.2), _most_above(0.34)
    (5, 2)
    """
    return floor(1 / Fraction(repr(threshold))) if threshold else None


def _observed(table: PredictionTable, procedure: Procedure) -> IntArray:
    """The observed numbers of each view, int64 (views, classes)."""
    if table.observed is None:
        raise InvalidInput(f"{procedure} needs {procedure.observation} of each view, which was not observed")
    return np.asarray(table.observed[table.views.singles], dtype=np.int64)


def _set_texts(procedure: Voting | RobustMasking) -> None:
    """Write the texts of views and of evidence in their canonical form; raise `InvalidInput` if they cannot be read."""
    if procedure.shown is not None:
        object.__setattr__(procedure, "shown", str(parse_views(procedure.shown)))
    if procedure.evidence is not None:
        object.__setattr__(procedure, "evidence", str(Evidence.parse(procedure.evidence)))
