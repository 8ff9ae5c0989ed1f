"""Probes: before every run, on the user's own model and machine, what a certificate takes for granted is tried out.

A certificate needs the scores of an image under masks to be a function of what is left visible, and nothing else
(design §8). Each probe evaluates one batch twice with a difference that must not matter, and compares bits. It is a
test, not a proof: it finds a crop inside the model, rows that influence each other, and kernels that round differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.defense.evaluation import Evaluator
from maskcover.errors import MaskcoverError, ProbeFailed
from maskcover.masks import MaskSet

Scores = npt.NDArray[np.generic]
# Zeros, ones, noise (None), what overflows, what is no number. None of these may be seen where it is hidden.
_VALUES = (0.0, 1.0, None, 1e30, float("nan"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: what was changed, whether all bits stayed, and the largest change as a share of the scores.

    `deviation` is inf where a score turned finite or stopped being so.
    """

    probe: str
    equal: bool
    deviation: float

    def __str__(self) -> str:
        return f"{self.probe}: " + ("equal to the bit" if self.equal else f"scores changed by {self.deviation:.1e}")


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the probes found, and what could not be probed."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def bitwise(self) -> bool:
        """Whether no bit changed in any probe."""
        return bool(self.findings) and all(one.equal for one in self.findings)

    @property
    def worst(self) -> Finding | None:
        """The finding that deviates most, if one does."""
        return max((one for one in self.findings if not one.equal), key=lambda one: one.deviation, default=None)

    def expect(self, margin: float | None, suggestion: float) -> None:
        """Raise `ProbeFailed` unless predictions hold bit for bit, or to within half a margin if there is one.

        Scores that move by at most half the margin cannot turn a lead larger than the margin.
        """
        worst = self.worst
        if worst is None or (margin is not None and worst.deviation <= margin / 2):
            return
        if worst.deviation <= suggestion / 2:
            advice = f"certify under a margin: margin={suggestion:g}, or try batch_size=1"
        else:
            advice = (
                "no margin makes up for that: look for a crop, a resize or a window inside the model, rows that "
                "influence each other (dynamic quantisation, batch statistics), or random layers"
            )
        raise ProbeFailed(
            f"the same view of an image was scored differently when it should not matter ({worst}, as a share of the "
            f"largest score); a certificate could not be relied on. {advice[0].upper()}{advice[1:]}"
        )


def probe(evaluator: Evaluator, image: Any) -> ProbeReport:
    """Try out on one loaded image what certificates rest on (threats.md 17, 20, 21, 22, 28).

    Some two dozen forward passes, more where batches are small: the same batch again, its rows at other places and
    among other rows, hidden pixels overwritten, one row throughout, and the first batch once more at the end.
    """
    size, identity = evaluator.batch_size, evaluator.identity()
    pairs = next(_batches(evaluator))
    before = _kept(evaluator, image, pairs)
    found = [
        _compared("the same batch again", before, evaluator.scores([image] * size, pairs)),
        *_places(evaluator, image, pairs, before),
        *_companions(evaluator, image, pairs, before),
        *_hidden(evaluator, image),
        _compared("the first batch at the end", before, evaluator.scores([image] * size, pairs)),
    ]
    if evaluator.identity() != identity:
        found.append(Finding("the model after some batches", False, float("inf")))
    if not any(evaluator.altered(image, None, value) is not None for value in _VALUES):
        found.append(f"hidden pixels, other rows: images of type {type(image).__name__} cannot be altered")
    findings = tuple(one for one in found if isinstance(one, Finding))
    return ProbeReport(findings, tuple(one for one in found if isinstance(one, str)))


def _pairs(masks: MaskSet) -> IntArray:
    """Single masks and pairs spread over the set, all different as far as there are so many: (pairs, 2)."""
    some = np.unique(np.linspace(0, len(masks) - 1, 6).astype(np.int64))
    first, second = np.triu_indices(len(some))
    return np.concatenate([np.stack([some[first], some[second]], axis=1), [[-1, -1]]]).astype(np.int64)


def _batches(evaluator: Evaluator) -> Iterator[IntArray]:
    """The pairs in batches; the last is filled up from the beginning."""
    pairs, size = _pairs(evaluator.masks), evaluator.batch_size
    for begin in range(0, len(pairs), size):
        yield pairs.take(range(begin, begin + size), axis=0, mode="wrap")


def _kept(evaluator: Evaluator, image: Any, pairs: IntArray) -> Scores:
    """Scores to compare others with: copied, since a classifier may write the next ones into the same array."""
    return evaluator.scores([image] * len(pairs), pairs).copy()


def _places(evaluator: Evaluator, image: Any, pairs: IntArray, before: Scores) -> Iterator[Finding]:
    size = len(pairs)
    for shift in sorted({1, size // 2, size - 1} - {0, size}):
        moved = evaluator.scores([image] * size, np.roll(pairs, shift, axis=0))
        yield _compared("rows at other places of the batch", before, np.roll(moved, -shift, axis=0))
    alone = evaluator.scores([image] * size, np.repeat(pairs[:1], size, axis=0))
    yield _compared("one row repeated throughout", np.repeat(before[:1], size, axis=0), alone)


def _companions(evaluator: Evaluator, image: Any, pairs: IntArray, before: Scores) -> Iterator[Finding | str]:
    """The other rows hostile: whatever they hold, nothing hidden. The first and the last row must not notice."""
    size = len(pairs)
    for kept in sorted({0, size - 1}) if size > 1 else ():
        for value in _VALUES:
            other = evaluator.altered(image, None, value)
            if other is not None:
                images = [image if row == kept else other for row in range(size)]
                told = np.where(np.arange(size)[:, None] == kept, pairs, -1)
                row = slice(kept, kept + 1)
                yield _tried(f"other rows of {_named(value)}", evaluator, images, told, before, row)


def _hidden(evaluator: Evaluator, image: Any) -> Iterator[Finding | str]:
    for pairs in _batches(evaluator):
        before = _kept(evaluator, image, pairs)
        covered = [_cells(evaluator.masks, pair) for pair in pairs.tolist()]
        for value in _VALUES:
            images = [evaluator.altered(image, hidden, value) for hidden in covered]
            if all(one is not None for one in images):
                yield _tried(f"hidden pixels of {_named(value)}", evaluator, images, pairs, before, slice(None))


def _tried(
    name: str, evaluator: Evaluator, images: list[Any], pairs: IntArray, before: Scores, rows: slice
) -> Finding | str:
    """The comparison, or why there is none: a classifier may refuse such pixels, which turns no label."""
    try:
        after = evaluator.scores(images, pairs)
    except MaskcoverError:
        raise  # of the evaluator: flags that changed, or another number of classes
    except Exception as error:
        return f"{name}: refused by the classifier ({type(error).__name__})"
    return _compared(name, before[rows], after[rows])


def _cells(masks: MaskSet, pair: list[int]) -> BoolArray:
    shown = [masks[number].to_array(masks.grid) for number in pair if number >= 0]
    return np.logical_or.reduce(shown) if shown else np.zeros(masks.grid.shape, np.bool_)


def _compared(name: str, before: Scores, after: Scores) -> Finding:
    if before.tobytes() == after.tobytes():
        return Finding(name, True, 0.0)
    one, two = before.astype(np.float64), after.astype(np.float64)
    finite = np.isfinite(one) & np.isfinite(two)
    if not (finite | (one == two) | (np.isnan(one) & np.isnan(two))).all():
        return Finding(name, False, float("inf"))
    gap = np.abs(np.where(finite, one - two, 0.0)).max(axis=-1)
    scale = np.abs(np.where(finite, one, 0.0)).max(axis=-1)
    shares = np.divide(gap, scale, out=np.where(gap > 0, np.inf, 0.0), where=scale > 0)
    deviation = float(shares.max())
    return Finding(name, deviation == 0.0, deviation)


def _named(value: float | None) -> str:
    return "noise" if value is None else f"{value:g}"
