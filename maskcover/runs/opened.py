"""A finished run, to be asked again without the model: `open_run`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.interned import AnswerNumbers, AnyAnswer
from maskcover.defense.detection import DetectionCurve
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import ChallengerMasking, DoubleMasking, Rule
from maskcover.defense.texts import parse_procedure
from maskcover.errors import InvalidInput, MissingExtra, install_hint
from maskcover.regions import RegionSet, parse_regions
from maskcover.runs.answer_rows import readable
from maskcover.runs.answers import Answers, as_numbers, why_unknown
from maskcover.runs.columns import pyarrow, rows_of
from maskcover.runs.folder import Folder
from maskcover.runs.frames import is_source_run, size_runs, source_document
from maskcover.runs.parts import (
    RunPart,
    answers_of,
    detection_levels_of,
    margins_lost,
    own_answers,
    pull_of,
)
from maskcover.runs.reported import Reported
from maskcover.runs.rows import Row
from maskcover.runs.sizes import CertifiedSizes, SizedPart, certified_sizes
from maskcover.runs.stores import Place, place
from maskcover.runs.summary import Summary
from maskcover.runs.tables import FloatArray


@dataclass(frozen=True, eq=False)
class OpenedRun(Reported):
    """The rows of a run, which can be asked again about regions, procedures and margins; made by `open_run`.

    Args:
        path: The folder of the run.
        parts: One part; for a run in the frame of the source one for each size of image.
        total: Number of images that the run is about.
        regions: The regions that the run certified, in its frame.
        frame: Where regions are drawn: "input" or "source".
        selected: Whether `select` left images out, so that intervals say nothing of others.
        numbers: Of a run of answers the numbers that labels are; see `answer_of`.
    """

    path: Place
    parts: tuple[RunPart, ...]
    total: int
    regions: RegionSet
    frame: str = "input"
    selected: bool = False
    numbers: AnswerNumbers = field(default_factory=AnswerNumbers, repr=False)

    def __len__(self) -> int:
        return sum(len(part.table) for part in self.parts)

    def __iter__(self) -> Iterator[Row]:
        for part in self.parts:
            for batch in part.table.to_batches(max_chunksize=1024):
                yield from rows_of(pyarrow().Table.from_batches([batch]))

    @property
    def procedure(self) -> Procedure:
        """The defence that the run certified."""
        return self.parts[0].config.procedure

    @property
    def min_margin(self) -> float:
        """The margin that every prediction behind a certificate exceeds; the smallest of those of the sizes."""
        return min(part.config.min_margin for part in self.parts)

    @property
    def ids(self) -> list[str]:
        """The ids of the images."""
        return [name for part in self.parts for name in part.table.column("id").to_pylist()]

    @property
    def labels(self) -> IntArray:
        """The true labels, int64 (images,)."""
        return self._numbers("label")

    @property
    def undefended(self) -> IntArray:
        """Labels of the bare classifier, int64 (images,); −1 where there is none."""
        return self._numbers("undefended")

    @property
    def defended(self) -> IntArray:
        """Labels by the defence of the run on the clean images, int64 (images,); −1 for none, or for an alert."""
        return self._numbers("defended")

    @property
    def verdicts(self) -> npt.NDArray[np.str_]:
        """The verdicts of the run: "certified", "not_certified" or "error"; texts (images,)."""
        texts = [text for part in self.parts for text in part.table.column("verdict").to_pylist()]
        return np.array(texts, dtype=np.str_)

    @property
    def task(self) -> str:
        """What the run certified: "labels" or "answers"."""
        return self.parts[0].config.task

    def answer_of(self, number: int) -> AnyAnswer:
        """Of a run of answers the answer that a label stands for; None for a negative label, which is no answer.

        Raises:
            InvalidInput: the run is one of labels, or has no answer of this number.
        """
        if self.task != "answers":
            raise InvalidInput(f"{self.path} is a run of labels, which are class numbers; it has no other answers")
        return self.numbers.answer(int(number))

    def select(
        self,
        chosen: npt.ArrayLike | None = None,
        *,
        label: int | None = None,
        undefended: int | None = None,
        defended: int | None = None,
        verdict: str | None = None,
    ) -> OpenedRun:
        """The run with some of its images only.

        Args:
            chosen: Which images, bool (images,).
            label, undefended, defended: Only images with this true label, or this label without or with the defence.
            verdict: Only images with this verdict of the run: "certified", "not_certified" or "error".

        >>> import tempfile
        >>> import numpy as np
        >>> import maskcover as mc
        >>> def brightness(images):
        ...     mean = images.mean(axis=(1, 2))
        ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
        >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
        >>> with tempfile.TemporaryDirectory() as out:
        ...     summary = mc.run(brightness, np.ones((3, 12, 12)), [1, 1, 0], masks, out, batch_size=4, fill=0.5)
        ...     run = mc.open_run(out)
        >>> len(run.select(label=1)), run.select(verdict="not_certified").ids
        (2, ['2'])
        """
        keep = np.ones(len(self), dtype=np.bool_)
        if chosen is not None:
            flags = np.asarray(chosen)
            if flags.dtype != np.bool_ or flags.shape != keep.shape:
                raise InvalidInput(
                    f"chosen is one bool for each of {len(self)} images; got {flags.dtype} of shape {flags.shape}"
                )
            keep &= flags
        columns = {"label": label, "undefended": undefended, "defended": defended}
        for name, value in columns.items():
            if value is not None:
                keep &= self._numbers(name) == value
        if verdict is not None:
            if verdict not in ("certified", "not_certified", "error"):
                raise InvalidInput(f'a verdict is "certified", "not_certified" or "error"; got {verdict!r}')
            keep &= self.verdicts == verdict
        parts, first = [], 0
        for part in self.parts:
            some = keep[first : first + len(part.table)]
            parts.append(replace(part, table=part.table.filter(pyarrow().array(some))))
            first += len(some)
        return replace(self, parts=tuple(parts), total=int(keep.sum()), selected=self.selected or not keep.all())

    def answers(
        self,
        regions: RegionSet | str | None = None,
        *,
        procedure: Procedure | str | None = None,
        rule: Rule | None = None,
        min_margin: float | None = None,
    ) -> Answers:
        """What the rows say about other regions, another procedure or another margin, without the model.

        Args:
            regions: The regions, by default those of the run; in the frame of the run.
            procedure: The procedure or its text; by default that of the run.
            rule: Another rule for the procedure of the run, "rows" or "all-pairs".
            min_margin: The margin that a prediction must exceed to count, as the run measured it; by default that of
                the run.

        An image without an answer counts as not certified; `Answers.answered` says which these are.

        Raises:
            NotCovering: the masks of the run do not cover the regions, so that no image can be certified with them.
            InvalidInput: the procedure or the margin cannot be asked about.
        """
        defence = self._procedure(procedure, rule)
        region_set = self.regions if regions is None else parse_regions(regions)
        margins = [part.margin_of(defence, min_margin) for part in self.parts]
        parts = [
            own_answers(part)
            if regions is None and part.claims(defence, margin)
            else answers_of(part, part.pull(region_set), defence, margin)
            for part, margin in zip(self.parts, margins, strict=True)
        ]
        certified, answered, defended, labelled = (np.concatenate(values) for values in zip(*parts, strict=True))
        return Answers(str(region_set), defence, min(margins), certified, answered, defended, labelled)

    def certified(
        self,
        regions: RegionSet | str | None = None,
        *,
        procedure: Procedure | str | None = None,
        rule: Rule | None = None,
        min_margin: float | None = None,
    ) -> BoolArray:
        """Whether each image is certified for other regions, another procedure or margin; bool (images,).

        Arguments and errors are those of `answers`, and

        Raises:
            InvalidInput: the rows of some images cannot tell; `answers` gives what the others say.
        """
        answers = self.answers(regions, procedure=procedure, rule=rule, min_margin=min_margin)
        if not answers.complete:
            raise InvalidInput(self.why_unknown(answers.answered))
        return answers.certified

    @property
    def certified_by_masks(self) -> BoolArray | None:
        """Whether each image would be certified without the levels of the first round, bool (images,).

        None if the defence has none, or if the rows of some images cannot tell.
        """
        alone = self.procedure.without_levels
        if alone == self.procedure:
            return None
        answers = self.answers(procedure=alone)
        return answers.certified if answers.complete else None

    def why_unknown(self, answered: BoolArray) -> str:
        """The reason why the rows cannot tell of some images, and what to type so that the next run can."""
        evidence = np.concatenate([part.tables.has_evidence | part.errors for part in self.parts])
        tables = bool(self.parts[0].config.document.get("keep_tables", False))
        unknown = ~answered
        return why_unknown(
            int(unknown.sum()), len(self), whole_tables=tables, any_evidence=bool(evidence[unknown].any())
        )

    def summary(
        self,
        regions: RegionSet | str | None = None,
        *,
        procedure: Procedure | str | None = None,
        rule: Rule | None = None,
        min_margin: float | None = None,
    ) -> Summary:
        """The counts for the regions of the run, or for others; arguments and errors are those of `answers`."""
        answers = self.answers(regions, procedure=procedure, rule=rule, min_margin=min_margin)
        counts = Summary.of((part.table, part.seconds) for part in self.parts)
        labels, errors = self.labels, self.verdicts == "error"
        wrong = ~answers.certified & ~errors & (self.undefended != labels)
        return replace(
            counts,
            total=self.total,
            chosen=self.parts[0].config.chosen,
            selected=self.selected,
            certified=int(answers.certified.sum()),
            defended=int((answers.defended_answered & ~errors & (answers.defended == labels)).sum()),
            wrong=int(wrong.sum()),
            unknown=int((~answers.answered).sum()),
            unknown_defended=int((~answers.defended_answered).sum()),
        )

    def certified_size(
        self, family: str = "squares", *, patches: int = 1, min_margin: float | None = None
    ) -> CertifiedSizes:
        """The largest size of patch that each image withstands, and the curve of certified fractions over sizes.

        Args:
            family: "squares", whose size is their side in pixels, or "rectangles", whose size is their area in
                pixels: all rectangles up to this area.
            patches: Number of patches of this size at once.
            min_margin: As for `answers`.

        The paper's Figure 8 for one defence, from one run; see `CertifiedSizes`.
        """
        parts = [
            SizedPart(part.question(self.procedure, min_margin).patterns(), part.masks, part.pull, part.longest_side)
            for part in self.parts
        ]
        return certified_sizes(family, patches, parts)

    def margin_curve(self, regions: RegionSet | str | None = None) -> tuple[FloatArray, FloatArray]:
        """The fraction of images certified over the margin that every prediction behind a certificate must exceed.

        Where a run stopped asking early, rows that were not seen do not count: the fraction is then a lower bound.

        Returns:
            Margins, ascending from 0 (from the margin of the run, if its predictions repeat only within that), and
            the fraction of images certified by predictions of more than each, up to but without the next; float64
            arrays of one length. Margins are those of the rows, each measured by its own scores where predictions
            repeat to the bit; `certify(min_margin=…)` measures by the largest scores of the probes, and is stricter.

        Raises:
            NotCovering, InvalidInput: as for `certified`; and the procedure needs bits, so that no margin counts.
        """
        if not isinstance(self.procedure, DoubleMasking | ChallengerMasking):
            raise InvalidInput(f"a margin curve is for double and challenger masking; this run has {self.procedure}")
        region_set = self.regions if regions is None else parse_regions(regions)
        without = ~np.concatenate([part.tables.has_evidence | part.errors for part in self.parts])
        if without.any():
            raise InvalidInput(self.why_unknown(~without))
        lost = np.concatenate([margins_lost(part, part.pull(region_set)) for part in self.parts])
        needed = [part.config.min_margin for part in self.parts if part.config.document["numerics"] == "margin"]
        least = max(needed, default=0.0)
        steps = np.unique(np.concatenate([[least], lost[lost > least]]))
        return steps, (lost[None, :] > steps[:, None]).sum(axis=1) / max(len(lost), 1)

    def detection_curve(
        self, regions: RegionSet | str | None = None, *, alert_below: float | None = None
    ) -> DetectionCurve:
        """The clean and the certified fraction at each threshold of detection; the paper's Figure 9, from the rows.

        Args:
            regions: The regions, by default those of the run; in the frame of the run.
            alert_below: As for `Detection`; it is the same at all thresholds.

        Raises:
            InvalidInput: rows keep no predictions, or predictions repeat only within a margin.
        """
        region_set = self.regions if regions is None else parse_regions(regions)
        if any(part.config.document["numerics"] == "margin" for part in self.parts):
            raise InvalidInput(
                f"the predictions of {self.path} repeat only within a margin, and detection compares confidences, for "
                "which no margin allows; run again with numerics='bitwise' (--numerics bitwise)"
            )
        without = ~np.concatenate([part.tables.has_evidence | part.errors for part in self.parts])
        if without.any():
            raise InvalidInput(self.why_unknown(~without))
        levels = [
            level for part in self.parts for level in detection_levels_of(part, part.pull(region_set), alert_below)
        ]
        return DetectionCurve(tuple(levels))

    def to_arrow(self) -> Any:
        """All rows as a `pyarrow.Table`; its columns are those of the files, see docs/how-to/runs.md.

        Of a run of answers labels are their texts (`maskcover.classifiers.answer_texts`), and evidence is left out.
        """
        whole = pyarrow().concat_tables([part.table for part in self.parts])
        return readable(whole, self.numbers) if self.task == "answers" and len(whole) else whole

    def to_pandas(self) -> Any:
        """All rows as a pandas `DataFrame`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            return self.to_arrow().to_pandas()
        except ImportError as error:
            raise MissingExtra(f"a table of pandas needs pandas; {install_hint('pandas')}") from error

    def _numbers(self, column: str) -> IntArray:
        return np.concatenate([as_numbers(part.table.column(column)) for part in self.parts])

    def _procedure(self, procedure: Procedure | str | None, rule: Rule | None) -> Procedure:
        """The procedure to ask about."""
        if procedure is not None and rule is not None:
            raise InvalidInput("procedure= names its rule as well; leave rule= out")
        if rule is None:
            return self.procedure if procedure is None else parse_procedure(procedure)
        if not hasattr(self.procedure, "rule"):
            raise InvalidInput(f"{self.procedure.words} has no rule; leave rule= out")
        return replace(self.procedure, rule=rule, exhaustive=False)  # type: ignore[type-var]  # it has both


def open_run(path: str | PathLike[str]) -> OpenedRun:
    """Open the folder of a run, to ask it again without the model; see `maskcover.open_run`."""
    folder, numbers = place(path), AnswerNumbers()
    if not is_source_run(folder):
        config = Folder(folder).existing()
        if config.task == "multilabel":
            raise InvalidInput(
                f"{folder} is a run of several labels; expected one of labels or answers. maskcover.open_run opens it, "
                "and maskcover report has its figures"
            )
        part = RunPart.of(folder, config, pull_of(config), numbers)
        return OpenedRun(folder, (part,), config.count, parse_regions(config.regions), numbers=numbers)
    document = source_document(folder)
    parts = tuple(RunPart.of(*of_size, numbers) for of_size in size_runs(folder, document))
    if not parts:
        raise InvalidInput(f"{folder} holds no rows yet; continue the run with the command that started it")
    return OpenedRun(
        folder, parts, sum(document["sizes"].values()), parse_regions(document["regions"]), "source", numbers=numbers
    )
