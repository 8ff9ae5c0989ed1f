"""Reference scores: a model's scores of a few rows that can be made again, to notice another model (threats.md, 39).

A fingerprint names what can be read of a model. More than that may compute: a hook, a flag in Python, a closure, a file
beside the one that was hashed. So a certification keeps the scores of a few rows, and a model that serves it, continues
its run or replays it must give the same scores. It is a test, not a proof: it does not find a change that shows only on
other images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import Evaluator
from maskcover.errors import MaskcoverError

Scores = npt.NDArray[np.generic]
NAME = "scores of the reference batch"
_ROWS = 4
_WHOLE = 2.0**53  # up to here floats hold every whole number
_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NoiseKind:
    """The kind of an image of noise: the shape, dtype and range of an image of the data.

    >>> NoiseKind((2, 2), "|u1", 0.0, 255.0).noise().tolist() == NoiseKind((2, 2), "|u1", 0.0, 255.0).noise().tolist()
    True
    """

    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float

    @classmethod
    def of(cls, image: Any) -> NoiseKind | None:
        """The kind of an array or a tensor; None for anything else, of which no other one can be made."""
        values = _numbers(image)
        if values is None:
            return None
        low, high = float(values.min()), float(values.max())
        if not (isfinite(low) and isfinite(high)):
            low, high = 0.0, 1.0
        if low == high:
            low, high = min(low, 0.0), max(high, 1.0)
        if values.dtype.kind != "f" and max(abs(low), abs(high)) > _WHOLE:
            return None
        return cls(values.shape, values.dtype.str if isinstance(image, np.ndarray) else "<f4", low, high)

    def noise(self) -> npt.NDArray[Any]:
        """The image: the same in every process, whatever the version of numpy."""
        stream = hashlib.shake_256(b"maskcover").digest(prod(self.shape))
        fractions = np.frombuffer(stream, np.uint8).reshape(self.shape) / 255.0
        values = np.clip(self.low * (1 - fractions) + self.high * fractions, self.low, self.high)
        kind = np.dtype(self.dtype)
        return (values if kind.kind == "f" else np.rint(values)).astype(kind)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"shape": list(self.shape), "dtype": self.dtype, "low": repr(self.low), "high": repr(self.high)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> NoiseKind:
        """From JSON."""
        shape = tuple(map(int, document["shape"]))
        return cls(shape, str(document["dtype"]), float(document["low"]), float(document["high"]))


@dataclass(frozen=True, slots=True)
class RowScores:
    """The scores of some rows: a digest of all bits, and the first rows as numbers; for a refusal its name, no rows."""

    digest: str
    rows: tuple[tuple[float, ...], ...] = field(default=(), compare=False)  # NaN is never equal

    @classmethod
    def of(cls, scores: Scores) -> RowScores:
        """Make them of scores (rows, classes)."""
        wide = scores.astype("<f8")
        # A zero has two signs, and NaN many forms; none of them changes a decision.
        plain = np.where(np.isnan(wide), np.nan, wide) + 0.0
        head = f"{scores.dtype.kind}{scores.dtype.itemsize} {scores.shape} ".encode()
        digest = hashlib.sha256(head + plain.tobytes()).hexdigest()
        return cls(f"sha256:{digest}", tuple(map(tuple, plain[:_ROWS].tolist())))

    def difference(self, other: RowScores, tolerance: float) -> str:
        """The difference to others, in words; empty if all bits are equal, or all scores to within a tolerance > 0."""
        fraction = _largest_change(self.rows, other.rows) if self.rows and other.rows else None
        if tolerance and fraction is not None:
            return f"changed by {fraction:.1e} of the largest" if fraction > tolerance else ""
        if self.digest == other.digest:
            return ""
        return f"changed by {fraction:.1e} of the largest" if fraction else f"{other.digest:.24}, not {self.digest:.24}"

    def document(self, tolerance: float) -> dict[str, Any]:
        """As JSON: the digest where bits count, else the numbers."""
        if not tolerance or not self.rows:
            return {"digest": self.digest}
        return {"rows": [" ".join(f"{score:.9g}" for score in row) for row in self.rows]}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> RowScores:
        """From JSON."""
        rows = tuple(tuple(map(float, row.split())) for row in document.get("rows", ()))
        return cls("" if rows else str(document["digest"]), rows)


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference scores of a certification.

    Args:
        tolerance: 0 where every bit counts; else the fraction of the largest score by which scores may differ.
        kind: The kind of the image of noise; None if images are of a kind that cannot be made.
        noise: The scores of the image of noise.
        example: The scores of the image that was probed.
        pixels: The digest of that image; empty if it has none.
        mixed: The scores of the two in turn, in one batch: they show whether rows influence each other now. None where
            a batch has one row, or one of the two images is missing.
    """

    tolerance: float
    kind: NoiseKind | None
    noise: RowScores | None
    example: RowScores | None
    pixels: str
    mixed: RowScores | None = None

    def again(self, evaluator: Evaluator, example: Any = None) -> Reference:
        """Score the same images with this evaluator; the example only if its digest is the same."""
        pixels = _digest(example)
        same = example is not None and self.example is not None and pixels == self.pixels
        scored = _row_scores(evaluator, example) if same else None
        noise = _of_noise(evaluator, self.kind)
        mixed = _mixed(evaluator, self.kind, noise, example) if same and self.mixed is not None else None
        return Reference(self.tolerance, self.kind, noise, scored, pixels if same else "", mixed)

    def differences(self, now: Reference) -> tuple[str, ...]:
        """One text for each image whose scores differ now."""
        compared = {
            "noise": (self.noise, now.noise, self.kind == now.kind),
            "the first image": (self.example, now.example, self.pixels == now.pixels),
            "the two side by side": (self.mixed, now.mixed, self.kind == now.kind and self.pixels == now.pixels),
        }
        texts = {
            name: before.difference(after, self.tolerance)
            for name, (before, after, same) in compared.items()
            if before is not None and after is not None and same
        }
        changed = {name: text for name, text in texts.items() if text}
        # Side by side they differ if one alone does. It is reported only if none does: then rows influence each other.
        reported = [name for name in changed if name != "the two side by side" or len(changed) == 1]
        return tuple(f"{NAME}, {name}: {changed[name]}" for name in reported)

    @property
    def has_noise(self) -> bool:
        """Whether there are scores of noise, which can always be made again."""
        return self.kind is not None and _usable(self.noise)

    def pin(self, evaluator: Evaluator) -> None:
        """Tell an evaluator that takes images like its first one to take images like those that were certified."""
        pinned: Callable[[tuple[int, ...], str], None] | None = getattr(evaluator, "pin", None)
        if self.kind is not None and pinned is not None:
            pinned(self.kind.shape, self.kind.dtype)

    def images(self, evaluator: Evaluator, example: Any = None) -> list[Any]:
        """Loaded images with reference scores: noise, and the example if it is given; empty if there are none."""
        noise = [self.kind.noise()] if self.kind is not None and self.has_noise else []
        return [evaluator.load(image) for image in (*noise, example) if image is not None]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "tolerance": repr(self.tolerance),
            "kind": None if self.kind is None else self.kind.document(),
            "noise": None if self.noise is None else self.noise.document(self.tolerance),
            "example": None if self.example is None else self.example.document(self.tolerance),
            "pixels": self.pixels,
        } | ({} if self.mixed is None else {"mixed": self.mixed.document(self.tolerance)})

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Reference:
        """From JSON."""
        kind, noise, example = (document[name] for name in ("kind", "noise", "example"))
        return cls(
            float(document["tolerance"]),
            None if kind is None else NoiseKind.read(kind),
            None if noise is None else RowScores.read(noise),
            None if example is None else RowScores.read(example),
            str(document["pixels"]),
            RowScores.read(document["mixed"]) if "mixed" in document else None,
        )


def reference(evaluator: Evaluator, example: Any, tolerance: float) -> Reference | None:
    """The reference scores of a classifier with its masks; None without an image that shows what images are like."""
    if example is None:
        return None
    kind = NoiseKind.of(example)
    noise = _of_noise(evaluator, kind)
    mixed = _mixed(evaluator, kind, noise, example)
    return Reference(tolerance, kind, noise, _row_scores(evaluator, example), _digest(example), mixed)


def pairs(masks: int, rows: int) -> IntArray:
    """`rows` pairs of mask numbers, the first ones spread over all masks; repeated where there are too few."""
    some = np.unique([0, masks // 2, masks - 1])
    first, second = np.triu_indices(len(some))
    unions = np.stack([some[first], some[second]], axis=1)[::-1]
    return np.concatenate([[[-1, -1]], unions]).astype(np.int64).take(range(rows), axis=0, mode="wrap")


def _of_noise(evaluator: Evaluator, kind: NoiseKind | None) -> RowScores | None:
    """The scores of noise; a classifier may refuse such an image, and then must refuse it again."""
    if kind is None:
        return None
    image = None
    try:
        image = evaluator.load(kind.noise())
        return _row_scores(evaluator, image)
    except Exception as error:
        if isinstance(error, MaskcoverError) and image is not None:
            raise  # the evaluator's own, when it scores: flags that changed, or another number of classes
        return RowScores(f"{_REFUSED} ({type(error).__name__})")


def _usable(noise: RowScores | None) -> bool:
    return noise is not None and not noise.digest.startswith(_REFUSED)


def _mixed(evaluator: Evaluator, kind: NoiseKind | None, noise: RowScores | None, example: Any) -> RowScores | None:
    """The scores of noise and the example in turn."""
    if kind is None or not _usable(noise) or evaluator.batch_size == 1:
        return None
    return _row_scores(evaluator, evaluator.load(kind.noise()), example)


def _row_scores(evaluator: Evaluator, *images: Any) -> RowScores:
    """The scores of loaded images in turn, in whole batches of the same shape."""
    size = evaluator.batch_size
    all_pairs = pairs(len(evaluator.masks), -(-max(size, _ROWS) // size) * size)
    rows = [images[number % len(images)] for number in range(size)]
    batches = [
        evaluator.scores(rows, all_pairs[first : first + size]).copy() for first in range(0, len(all_pairs), size)
    ]
    return RowScores.of(np.concatenate(batches))


def _largest_change(rows: tuple[tuple[float, ...], ...], other_rows: tuple[tuple[float, ...], ...]) -> float:
    """The largest change of a score, as a fraction of the largest score of its row; inf if they cannot be compared."""
    before, now = np.array(rows), np.array(other_rows)
    if before.shape != now.shape:
        return float("inf")
    finite = np.isfinite(before) & np.isfinite(now)
    if not (finite | (before == now) | (np.isnan(before) & np.isnan(now))).all():
        return float("inf")
    gap = np.abs(np.where(finite, before, 0.0) - np.where(finite, now, 0.0)).max(axis=1, initial=0.0)
    scale = np.abs(np.where(finite, before, 0.0)).max(axis=1, initial=0.0)
    fractions = np.divide(gap, scale, out=np.where(gap > 0, np.inf, 0.0), where=scale > 0)
    return float(fractions.max(initial=0.0))


def _digest(image: Any) -> str:
    values = _numbers(image)
    if values is None:
        return ""
    head = f"{values.dtype.str} {values.shape} ".encode()
    return "sha256:" + hashlib.sha256(head + values.tobytes()).hexdigest()


def _numbers(image: Any) -> npt.NDArray[Any] | None:
    """The numbers of an array, or of a tensor of any framework with torch's methods; None for other images."""
    if not isinstance(image, np.ndarray) and all(hasattr(image, name) for name in ("detach", "cpu", "double")):
        image = image.detach().cpu().double().numpy()  # bfloat16 has no counterpart in numpy
    usable = isinstance(image, np.ndarray) and image.dtype.kind in "fiu" and image.size
    return image if usable else None
