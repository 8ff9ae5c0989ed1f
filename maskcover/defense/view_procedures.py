"""The built-in defences that ask views which show a little of the image each: votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from maskcover.classifiers.observations import ClassesAbove, Observation, TopLabel
from maskcover.covering.containment import Containment
from maskcover.defense.answers import Answer
from maskcover.defense.certificates import Certificate
from maskcover.defense.detection import checked_threshold
from maskcover.defense.procedure import Procedure, first_look
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.voting import expect_possible, vote, vote_certificate
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.masks.ablations import parse_views


@dataclass(frozen=True)
class Voting(Procedure):
    """Votes of views that each show a little of the image: de-randomised smoothing, and the votes of Smoothed ViT.

    Args:
        shown: What each view shows, such as ``"bands(width=4)"`` or ``"blocks(size=12, stride=4)"``: see
            `maskcover.bands` and `maskcover.blocks`. By default any masks may be given to `certify`.
        threshold: Each view votes for every class with at least this confidence, from 0 to 1; by default for the
            class with the largest score.

    Of views without a label none votes. See `maskcover.defense.voting` for the theorem.

    >>> Voting("bands(4, axis='columns')"), str(Voting(threshold=0.25))
    (Voting(shown='bands(width=4)', threshold=None), 'voting(threshold=0.25)')
    """

    shown: str | None = None
    threshold: float | None = None

    name: ClassVar[str] = "voting"
    needs_bits: ClassVar[bool] = False
    needs_cover: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.shown is not None:
            object.__setattr__(self, "shown", str(parse_views(self.shown)))
        if self.threshold is not None:
            object.__setattr__(self, "threshold", checked_threshold(self.threshold))

    @property
    def observation(self) -> Observation:  # type: ignore[override]  # it depends on the threshold
        """The classes above the threshold; with no threshold the top label is enough."""
        return TopLabel() if self.threshold is None else ClassesAbove(self.threshold)

    @property
    def words(self) -> str:
        """The defence in words."""
        views = "" if self.shown is None else f" of {self.shown}"
        return f"votes{views}" + ("" if self.threshold is None else f" at a confidence of {self.threshold:g}")

    def own_masks(self, grid: Grid) -> MaskSet | None:
        """The masks of its views, if it names any."""
        return None if self.shown is None else parse_views(self.shown).masks(grid)

    def expect_use(self, covers: Containment) -> None:
        """See `maskcover.defense.voting.expect_possible`."""
        expect_possible(covers)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `vote`."""
        return first_look(table) or vote(self._votes(table, int(table.one_mask.max(initial=0))))

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `vote_certificate`."""
        if look := first_look(table):
            return look
        # A label that is not trusted may turn into any other; without a margin to keep, no label is an abstention.
        reliable = (table.trusted(min_margin)[table.views.singles] >= 0) | (min_margin == 0)
        return vote_certificate(self._votes(table, max(label, int(table.one_mask.max()))), reliable, label, covers)

    def _votes(self, table: PredictionTable, largest: int) -> Any:
        """The votes of each view, int64 (views, classes); where their number is not known, with one class more."""
        if self.threshold is not None:
            if table.observed is None:
                raise InvalidInput(f"{self} needs the classes above the threshold; observe {self.observation!r}")
            return table.observed[table.views.singles].astype(np.int64)
        labels = table.one_mask
        votes = np.zeros((len(labels), table.classes or largest + 2), dtype=np.int64)
        voting = np.flatnonzero(labels >= 0)
        votes[voting, labels[voting]] = 1
        return votes
