"""Summaries of a run, worked out from its rows and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from maskcover.certification import exact_interval
from maskcover.data import Chosen
from maskcover.runs.folder import Shard
from maskcover.runs.rows import Row
from maskcover.terminal import counted


def errors_among(shards: Iterable[Shard]) -> Iterator[Row]:
    """The rows of images that failed, one at a time, with the reason."""
    return (row for shard in shards for row in shard.rows if row.verdict == "error")


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

    @classmethod
    def of(cls, shards: Iterable[Shard], total: int, chosen: Chosen | None = None) -> Summary:
        """The summary of some shards, which are read one at a time."""
        names = ("rows", "undefended", "defended", "certified", "errors", "evaluations", "wrong")
        counts = dict.fromkeys(names, 0)
        seconds = 0.0
        for shard in shards:
            seconds += shard.seconds
            for row in shard.rows:
                right = row.verdict != "error"
                counts["rows"] += 1
                counts["undefended"] += right and row.undefended == row.label
                counts["defended"] += right and row.defended == row.label
                counts["certified"] += row.certified
                counts["errors"] += not right
                counts["evaluations"] += row.evaluations
                counts["wrong"] += row.wrong
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
        lost = self.rows - self.errors - self.certified
        if lost:
            lines.append(f"  not certified      {lost:,}: {self.wrong:,} wrong already undefended")
        rate = f", {self.rows / self.seconds:.2f} images/s" if self.seconds else ""
        lines.append(f"  {self.evaluations:,} masked predictions in {self.seconds:,.1f} s{rate}")
        return "\n".join(lines)

    def _fraction(self, name: str) -> dict[str, Any]:
        count = getattr(self, name)
        low, high = exact_interval(count, self.rows) if self._sampled else (None, None)
        return {"count": count, "share": count / self.rows if self.rows else 0.0, "low": low, "high": high}

    @property
    def _sampled(self) -> bool:
        """Whether an interval says something: the first N images of a data set are no random sample of it."""
        return self.chosen is None or self.chosen.seed is not None
