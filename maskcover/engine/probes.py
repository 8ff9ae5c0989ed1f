"""Probes: tests, before every run, of what a certificate relies on, with the user's own model and machine.

A certificate needs the scores of an image under masks to be a function of the visible pixels alone (docs/theory.md,
"What the theorem needs from software"). Each probe evaluates one batch twice with a difference that must not matter,
and compares bits. It is a test, not a proof: it finds a crop in the model, rows that influence each other, and kernels
that round differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.evaluation import Evaluator, FloatArray, has_shapes, shapes_of
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.classifiers.labels import margins, top_labels
from maskcover.engine.findings import Finding, Kind, ProbeReport, Scores, compared
from maskcover.errors import MaskcoverError
from maskcover.masks import MaskSet

__all__ = ["OTHERS", "Finding", "ProbeReport", "probe", "probe_rows"]
OTHERS = 3
"""Further images of the data that stand beside the first one."""
# Zeros, ones, noise (None), a value that overflows, NaN. None of these may change a score where it is hidden.
_VALUES = (0.0, 1.0, None, 1e30, float("nan"))
_MANY = 8  # rows in which a mixture close enough to a tie is found at once
_SPREAD = 6  # masks that are tried alone, and as many unions, one of which is of none


def probe(
    evaluator: Evaluator, image: Any, others: Sequence[Any] = (), *, on_batch: Callable[[], object] = lambda: None
) -> ProbeReport:
    """Test on some loaded images what certificates rely on (threats.md 17, 20, 21, 22, 28, 43).

    Args:
        evaluator: The classifier with its masks.
        image: The image whose rows are compared.
        others: Up to three more images of the data, to stand beside it.
        on_batch: Called after every batch, for a progress bar.

    The probes compare the same batch again, its rows at other places, and, at the same places, rows

    - with hidden pixels overwritten;
    - beside hostile rows (zeros, ones, noise, huge numbers, NaN): of any two places each is once hostile while the
      other is compared;
    - beside other images of the data, which are compared as well;
    - beside rows that are decided clearly, and beside rows that are nearly tied (mixtures of two images), which finds
      what is decided for a batch as a whole;

    and the first batch once more at the end. `probe_rows` says how many rows that takes: 144 in batches of 4, 480 in
    batches of 16. A run of 10 images with 36 masks may ask for 6,670.

    An evaluator that computes in several shapes (see `maskcover.classifiers.evaluation.shapes_of`) is probed in each of
    them: in the shape of most masks as above, and in each further one with rows at other places, hostile rows beside
    others, and hidden pixels overwritten. Kernels may round otherwise in each shape.
    """
    identity = evaluator.identity()
    results = list(_Trials(evaluator, image, tuple(others[:OTHERS]), on_batch).run())
    if changed := Fingerprint.of(evaluator.identity()).differences(Fingerprint.of(identity)):
        name = (
            f"the model after some batches ({'; '.join(changed)}: a counter, a buffer or a hook that each pass changes)"
        )
        results.append(Finding(name, False, float("inf"), "repeat", gap=float("inf")))
    if not any(evaluator.overwritten(image, None, value) is not None for value in _VALUES):
        results.append(f"hidden pixels, other rows: images of type {type(image).__name__} cannot be altered")
    findings = tuple(result for result in results if isinstance(result, Finding))
    return ProbeReport(findings, tuple(dict.fromkeys(result for result in results if isinstance(result, str))))


def probe_rows(size: int, others: int = OTHERS) -> int:
    """The most rows that the probes of one classifier evaluate in batches of this size.

    >>> [(size, probe_rows(size)) for size in (1, 4, 16)]
    [(1, 52), (4, 144), (16, 480)]
    """
    chunks = -(-2 * _SPREAD // size)
    batches = 3 + len(_VALUES) + (chunks - 1) * 4
    if size > 1:
        patterns = len(_patterns(size))
        batches += len({1, size // 2}) + max(len(_VALUES), patterns) + 4
        batches += (2 if size < _MANY else 1) + (others + min(4, patterns) if others else 0)
    return size * batches


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """A batch that was evaluated."""

    images: Sequence[Any]
    pairs: IntArray
    scores: Scores

    def row(self, number: int) -> tuple[Any, IntArray]:
        return self.images[number], self.pairs[number]


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """The probes of one image beside others."""

    evaluator: Evaluator
    image: Any
    others: tuple[Any, ...]
    on_batch: Callable[[], object]

    @property
    def size(self) -> int:
        """Rows of a batch."""
        return self.evaluator.batch_size

    def run(self) -> Iterator[Finding | str]:
        """All findings, and the reasons for those that cannot be made."""
        pairs = list(_chunks(self.evaluator))
        before = self._evaluate([self.image] * self.size, pairs[0])
        yield self._again("the same batch again", before)
        if self.size > 1:
            yield from self._places(before)
            yield from self._hostile(before)
            yield from self._real(before)
        yield from self._hidden(before, _VALUES)
        for number, chunk in enumerate(pairs[1:]):
            further = self._evaluate([self.image] * self.size, chunk)
            if has_shapes(self.evaluator) and self.size > 1:
                yield from self._places(further, shifts=(1,))
                yield from self._hostile(further, turns=2)
            yield from self._hidden(further, _some_values(number))
        yield self._again("the first batch at the end", before)

    def _evaluate(self, images: Sequence[Any], pairs: IntArray) -> _Batch:
        # Copied, since a classifier may write the next scores into the same array.
        batch = _Batch(images, pairs, self.evaluator.scores(images, pairs).copy())
        self.on_batch()
        return batch

    def _again(self, name: str, before: _Batch) -> Finding:
        return compared(name, before.scores, self._evaluate(before.images, before.pairs).scores, "repeat")

    def _places(self, before: _Batch, shifts: Sequence[int] = ()) -> Iterator[Finding]:
        """Rows at other places: by one, so that each place is compared with the next, and by half a batch."""
        for shift in shifts or sorted({1, self.size // 2}):
            moved = self._evaluate(before.images, np.roll(before.pairs, shift, axis=0))
            yield compared(
                "rows at other places of the batch", before.scores, np.roll(moved.scores, -shift, axis=0), "place"
            )

    def _hostile(self, before: _Batch, turns: int | None = None) -> Iterator[Finding | str]:
        """Hostile rows beside those that are compared: they must not change a score.

        They have nothing hidden; where that would give them another shape, so another batch, the same is hidden.
        """
        patterns, bare = _patterns(self.size), np.full_like(before.pairs, -1)
        same_shape = np.array_equal(shapes_of(self.evaluator, bare), shapes_of(self.evaluator, before.pairs))
        for turn in range(turns or max(len(patterns), len(_VALUES))):
            hostile = patterns[turn % len(patterns)]
            # NaN first in the few turns of a further shape: it spreads best.
            values = _VALUES[::-1] if turns else _VALUES
            for value in values[turn % len(_VALUES) :] + values[: turn % len(_VALUES)]:
                other = self.evaluator.overwritten(self.image, None, value)
                if other is None:
                    continue
                images = [other if bad else self.image for bad in hostile]
                pairs = np.where(hostile[:, None], -1, before.pairs) if same_shape else before.pairs
                result = self._comparison(f"other rows of {_named(value)}", images, pairs, before, ~hostile, "rows")
                yield result
                if isinstance(result, Finding):
                    break  # if the classifier refuses a value, the next one takes these places

    def _real(self, before: _Batch) -> Iterator[Finding | str]:
        """Images of the data beside each other, and rows of clear and of close decisions."""
        alone = list[_Batch]()
        for other in self.others:
            try:
                alone.append(self._evaluate([other] * self.size, before.pairs))
            except Exception as error:  # it comes again when it is this image's turn
                yield f"rows of another image: refused by the classifier ({type(error).__name__})"
        if alone:
            yield from self._beside(before, alone)
        near = list[_Batch]()
        try:
            near = self._near(before, alone)
        except MaskcoverError:
            raise  # as below
        except Exception as error:
            yield f"mixtures of two images: refused by the classifier ({type(error).__name__})"
        yield from self._decisions([before, *alone, *near])

    def _beside(self, before: _Batch, alone: Sequence[_Batch]) -> Iterator[Finding | str]:
        """Rows of several images in one batch, each at the place where it stood among its own."""
        for turn, pattern in enumerate(_patterns(self.size)[:4]):
            batches = [
                alone[(row // 2 + turn) % len(alone)] if other else before for row, other in enumerate(pattern.tolist())
            ]
            together = _joined(batches)
            name = "other rows of other images"
            yield self._comparison(name, together.images, together.pairs, together, slice(None), "rows")

    def _near(self, before: _Batch, alone: Sequence[_Batch]) -> list[_Batch]:
        """Mixtures of the image and one with another label: somewhere between the two the decision is close."""
        mixed: Callable[[Any, Any, float], Any] | None = getattr(self.evaluator, "mixed", None)
        unlike = [_unlike(before.scores, batch.scores) for batch in alone]
        row, other = next(
            ((int(rows.argmax()), batch.images[0]) for rows, batch in zip(unlike, alone, strict=True) if rows.any()),
            (0, self.evaluator.overwritten(self.image, None, None)),  # without one, noise will have to do
        )
        mixtures, low, high = list[_Batch](), 0.0, 1.0
        for _ in range(2 if self.size < _MANY else 1):
            fractions = np.linspace(low, high, self.size + 2)
            inside = fractions[1:-1].tolist()
            images = [mixed(self.image, other, part) for part in inside] if mixed and other is not None else [None]
            if any(image is None for image in images):
                break
            mixtures.append(self._evaluate(images, np.repeat(before.pairs[row : row + 1], self.size, axis=0)))
            closest = int(_margins(mixtures[-1].scores).argmin())
            low, high = float(fractions[closest]), float(fractions[closest + 2])
        return mixtures

    def _decisions(self, batches: Sequence[_Batch]) -> Iterator[Finding]:
        """The row of the largest margin and that of the smallest, each throughout a batch, and side by side."""
        all_margins = _margins(np.concatenate([batch.scores for batch in batches]))
        repetitions = []
        extremes = (int(all_margins.argmax()), int(all_margins.argmin()))
        for number, place in (divmod(extreme, self.size) for extreme in extremes):
            repeated = self._throughout(batches[number], place)
            yield from self._compared_throughout(batches[number].scores[place], place, repeated)
            repetitions.append(repeated)
        for first, second in ((0, 1), (1, 0)):
            alternating = [repetitions[first if row % 2 == 0 else second] for row in range(self.size)]
            together = _joined(alternating)
            after = self._evaluate(together.images, together.pairs)
            yield compared("other rows of clear and of close decisions", together.scores, after.scores)

    def _throughout(self, batch: _Batch, row: int) -> _Batch:
        image, pair = batch.row(row)
        return self._evaluate([image] * self.size, np.repeat(pair[None], self.size, axis=0))

    def _compared_throughout(self, scores: Scores, place: int, repeated: _Batch) -> Iterator[Finding]:
        name = "one row repeated throughout"
        yield compared(f"{name}, at its place", scores[None], repeated.scores[place : place + 1])
        yield compared(name, np.repeat(repeated.scores[place : place + 1], self.size, axis=0), repeated.scores, "place")

    def _hidden(self, before: _Batch, values: Sequence[float | None]) -> Iterator[Finding | str]:
        """The same rows with the hidden pixels overwritten."""
        covered = [_cells(self.evaluator.masks, pair) for pair in before.pairs.tolist()]
        for value in values:
            images = [self.evaluator.overwritten(self.image, hidden, value) for hidden in covered]
            if all(image is not None for image in images):
                name = f"hidden pixels of {_named(value)}"
                yield self._comparison(name, images, before.pairs, before, slice(None), "hidden")

    def _comparison(
        self, name: str, images: Sequence[Any], pairs: IntArray, before: _Batch, rows: slice | BoolArray, kind: Kind
    ) -> Finding | str:
        """The comparison, or the reason for none: a classifier may refuse such pixels, which changes no label."""
        try:
            after = self._evaluate(images, pairs)
        except MaskcoverError:
            raise  # the evaluator's own: flags that changed, or another number of classes
        except Exception as error:
            return f"{name}: refused by the classifier ({type(error).__name__})"
        return compared(name, before.scores[rows], after.scores[rows], kind)


def _joined(batches: Sequence[_Batch]) -> _Batch:
    """Join rows of batches: row i of batch i, with its scores there."""
    rows = list(enumerate(batches))
    pairs, scores = (np.stack([getattr(batch, name)[row] for row, batch in rows]) for name in ("pairs", "scores"))
    return _Batch([batch.images[row] for row, batch in rows], pairs, scores)


def _patterns(size: int) -> list[BoolArray]:
    """Halves of the places of a batch, such that of any two places each is in some half without the other.

    They come from the binary digits of the places, of which at least one differs.

    >>> [pattern.astype(int).tolist() for pattern in _patterns(4)]
    [[0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0]]
    """
    places = np.arange(size)
    digits = [(places >> digit & 1).astype(np.bool_) for digit in range((size - 1).bit_length())]
    return [pattern for digit in digits for pattern in (digit, ~digit)]


def _some_values(number: int) -> tuple[float | None, ...]:
    """The values for the hidden pixels of the further pairs: NaN, noise, and one of the others in turn."""
    return float("nan"), None, (0.0, 1.0, 1e30)[number % 3]


def _pairs(masks: MaskSet) -> IntArray:
    """Single masks spread over the set, unions of neighbours among these, and nothing hidden: at most (12, 2)."""
    some = np.unique(np.linspace(0, len(masks) - 1, _SPREAD).astype(np.int64))
    unions = np.stack([some[:-1], some[1:]], axis=1)
    return np.concatenate([np.stack([some, some], axis=1), unions, [[-1, -1]]]).astype(np.int64)


def _chunks(evaluator: Evaluator) -> Iterator[IntArray]:
    """The pairs in batches, each of one shape, the commonest first; a last one is filled up from the beginning."""
    all_pairs, size = np.concatenate([_pairs(evaluator.masks), *_further_shapes(evaluator)]), evaluator.batch_size
    shapes = shapes_of(evaluator, all_pairs)
    kinds, counts = np.unique(shapes, return_counts=True)
    for shape in kinds[np.argsort(-counts, kind="stable")]:
        pairs = all_pairs[shapes == shape]
        for begin in range(0, len(pairs), size):
            yield pairs.take(range(begin, begin + size), axis=0, mode="wrap")


def _further_shapes(evaluator: Evaluator) -> Iterator[IntArray]:
    """For each shape that unions of two masks or masks of levels have, and `_pairs` do not, one: int64 (1, 2) each."""
    if not has_shapes(evaluator):
        return
    levels = [np.stack([numbers, numbers], axis=1) for numbers in evaluator.masks.level_numbers]
    unions = np.concatenate([np.stack(np.triu_indices(len(evaluator.masks)), axis=1).astype(np.int64), *levels])
    shapes, firsts = np.unique(shapes_of(evaluator, unions), return_index=True)
    new = ~np.isin(shapes, shapes_of(evaluator, _pairs(evaluator.masks)))
    yield from (unions[first : first + 1] for first in firsts[new])


def _cells(masks: MaskSet, pair: list[int]) -> BoolArray:
    drawings = [masks.all_masks[number].to_array(masks.grid) for number in pair if number >= 0]
    return np.logical_or.reduce(drawings) if drawings else np.zeros(masks.grid.shape, np.bool_)


def _margins(scores: Scores) -> FloatArray:
    """The margin of each row, all on one scale, so that the closest decision has the smallest margin."""
    return margins(scores, float(np.abs(np.where(np.isfinite(scores), scores, 0.0)).max(initial=0.0)))


def _unlike(scores: Scores, other: Scores) -> BoolArray:
    """Which rows of two batches have different labels, bool (rows,); of answers without scores, different codes."""
    own = top_labels(scores)
    if (own < 0).all():
        return np.asarray((scores != other).any(axis=1))
    return np.asarray((top_labels(other) != own) & (own >= 0))


def _named(value: float | None) -> str:
    return "noise" if value is None else f"{value:g}"
