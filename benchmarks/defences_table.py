"""The values of `defences.py`'s table, and the table as Markdown and JSON: pure functions of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from maskcover.certification import exact_interval


@dataclass(frozen=True)
class Cell:
    """A defence against one region set: counts of images, or the reason why there is no answer.

    Args:
        total: Number of test images.
        certified: How many are certified; None where the defence can certify none, whatever the network says, and where
            the certificate is too large to compute.
        defended: How many have the right label by the defence, without an alert; None as for `certified`.
        certifying: Mean number of predictions an image to certify; None as for `certified`, and where predictions of
            another run were used again.
        reason: The text of the error that says why.
    """

    total: int
    certified: int | None = None
    defended: int | None = None
    certifying: float | None = None
    reason: str | None = None

    @property
    def certified_text(self) -> str:
        """The certified fraction in per cent with its exact 95 % interval, for a table."""
        if self.certified is not None:
            return with_interval(self.certified, self.total)
        return "none possible" if (self.reason or "").startswith("no image can be certified") else "not computed"


@dataclass(frozen=True)
class Line:
    """The line of a defence: its network, its cells by the name of a region set, and what it costs.

    Args:
        name, network, procedure: The defence, its network, and the text of its procedure.
        undefended: How many images the network alone gets right.
        cells: By the name of the region set.
        serving: Mean number of predictions an image to answer.
        milliseconds, alone: Median CPU time of an answer and of the network alone, for one image at a time.
        note: What a reader must know about the numbers.
    """

    name: str
    network: str
    procedure: str
    undefended: int
    cells: dict[str, Cell] = field(default_factory=dict)
    serving: float | None = None
    milliseconds: float | None = None
    alone: float | None = None
    note: str = ""

    @property
    def total(self) -> int:
        """The number of test images."""
        return next(iter(self.cells.values())).total


@dataclass(frozen=True)
class Pair:
    """A line compared with the first one, image by image, for one region set: McNemar's exact test."""

    name: str
    regions: str
    only_first: int
    only_second: int
    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Frame:
    """One enlarged network against one attacker, in the frame of the source or of the model's input."""

    attacker: str
    touched: str
    certified: int
    defended: int
    undefended: int
    total: int


def percent(count: int, total: int) -> str:
    """A fraction in per cent.

    >>> percent(1, 8)
    '12.5'
    """
    return f"{100 * count / total:.1f}"


def with_interval(count: int, total: int) -> str:
    """A fraction in per cent with its exact 95 % interval.

    >>> with_interval(30, 300)
    '10.0 (6.8–14.0)'
    """
    low, high = exact_interval(count, total)
    return f"{percent(count, total)} ({100 * low:.1f}–{100 * high:.1f})"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    >>> print(markdown_table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def defences_markdown(lines: Sequence[Line], reference: str) -> str:
    """The table of all defences, with footnotes for reasons and notes.

    Args:
        lines: At least one.
        reference: The region set whose answers are counted in "clean", and whose predictions and times are shown.
    """
    regions = list(lines[0].cells)
    header = ["defence", "network alone", "clean", *regions, "serve", "certify", "ms (times the network)"]
    footnotes: list[str] = []
    rows = []
    for line in lines:
        cells = [_cell(line.cells[name], footnotes) for name in regions]
        rows.append([line.name + footnote_mark(line.note, footnotes), percent(line.undefended, line.total),
                     _clean(line, reference), *cells, *_costs(line, reference)])  # fmt: skip
    notes = [f"{number}. {text}" for number, text in enumerate(footnotes, 1)]
    return "\n".join([markdown_table(header, rows), "", *notes])


def footnote_mark(text: str, footnotes: list[str]) -> str:
    """The mark of a footnote, which is added unless it is there; nothing for an empty text."""
    if not text:
        return ""
    if text not in footnotes:
        footnotes.append(text)
    return f" [{footnotes.index(text) + 1}]"


def _cell(cell: Cell, footnotes: list[str]) -> str:
    return cell.certified_text + footnote_mark(cell.reason or "", footnotes)


def _clean(line: Line, reference: str) -> str:
    """The fraction with the right label against the reference, or against any region set that is possible."""
    cells = [line.cells[reference], *line.cells.values()]
    counts = [cell.defended for cell in cells if cell.defended is not None]
    return percent(counts[0], line.total) if counts else "–"


def _costs(line: Line, reference: str) -> list[str]:
    certifying = line.cells[reference].certifying
    counts = ["–" if count is None else f"{count:,.0f}" for count in (line.serving, certifying)]
    if line.milliseconds is None or not line.alone:
        return [*counts, "–"]
    return [*counts, f"{line.milliseconds:.1f} ({line.milliseconds / line.alone:.1f}×)"]


def pairs_markdown(pairs: Sequence[Pair], first: str) -> str:
    """The table of comparisons with the first line."""
    header = ["defence", "regions", f"only {first}", "only this one", "difference", "95 % interval", "p"]
    rows = [
        [pair.name, pair.regions, str(pair.only_first), str(pair.only_second), f"{0 - 100 * pair.difference:+.1f}",
         f"{-100 * pair.high:+.1f} to {-100 * pair.low:+.1f}",
         f"{pair.p_value:.2g}" if pair.p_value >= 1e-4 else "< 0.0001"]
        for pair in pairs
    ]  # fmt: skip
    return markdown_table(header, rows)


def frames_markdown(frames: Sequence[Frame]) -> str:
    """The table of the frames."""
    header = ["the attacker's patch", "pixels of the input", "network alone", "clean", "certified"]
    rows = [
        [frame.attacker, frame.touched, percent(frame.undefended, frame.total),
         percent(frame.defended, frame.total), with_interval(frame.certified, frame.total)]
        for frame in frames
    ]  # fmt: skip
    return markdown_table(header, rows)


def document(
    settings: dict[str, Any], lines: Sequence[Line], pairs: Sequence[Pair], frames: Sequence[Frame]
) -> dict[str, Any]:
    """All figures as JSON."""
    return {
        "settings": settings,
        "defences": [asdict(line) for line in lines],
        "against_the_first": [asdict(pair) for pair in pairs],
        "frames": [asdict(frame) for frame in frames],
    }
