"""Summaries of a run, worked out from its rows and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskcover.certification import exact_interval
from maskcover.data import Chosen
from maskcover.notebooks import html_table, paragraph
from maskcover.runs.columns import pyarrow, rows_of
from maskcover.runs.rows import Row
from maskcover.terminal import counted


def errors_among(shards: Iterable[tuple[Any, float]]) -> Iterator[Row]:
    """The rows of images that failed, one at a time, with the reason; from the columns of shards."""
    compute = pyarrow().compute
    return (row for table, _ in shards for row in rows_of(table.filter(compute.field("verdict") == "error")))


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a run's rows.

    Args:
        total: Samples that the run is about.
        rows: Those of them that are done.
        undefended, defended: Rows with the right label without and with the defence.
        certified, errors: Rows with these verdicts; an error is neither right nor certified.
        evaluations: Masked predictions that were made.
        seconds: Time that the shards took, added up over processes.
        chosen: How the images were chosen among more; None for all.
        wrong: Images that are not certified, and have a wrong label without the defence as well.
        unknown: Images of which the rows cannot tell whether they are certified for the regions that were asked about
            later; they do not count as certified.
        selected: Whether images were left out by what is known of them, so that there are no intervals.
        unknown_defended: Images of which the rows cannot tell the label by the procedure that was asked about later.
    """

    total: int
    rows: int
    undefended: int
    defended: int
    certified: int
    errors: int
    evaluations: int
    seconds: float
    chosen: Chosen | None = None
    wrong: int = 0
    unknown: int = 0
    unknown_defended: int = 0
    selected: bool = False

    @classmethod
    def of(cls, shards: Iterable[tuple[Any, float]], total: int = 0, chosen: Chosen | None = None) -> Summary:
        """The summary of some shards, which are read one at a time: their columns, and their seconds."""
        names = ("rows", "undefended", "defended", "certified", "errors", "evaluations", "wrong")
        counts: dict[str, Any] = dict.fromkeys(names, 0)
        seconds = 0.0
        for table, seconds_of_shard in shards:
            seconds += seconds_of_shard
            label, bare, defended, made = (
                np.asarray(table.column(name)) for name in ("label", "undefended", "defended", "evaluations")
            )
            verdicts = np.array(table.column("verdict").to_pylist(), dtype=np.str_)
            error = verdicts == "error"
            counts["rows"] += len(table)
            counts["undefended"] += int((~error & (bare == label)).sum())
            counts["defended"] += int((~error & (defended == label)).sum())
            counts["certified"] += int((verdicts == "certified").sum())
            counts["errors"] += int(error.sum())
            counts["evaluations"] += int(made.sum())
            counts["wrong"] += int(((verdicts == "not_certified") & (bare != label)).sum())
        return cls(total=total, seconds=seconds, chosen=chosen, **counts)

    @property
    def complete(self) -> bool:
        """Whether every sample has its row."""
        return self.rows == self.total

    def document(self) -> dict[str, Any]:
        """The summary as JSON: counts, fractions and exact 95 % intervals, null where there is none."""
        fractions = {name: self._fraction(name) for name in ("undefended", "defended", "certified")}
        return {
            "total": self.total,
            "rows": self.rows,
            "errors": self.errors,
            "sample": None if self.chosen is None else self.chosen.document(),
            **fractions,
            "wrong_undefended": self.wrong,
            **({"unknown": self.unknown} if self.unknown else {}),
            **({"unknown_defended": self.unknown_defended} if self.unknown_defended else {}),
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.rows / self.seconds, 3) if self.seconds else None,
        }

    def __str__(self) -> str:
        errors = f", {counted(self.errors, 'error')}" if self.errors else ""
        lines = [f"{self.rows:,} of {self.total:,} images done{errors}"]
        if self.chosen is not None:
            lines.append(f"  {self.chosen}")
        names = {"undefended": "clean, undefended", "defended": "clean, defended", "certified": "certified"}
        for name, words in names.items():
            figures = self._fraction(name)
            interval = f"95 % interval {figures['low']:.2%} to {figures['high']:.2%} " if self._sampled else ""
            lines.append(f"  {words:<18} {figures['share']:7.2%}   {interval}({figures['count']:,})")
        if self.unknown:
            lines.append(f"  no answer          {self.unknown:,}: the rows keep too few predictions to tell")
        if self.unknown_defended:
            lines.append(f"  no defended label  {self.unknown_defended:,}: the rows keep too few predictions to tell")
        lost = self.rows - self.errors - self.certified - self.unknown
        if lost:
            lines.append(f"  not certified      {lost:,}: {self.wrong:,} wrong already undefended")
        rate = f", {self.rows / self.seconds:.2f} images/s" if self.seconds else ""
        lines.append(f"  {self.evaluations:,} masked predictions in {self.seconds:,.1f} s{rate}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The counts as a table, for notebooks."""
        names = {"undefended": "clean, undefended", "defended": "clean, defended", "certified": "certified"}
        rows = []
        for name, words in names.items():
            figures = self._fraction(name)
            interval = f"{figures['low']:.2%} to {figures['high']:.2%}" if self._sampled else "none"
            rows.append((words, f"{figures['count']:,}", f"{figures['share']:.2%}", interval))
        head = ("images", "count", "fraction", "95 % interval")
        first, *_ = str(self).splitlines()
        return paragraph(first) + html_table(head, rows)

    def _fraction(self, name: str) -> dict[str, Any]:
        count = getattr(self, name)
        low, high = exact_interval(count, self.rows) if self._sampled else (None, None)
        return {"count": count, "share": count / self.rows if self.rows else 0.0, "low": low, "high": high}

    @property
    def _sampled(self) -> bool:
        """Whether an interval says something: the first N images, or some that were selected, are no random sample."""
        return not self.selected and (self.chosen is None or self.chosen.seed is not None)
