"""The demo's tables for a terminal; every cell is plain text, so that no name can be taken for markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from maskcover.plot import percent_down
from maskcover_torch.demo.results import AttackStep, ClothesStep, CoverStep, Part, PhotoStep
from maskcover_torch.demo.words import class_name, defended_words, failing_words


def cover_table(steps: Sequence[CoverStep]) -> Table:
    """One row for each cover: masks, evaluations, the largest hidden fraction, whether it is verified, and the time."""
    rows = (
        (
            step.attacker,
            f"{len(step.masks)}",
            f"{step.masks.evaluations:,}",
            f"{100 * float(step.largest_fraction):.1f} %",
            "yes" if step.report else "NO",
            f"{1000 * step.seconds:.1f} ms",
        )
        for step in steps
    )
    title = f"Covers for photos of {steps[0].masks.grid}"
    return _table(title, ("attacker", "masks", "evaluations", "largest hides", "verified", "in"), rows)


def photo_table(steps: Sequence[PhotoStep], names: Sequence[str]) -> Table:
    """One row for each photo: its labels, its certificate or the failing pair of masks, and the time."""
    rows = (
        (
            f"{step.photo.name}\n{class_name(names, step.photo.label)}",
            class_name(names, step.verdict.undefended),
            defended_words(names, step.verdict.defended),
            "yes" if step.verdict.certificate.certified else f"no, {failing_words(names, step)}",
            percent_down(step.certified_fraction),
            f"{step.verdict.evaluations:,}\n{step.seconds:.1f} s",
        )
        for step in steps
    )
    heads = ("photo\nlabel", "undefended", "defended", "certified", "places\ncertified", "forwards\nin")
    return _table(f"Photos against {steps[0].result.regions}", heads, rows)


def attack_table(step: AttackStep, names: Sequence[str]) -> Table:
    """One row for each network: its label of the photo before the attack and after."""
    verdict = step.target.verdict
    rows = (
        ("undefended", class_name(names, verdict.undefended), class_name(names, step.undefended)),
        ("defended", defended_words(names, verdict.defended), defended_words(names, step.defended)),
    )
    title = (
        f"Attack on {step.target.photo.name}, {step.attack.steps} steps, {step.seconds:.1f} s\n"
        f"{step.attack.box}\n{step.changed.sum():,} pixels changed, {step.outside} outside"
    )
    return _table(title, ("network", "clean", "attacked"), rows)


def clothes_table(step: ClothesStep, regions: str) -> Table:
    """One row for each first round: the images certified with it, and the predictions that it takes to serve one."""
    rows = (
        (row.first_round, f"{row.certified} of {step.images}", f"{row.at_least}", f"{row.at_most}")
        for row in step.prices
    )
    title = f"A network trained to stand masks, on clothes, against {regions}: {step.masks} masks"
    return _table(title, ("first round", "certified", "predictions to serve,\nif views agree", "at most"), rows)


def part_table(parts: Iterable[Part]) -> Table:
    """One row for each part of the demo: seconds on the clock and of processor time."""
    rows = ((part.name, f"{part.wall:.1f} s", f"{part.processor:.1f} s") for part in parts)
    return _table("Times", ("part", "clock", "processor"), rows)


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
