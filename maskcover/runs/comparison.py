"""Two runs compared image by image: exact McNemar tests, and intervals of the differences."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.certification import exact_interval
from maskcover.errors import InvalidInput
from maskcover.regions import RegionSet
from maskcover.runs.answer_rows import same_answers
from maskcover.runs.opened import OpenedRun, open_run
from maskcover.runs.opened_labels import OpenedLabels
from maskcover.terminal import counted


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """How many images two runs agree and differ on, for one quantity.

    Args:
        name: "undefended", "defended" or "certified": the label is right without or with the defence, or certified.
        both, only_first, only_second, neither: Numbers of images.

    >>> counts = PairedCounts("certified", both=50, only_first=2, only_second=12, neither=36)
    >>> counts.difference, round(counts.p_value, 4)
    (-0.1, 0.0129)
    """

    name: str
    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def images(self) -> int:
        """Number of images."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def first(self) -> float:
        """The fraction of the first run."""
        return (self.both + self.only_first) / max(self.images, 1)

    @property
    def second(self) -> float:
        """The fraction of the second run."""
        return (self.both + self.only_second) / max(self.images, 1)

    @property
    def difference(self) -> float:
        """The fraction of the first run less that of the second."""
        return (self.only_first - self.only_second) / max(self.images, 1)

    @property
    def interval(self) -> tuple[float, float]:
        """An interval that holds the difference with at least 95 % confidence.

        It is made of the exact intervals (Clopper and Pearson) of the two fractions that differ, each at 97.5 %.
        """
        (low, high), (other_low, other_high) = (
            exact_interval(count, self.images, confidence=0.975) for count in (self.only_first, self.only_second)
        )
        return low - other_high, high - other_low

    @property
    def p_value(self) -> float:
        """The two-sided p-value of McNemar's exact test that both runs are right equally often; 1 if they agree."""
        differing = self.only_first + self.only_second
        if not differing:
            return 1.0
        from scipy.stats import binomtest  # takes half a second to import

        return float(binomtest(self.only_first, differing, 0.5).pvalue)

    def document(self) -> dict[str, Any]:
        """The counts, the difference with its interval and the p-value as JSON."""
        low, high = self.interval
        return {
            "quantity": self.name, "images": self.images, "both": self.both, "only_first": self.only_first,
            "only_second": self.only_second, "neither": self.neither, "first": self.first, "second": self.second,
            "difference": self.difference, "low": low, "high": high, "p_value": self.p_value,
        }  # fmt: skip

    def __str__(self) -> str:
        low, high = self.interval
        p_value = f"p = {self.p_value:.3g}" if self.p_value >= 1e-4 else "p < 0.0001"
        return (
            f"{self.name:<11} {self.first:7.2%} {self.second:7.2%}   difference {self.difference:+7.2%} "
            f"({low:+.2%} to {high:+.2%}), {p_value}; only the first {self.only_first:,}, only the second "
            f"{self.only_second:,}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of two runs on the images of both.

    Args:
        first, second: The folders of the runs.
        regions: The texts of the regions for which each of them is certified.
        counts: The paired counts of undefended, defended and certified images.
        only_in_first, only_in_second: Images that the other run does not have.
        procedures: The defences of the runs, in words.
        notes: What a reader must know: how the runs differ besides.
    """

    first: str
    second: str
    regions: tuple[str, str]
    counts: tuple[PairedCounts, ...]
    only_in_first: int = 0
    only_in_second: int = 0
    procedures: tuple[str, str] = ("", "")
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return {
            "first": self.first,
            "second": self.second,
            "regions": list(self.regions),
            "counts": [counts.document() for counts in self.counts],
            "only_in_first": self.only_in_first,
            "only_in_second": self.only_in_second,
            "procedures": list(self.procedures),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        against = self.regions[0] if self.regions[0] == self.regions[1] else " and ".join(self.regions)
        lines = [f"{self.first} and {self.second} on {counted(self.counts[0].images, 'image')}, against {against}"]
        if self.only_in_first or self.only_in_second:
            lines.append(
                f"  left out, since only one run has them: {counted(self.only_in_first, 'image')} of the first, "
                f"{counted(self.only_in_second, 'image')} of the second"
            )
        lines += [f"  by {' and '.join(dict.fromkeys(self.procedures))}", *(f"  {note}" for note in self.notes)]
        return "\n".join([*lines, *(f"  {counts}" for counts in self.counts)])


def compare(
    first: OpenedRun | str | PathLike[str],
    second: OpenedRun | str | PathLike[str],
    *,
    regions: RegionSet | str | None = None,
) -> Comparison:
    """Compare two runs on the images that both have, paired by id: McNemar's exact test, and intervals.

    Args:
        first, second: Runs, or their folders.
        regions: Regions to ask both runs about, without their models; by default each is taken with its own.

    Raises:
        InvalidInput: the runs have no image in common, or different labels for one; the rows of a run cannot tell
            about the regions.
        NotCovering: the masks of a run do not cover the regions.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> fine, coarse = (mc.cover(mc.squares(size=3), image_size=12, grid=grid) for grid in [(3, 3), (2, 2)])
    >>> images = np.stack([np.zeros((12, 12)), np.full((12, 12), 0.625)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, masks in [("fine", fine), ("coarse", coarse)]:
    ...         summary = mc.run(brightness, images, [0, 1], masks, Path(folder) / name, batch_size=4)
    ...     certified = mc.compare(Path(folder) / "fine", Path(folder) / "coarse").counts[2]
    >>> certified.images, certified.only_first
    (2, 0)
    """
    ours, theirs = _opened(first), _opened(second)
    if ours.frame != theirs.frame:
        raise InvalidInput(
            f"{ours.path} draws regions on the {ours.frame} and {theirs.path} on the {theirs.frame}, so that the same "
            "text means other regions; compare runs of one frame"
        )
    places, other_places = _common(ours, theirs)
    if ours.task != theirs.task:
        raise InvalidInput(f"{ours.path} is a run of {ours.task}, and {theirs.path} one of {theirs.task}")
    labels, other_labels = ours.labels[places], theirs.labels[other_places]
    differ = labels != other_labels
    if ours.task == "answers":
        differ = ~same_answers([*map(ours.answer_of, labels)], [*map(theirs.answer_of, other_labels)])
    if differ.any():
        name = ours.ids[int(places[np.flatnonzero(differ)[0]])]
        raise InvalidInput(f"the runs have different true labels for {name}; compare runs on the same labelled images")
    counts = [
        _counts(name, getattr(ours, name)[places] == labels, getattr(theirs, name)[other_places] == other_labels)
        for name in ("undefended", "defended")
    ]
    counts.append(_counts("certified", ours.certified(regions)[places], theirs.certified(regions)[other_places]))
    against = (str(ours.regions), str(theirs.regions)) if regions is None else (str(regions), str(regions))
    lonely = len(ours) - len(places), len(theirs) - len(places)
    return Comparison(
        str(ours.path), str(theirs.path), against, tuple(counts), *lonely,
        procedures=(_defence(ours), _defence(theirs)), notes=_notes(ours, theirs, places, other_places),
    )  # fmt: skip


def _defence(run: OpenedRun) -> str:
    """The defence of a run in words, with its margin if it has one."""
    return run.procedure.words + (f" with margins above {run.min_margin:g}" if run.min_margin else "")


def _notes(first: OpenedRun, second: OpenedRun, places: IntArray, other_places: IntArray) -> tuple[str, ...]:
    """How two runs differ besides their figures."""
    notes = []
    if first.procedure.may_alert != second.procedure.may_alert:
        notes.append("certified by the one that may alert means: the true label, or an alert")
    if getattr(first.procedure, "top", 1) != getattr(second.procedure, "top", 1):
        notes.append("certified by the one of several first labels means: the true label is among them")
    pixels, others = (np.array(_column(run, "pixels"), dtype=np.str_) for run in (first, second))
    comparable = (pixels[places] != "") & (others[other_places] != "")
    differing = int((comparable & (pixels[places] != others[other_places])).sum())
    if differing:
        notes.append(
            f"{counted(differing, 'image')} with other pixels under the same id: another preprocessing, or other images"
        )
    chosen = first.parts[0].config.chosen
    if first.selected or second.selected or (chosen is not None and chosen.seed is None):
        notes.append("the images are no random sample, so that intervals and p-values say nothing of others")
    return tuple(notes)


def _column(run: OpenedRun, name: str) -> list[str]:
    return [text for part in run.parts for text in part.table.column(name).to_pylist()]


def _opened(run: OpenedRun | OpenedLabels | str | PathLike[str]) -> OpenedRun:
    """A run of labels or answers; `InvalidInput` for one of several labels, whose images are not right or wrong."""
    if isinstance(run, OpenedRun):
        return run
    return open_run(run.path if isinstance(run, OpenedLabels) else run)


def _common(first: OpenedRun, second: OpenedRun) -> tuple[IntArray, IntArray]:
    """The places of the common images in each run."""
    places = {name: place for place, name in enumerate(second.ids)}
    pairs = [(place, places[name]) for place, name in enumerate(first.ids) if name in places]
    for run in (first, second):
        if not len(run):
            raise InvalidInput(f"{run.path} holds no rows yet; continue the run with the command that started it")
    if not pairs:
        raise InvalidInput(
            f"{first.path} and {second.path} have no image in common, by its id; compare runs on the same images"
        )
    ours, theirs = np.array(pairs, dtype=np.int64).T
    return ours, theirs


def _counts(name: str, first: BoolArray, second: BoolArray) -> PairedCounts:
    return PairedCounts(
        name,
        both=int((first & second).sum()),
        only_first=int((first & ~second).sum()),
        only_second=int((~first & second).sum()),
        neither=int((~first & ~second).sum()),
    )
