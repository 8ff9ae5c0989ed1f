"""Predictions of an earlier run, put into the tables of a new one, so that only what is missing is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.observations import TopLabel
from maskcover.defense.procedure import Procedure
from maskcover.defense.table import NO_MASK, PredictionTable
from maskcover.engine.preparation import PreparedRun
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs.binding import NOT_KEPT, changed_scores
from maskcover.runs.config import Config
from maskcover.runs.evidence import Evidence, Predictions
from maskcover.runs.folder import Folder, shards
from maskcover.runs.stores import place


@dataclass(frozen=True, slots=True, eq=False)
class EarlierPredictions:
    """The exact predictions that the rows of a finished run keep, by the digests of the images' pixels.

    Args:
        config: The configuration of the earlier run.
        pairs: For each number of a prediction in it the two masks that were hidden, int64 (predictions + 1, 2).
        singles: The numbers of its predictions under single masks, and last the one with nothing hidden.
        by_pixels: The evidence of each image.
    """

    config: Config
    pairs: IntArray
    singles: IntArray
    by_pixels: dict[str, Evidence] = field(repr=False)

    @classmethod
    def of(cls, run: str | PathLike[str], masks: MaskSet, procedure: Procedure) -> EarlierPredictions:
        """The predictions in the folder of a run with the same masks.

        Raises:
            InvalidInput: the run has other masks, or keeps less than the procedure observes.
        """
        folder = Folder(place(run))
        config = folder.existing()
        if config.document["masks"] != masks.digest:
            raise InvalidInput(f"{place(run)} was made with other masks; only a run with the same masks can be reused")
        if procedure.observation != TopLabel():
            raise InvalidInput(f"{procedure} observes more than the top labels that runs keep; leave reuse out")
        views = masks.views(config.procedure.views)
        pairs = np.concatenate([views.pairs, [[NO_MASK, NO_MASK]]])
        by_pixels = {
            row.pixels: row.evidence
            for shard in shards(folder, config)
            for row in shard.rows
            if row.pixels and row.evidence is not None
        }
        return cls(config, pairs, np.append(views.singles, len(views)), by_pixels)

    def expect_same(self, start: PreparedRun) -> None:
        """Raise `InvalidInput` unless the model, its numerics and its batch size are those of the earlier run.

        The reference scores of the earlier run are scored again: a hook, a flag or a global that no fingerprint names
        is noticed by them (docs/threats.md, 39).
        """
        differences = list(start.fingerprint.differences(self.config.fingerprint))
        if self.config.reference is None:
            differences.append(NOT_KEPT)
        elif not differences:
            differences += changed_scores(self.config, start, same_images=False)
        if start.numerics != self.config.document["numerics"]:
            differences.append(f"numerics {self.config.document['numerics']} before, {start.numerics} now")
        if start.evaluator.batch_size != self.config.batch_size:
            differences.append(f"batch size {self.config.batch_size} before, {start.evaluator.batch_size} now")
        scale = self.config.earlier.scale
        if start.min_margin and start.evaluator.least_scale != scale:
            differences.append(f"margins measured by {scale} before, by {start.evaluator.least_scale} now")
        if differences:
            raise InvalidInput(
                f"the predictions of the run to reuse are not those of this model here: {'; '.join(differences)}; "
                "leave reuse out"
            )

    def least_margin(self, min_margin: float | None) -> float | None:
        """The margin to ask for, if the user typed none: not the one that somebody typed for the earlier run.

        A margin that replaced bits there is needed here as well.
        """
        typed_there = self.config.document["numerics"] == "bitwise" and self.config.min_margin > 0
        return 0.0 if min_margin is None and typed_there else min_margin

    def restore(self, pixels: str, table: PredictionTable) -> None:
        """Put the predictions of an image, named by the digest of its pixels, into its table; none if it is unknown."""
        evidence = self.by_pixels.get(pixels) if pixels else None
        if evidence is None:
            return
        self._put(table, self.singles, evidence.one_mask)
        if table.views.ids.ndim == 2:
            self._put(table, np.array(evidence.unions.numbers, dtype=np.int64), evidence.unions)

    def _put(self, table: PredictionTable, numbers: IntArray, predictions: Predictions) -> None:
        first, second = self.pairs[numbers].T
        own = np.where(first == NO_MASK, len(table.views), table.views.numbers(first, second))
        table.restore(
            own, np.array(predictions.labels, dtype=np.int64), np.array(predictions.margins),
            np.array(predictions.confidences),
        )  # fmt: skip
