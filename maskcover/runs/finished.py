"""What a report asks a finished run for, as protocols: so that the run can have methods that write reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.interned import AnyAnswer
from maskcover.defense.procedure import Procedure
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.answers import Answers
from maskcover.runs.config import Config
from maskcover.runs.rows import Row
from maskcover.runs.sizes import CertifiedSizes
from maskcover.runs.stores import Place
from maskcover.runs.summary import Summary


class FinishedPart(Protocol):
    """The rows of one mask set; see `maskcover.runs.opened.RunPart`."""

    @property
    def path(self) -> Place:
        """The folder."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def masks(self) -> MaskSet:
        """The masks."""

    @property
    def table(self) -> Any:
        """The rows, a `pyarrow.Table`."""


class FinishedRun(Protocol):
    """The rows of a run; see `maskcover.runs.OpenedRun`."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Row]: ...

    @property
    def path(self) -> Place:
        """The folder."""

    @property
    def parts(self) -> Sequence[FinishedPart]:
        """The rows of each mask set."""

    @property
    def total(self) -> int:
        """Number of images that the run is about."""

    @property
    def selected(self) -> bool:
        """Whether images were left out by what is known of them."""

    @property
    def regions(self) -> RegionSet:
        """The regions that the run certified, in its frame."""

    @property
    def procedure(self) -> Procedure:
        """The defence."""

    @property
    def min_margin(self) -> float:
        """The margin that a prediction must exceed to count."""

    @property
    def frame(self) -> str:
        """Where regions are drawn."""

    @property
    def ids(self) -> list[str]:
        """The ids of the images."""

    @property
    def labels(self) -> IntArray:
        """The true labels."""

    @property
    def undefended(self) -> IntArray:
        """Labels without the defence."""

    @property
    def defended(self) -> IntArray:
        """Labels with the defence."""

    @property
    def verdicts(self) -> npt.NDArray[np.str_]:
        """The verdicts."""

    @property
    def certified_by_masks(self) -> BoolArray | None:
        """Whether each image would be certified without the levels of the first round."""

    @property
    def task(self) -> str:
        """What the run certified."""

    def answer_of(self, number: int) -> AnyAnswer:
        """The answer that a label of a run of answers stands for."""

    def select(self, *, verdict: str | None = None) -> Self:
        """The run with some of its images only."""

    def answers(self, regions: RegionSet | str | None = None, *, min_margin: float | None = None) -> Answers:
        """What the rows say about regions."""

    def summary(self) -> Summary:
        """The counts."""

    def certified_size(self, family: str = "squares", *, patches: int = 1) -> CertifiedSizes:
        """The certified size of each image."""

    def to_arrow(self) -> Any:
        """All rows as a `pyarrow.Table`."""
