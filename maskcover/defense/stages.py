"""The price of an answer in masked predictions, stage by stage, known from the masks alone: `Procedure.stages`.

A stage is a round of predictions that may give the answer. Each union of masks is counted in the first stage that asks
for it, since no prediction is made twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskcover.cells import IntArray
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a procedure, and the number of predictions that it makes of one image.

    Args:
        name: In words, such as "one mask".
        at_least: The fewest predictions with which the stage gives the answer.
        at_most: The most predictions that the stage makes of any image.
        agreeing: The predictions that it makes of an image whose views all have one label; 0 if that image has its
            answer before.

    >>> Stage("one mask", 9, 9, 9)
    Stage(name='one mask', at_least=9, at_most=9, agreeing=9)
    """

    name: str
    at_least: int
    at_most: int
    agreeing: int

    def __post_init__(self) -> None:
        if not (0 <= self.at_least <= self.at_most and 0 <= self.agreeing <= self.at_most):
            raise InvalidInput(
                f"a stage makes from 0 to at_most predictions; got at_least={self.at_least}, at_most={self.at_most}, "
                f"agreeing={self.agreeing}"
            )


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of one answer in predictions, by stage; made by `explain_cost` of what `defend` returns.

    Args:
        procedure: The defence in words.
        stages: In the order in which an image goes through them; at least one.
        batch_size: The rows of a batch.

    >>> print(Cost("double masking", (Stage("one mask", 9, 9, 9), Stage("two masks", 1, 36, 0)), 4))
    double masking, in batches of 4
    stage      at least  at most  views agree
    one mask          9        9            9
    two masks         1       36            0
    total             9       45            9
    an image whose views agree: 3 batches, if it is served alone
    """

    procedure: str
    stages: tuple[Stage, ...]
    batch_size: int

    def __post_init__(self) -> None:
        if not self.stages:
            raise InvalidInput(f"{self.procedure} has no stages; expected one at least, see Procedure.stages")

    @property
    def at_least(self) -> int:
        """The fewest predictions of an answer: a stage that gives the answer costs no more than those after it."""
        return self.stages[0].at_least

    @property
    def at_most(self) -> int:
        """No answer takes more predictions."""
        return sum(stage.at_most for stage in self.stages)

    @property
    def agreeing(self) -> int:
        """The predictions of an image whose views all have one label."""
        return sum(stage.agreeing for stage in self.stages)

    @property
    def batches(self) -> int:
        """The batches of such an image when it is served alone."""
        return sum(-(-stage.agreeing // self.batch_size) for stage in self.stages)

    def __str__(self) -> str:
        rows = [(stage.name, stage.at_least, stage.at_most, stage.agreeing) for stage in self.stages]
        rows.append(("total", self.at_least, self.at_most, self.agreeing))
        width = max(len("stage"), *(len(name) for name, *_ in rows))
        lines = [f"{name:<{width}}  {low:>8,}  {high:>7,}  {agree:>11,}" for name, low, high, agree in rows]
        batches = f"{self.batches:,} {'batch' if self.batches == 1 else 'batches'}"
        return "\n".join([
            f"{self.procedure}, in batches of {self.batch_size}",
            f"{'stage':<{width}}  at least  at most  views agree",
            *lines,
            f"an image whose views agree: {batches}, if it is served alone",
        ])  # fmt: skip


def masking_stages(
    masks: MaskSet, first_rounds: tuple[tuple[str, IntArray], ...], games: int | None
) -> tuple[Stage, ...]:
    """The stages of a defence of two rounds, double or challenger masking.

    Args:
        masks: The masks.
        first_rounds: Rounds that come before, in their order, each a name and its pairs of mask numbers, int64 (n, 2):
            each gives the answer if all its labels agree.
        games: The most predictions of the second round; None if it may ask for every union of two masks.

    >>> from maskcover import cover, squares
    >>> masking_stages(cover(squares(size=2), image_size=6, grid=(2, 2)), (), None)[1]
    Stage(name='two masks', at_least=1, at_most=6, agreeing=0)
    """
    unions, stages = masks.unions, list[Stage]()
    before: IntArray = np.empty(0, np.int64)
    for name, pairs in (*first_rounds, ("one mask", np.repeat(np.arange(len(masks)), 2).reshape(-1, 2))):
        ids = np.setdiff1d(unions.numbers(*pairs.T), before)
        # An image whose views agree has its answer after the first of these rounds.
        stages.append(Stage(name, len(ids), len(ids), 0 if len(before) else len(ids)))
        before = np.union1d(before, ids)
    rest = unions.count - int((before < unions.count).sum())
    most = rest if games is None else min(games, rest)
    return (*stages, Stage("two masks" if games is None else "games of two masks", min(1, most), most, 0))


def single_stage(name: str, predictions: int) -> tuple[Stage, ...]:
    """The one stage of a defence that always makes the same predictions."""
    return (Stage(name, predictions, predictions, predictions),)
