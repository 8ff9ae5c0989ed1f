"""The rows of one mask set: of a whole run, or of the images of one size; and what they answer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.certification.certifying import bound, containment_for
from maskcover.classifiers.interned import AnswerNumbers
from maskcover.covering.containment import Containment
from maskcover.defense.detection import ERROR_LEVELS, Levels, detection_levels
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import Detection
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Views
from maskcover.regions import RegionSet, parse_regions
from maskcover.regions.cell_frame import CellFrame, parts_of
from maskcover.runs.answer_rows import numbered
from maskcover.runs.answers import Question, answers_alike, as_numbers, tri_state
from maskcover.runs.columns import pyarrow, table_of
from maskcover.runs.config import Config
from maskcover.runs.evidence import NOT_WHOLE
from maskcover.runs.folder import Folder
from maskcover.runs.stores import Place
from maskcover.runs.tables import FloatArray, KeptTables

Pull = Callable[[RegionSet], RegionSet]


@dataclass(frozen=True, eq=False)
class RunPart:
    """The rows of one mask set: a whole run, or the images of one size of a run in the frame of the source.

    Args:
        path: The folder.
        config: The configuration.
        masks: The masks.
        table: The rows, a `pyarrow.Table`.
        seconds: The time that its shards took.
        pull: From regions in the frame of the run to those on the model's input.
    """

    path: Place
    config: Config
    masks: MaskSet
    table: Any
    seconds: float
    pull: Pull

    @classmethod
    def of(cls, path: Place, config: Config, pull: Pull, numbers: AnswerNumbers | None = None) -> RunPart:
        """The rows in a folder; a run that is not finished has fewer. Answers get their `numbers`."""
        folder = Folder(path)
        parts = [columns for number in folder.numbers(config) if (columns := folder.columns(number, config))]
        tables = [table.replace_schema_metadata(None) for table, _ in parts] or [table_of([])]
        whole = pyarrow().concat_tables(tables).combine_chunks()
        if config.task == "answers" and len(whole):
            whole = numbered(whole, AnswerNumbers() if numbers is None else numbers, path)
        return cls(path, config, folder.masks(config), whole, sum(seconds for _, seconds in parts), pull)

    @property
    def longest_side(self) -> int:
        """The longest side of the masks, or of the images whose cells they hide."""
        way = CellFrame.of(next(parts_of(parse_regions(self.config.regions))))
        return max(max(self.masks.grid.shape), 0 if way is None else max(way.sides))

    @cached_property
    def tables(self) -> KeptTables:
        """The evidence of the rows."""
        return KeptTables.of(self.table, self.masks.views(self.config.procedure.views))

    @cached_property
    def errors(self) -> BoolArray:
        """Which rows are errors, bool (images,)."""
        return np.array([verdict == "error" for verdict in self.table.column("verdict").to_pylist()], dtype=np.bool_)

    def question(self, procedure: Procedure, min_margin: float | None) -> Question:
        """The images with a procedure and a margin, to be asked about any regions.

        Raises:
            InvalidInput: the procedure needs certain labels, and the predictions of the run are others.
        """
        procedure.expect_predictions(dict(self.config.fingerprint.entries))
        return Question.of(self.tables, self.masks, procedure, self.margin_of(procedure, min_margin), self.errors)

    def expect_masks(self, masks: MaskSet) -> None:
        """Raise `InvalidInput` unless a question needs no other levels than those of the run."""
        if masks != self.masks:
            sizes = ", ".join(str(len(level)) for level in self.masks.levels) or "none"
            raise InvalidInput(
                f"the run {self.path} has no predictions under these levels (its levels, in masks: {sizes}); ask for "
                'first_round="levels" or for none, or certify again with other levels'
            )

    def claims(self, procedure: Procedure, min_margin: float) -> bool:
        """Whether the verdicts in the rows are about this procedure and this margin."""
        return procedure == self.config.procedure and min_margin == self.config.min_margin

    def margin_of(self, procedure: Procedure, min_margin: float | None) -> float:
        """The margin of a question, by default that of the run.

        Raises:
            InvalidInput: the run's predictions repeat only within a margin, and the one to ask for is smaller.
        """
        own = self.config.min_margin
        if min_margin is None:
            return 0.0 if procedure.requires_bits and self.config.document["numerics"] != "margin" else own
        number = isinstance(min_margin, int | float) and not isinstance(min_margin, bool)
        if not number or not 0 <= min_margin < 1:
            raise InvalidInput(f"min_margin must be a number from 0 to below 1; got {min_margin!r}")
        if self.config.document["numerics"] == "margin" and min_margin < own:
            raise InvalidInput(
                f"the predictions of {self.path} repeat only within a margin of {own:g}, and min_margin is smaller: "
                f"{min_margin:g}; ask for {own:g} or more"
            )
        return min_margin


PartAnswers = tuple[BoolArray, BoolArray, IntArray, BoolArray]


def own_answers(part: RunPart) -> PartAnswers:
    """The answers to the run's own question, which stand in its rows."""
    everywhere = np.ones(len(part.table), dtype=np.bool_)
    certified = np.array([text == "certified" for text in part.table.column("verdict").to_pylist()], dtype=np.bool_)
    return certified, everywhere, as_numbers(part.table.column("defended")), everywhere


def answers_of(part: RunPart, regions: RegionSet, procedure: Procedure, min_margin: float) -> PartAnswers:
    """The answers to another question, from the evidence of the rows."""
    procedure, covers = bound(procedure, part.masks, regions)
    part.expect_masks(covers.masks)
    question = part.question(procedure, min_margin)
    certified, answered = tri_state(question.patterns().certified(covers))
    if answers_alike(procedure, part.config.procedure):
        defended, labelled = as_numbers(part.table.column("defended")), np.ones(len(part.table), dtype=np.bool_)
    else:
        defended, labelled = question.defended()
    return certified, answered, defended, labelled


def margins_lost(part: RunPart, regions: RegionSet) -> FloatArray:
    """For each image the margin at which its certificate is lost, 0 if it has none; float64 (images,).

    Only at the smallest margin of a row does the set of rows that can be trusted change.
    """
    procedure, covers = bound(part.config.procedure, part.masks, regions)
    every = getattr(procedure, "rule", "rows") == "all-pairs"
    lost = np.zeros(len(part.table))
    leveled = _levels_lost(part, covers) if procedure.maps_itself else np.full(len(lost), np.inf)
    for number in np.flatnonzero(part.tables.has_evidence & ~part.errors).tolist():
        rows = part.tables.row_margins[number]
        steps = np.unique(rows[rows > NOT_WHOLE]).tolist()
        if every:
            lost[number] = steps[0] if (rows > NOT_WHOLE).all() else 0.0
        else:
            lost[number] = _margin_lost(rows, covers)
    return np.minimum(lost, leveled)


def _levels_lost(part: RunPart, covers: Containment) -> FloatArray:
    """For each image the margin at which the masks of some level with the true label no longer cover; (images,)."""
    lost, views = np.zeros(len(part.table)), part.masks.views(Views.PAIRS)
    levels = [views.numbers(numbers, numbers) for numbers in part.masks.level_numbers]
    for filled in part.tables.filled(part.masks, Views.PAIRS):
        for place in np.flatnonzero(part.tables.has_evidence[filled.images]).tolist():
            number = filled.images.start + place
            right = filled.kept[place] & (filled.labels[place] == part.tables.labels[number])
            margins = np.where(right, filled.margins[place], NOT_WHOLE)
            lost[number] = min(
                _margin_lost(margins[level], covers_level)
                for level, covers_level in zip(levels, covers.of_levels, strict=True)
            )
    return lost


def _margin_lost(margins: FloatArray, covers: Containment) -> float:
    """The largest margin at which the masks of at least that margin cover; 0 if there is none."""
    steps = np.unique(margins[margins > NOT_WHOLE]).tolist()
    certified = bisect_left(steps, True, key=lambda step: not covers(margins >= step))
    return float(steps[certified - 1]) if certified else 0.0


def detection_levels_of(part: RunPart, regions: RegionSet, alert_below: float | None) -> list[Levels]:
    """The levels of each image for detection; an error is neither right nor certified at any threshold."""
    covers = containment_for(Detection(0.0, alert_below), part.masks, regions)
    labels, _, confidences = part.tables.one_mask
    errors = part.errors
    return [
        ERROR_LEVELS
        if errors[number]
        else detection_levels(
            int(labels[number, -1]),
            labels[number, :-1],
            np.nan_to_num(confidences[number, :-1]),
            label,
            covers,
            alert_below,
        )
        for number, label in enumerate(part.tables.labels.tolist())
    ]


def pull_of(config: Config) -> Pull:
    """The way from regions that are asked about to those on the grid of the masks, for a run in the frame of the input.

    Where the masks of the run hide cells of a network, regions are drawn on its images and seen by its cells.
    """
    ways = [CellFrame.of(part) for part in parts_of(parse_regions(config.regions))]
    return _as_they_are if ways[0] is None else ways[0].onto_cells


def _as_they_are(regions: RegionSet) -> RegionSet:
    return regions
