"""The report as Markdown, without images: texts from elsewhere are escaped, so that none is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from maskcover.report.facts import CurveFacts, Entries, Facts, Rate

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def to_markdown(facts: Facts) -> str:
    """The facts as Markdown with tables (GitHub's)."""
    parts = [
        f"# Certification report: {escaped(facts.run)}",
        f"**{escaped(facts.claim)}**",
        escaped(facts.outcome),
        "## Counts",
        _table(
            ("images", "count", "fraction", "exact 95 % interval"), [_counts(name, rate) for name, rate in facts.rates]
        ),
        _list(facts.remarks),
        *_errors(facts),
        "## What was certified",
        _entries(facts.setting),
        "## What the claim rests on",
        _list(facts.rests),
        "## What it does not say",
        _list(facts.limits),
        "## Certified sizes",
        *(text for curve in facts.curves for text in _curve(curve)),
        _list(facts.curve_notes),
        f"## By {facts.group}",
        _classes(facts),
        escaped(facts.classes_note),
        *_images(facts),
        "## Check it again",
        "\n".join(f"    {command}" for command in facts.commands),
        _entries(facts.versions),
        *(text for number in range(len(facts.fingerprints)) for text in _fingerprint(facts, number)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def escaped(text: str) -> str:
    r"""A text with all its punctuation escaped, so that no reader of Markdown takes it for markup, HTML or a link.

    >>> escaped("a|b <script> https://x.y _z_")
    'a\\|b &lt;script&gt; https\\:\\/\\/x\\.y \\_z\\_'
    """
    return _PUNCTUATION.sub(lambda match: _ENTITIES.get(match[1], "\\" + match[1]), text)


def _counts(name: str, rate: Rate) -> tuple[str, ...]:
    return name, f"{rate.count:,} of {rate.total:,}", rate.percent, rate.interval or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(text)}" for text in texts)


def _entries(entries: Entries) -> str:
    return _table(("name", "value"), entries) if entries else ""


def _errors(facts: Facts) -> list[str]:
    if not facts.errors:
        return []
    return [f"## Images with an error ({facts.error_count:,})", _table(("image", "reason"), facts.errors)]


def _curve(curve: CurveFacts) -> list[str]:
    head = (escaped(curve.unit), "certified", "fraction", "exact 95 % interval")
    return [f"### {escaped(curve.title)}", _table(head, [_counts(f"{size:,}", rate) for size, rate in curve.marks])]


def _classes(facts: Facts) -> str:
    rows = [
        (row.name, f"{row.certified.total:,}", row.undefended.percent, row.defended.percent, row.certified.percent,
         row.certified.interval or "none")
        for row in facts.classes
    ]  # fmt: skip
    return _table((facts.group, "images", "undefended", "defended", "certified", "exact 95 % interval"), rows)


def _images(facts: Facts) -> list[str]:
    if not facts.images:
        return []
    rows = [
        (image.place, image.id, image.label, image.undefended, image.defended, "yes" if image.certified else "no",
         image.certified_fraction, image.failing)
        for image in facts.images
    ]  # fmt: skip
    head = (
        "place", "image", f"true {facts.truth}", "undefended", "defended", "certified", "placements certified",
        "failing",
    )  # fmt: skip
    return ["## Images", escaped(facts.image_rule), _table(head, rows)]


def _fingerprint(facts: Facts, number: int) -> list[str]:
    part = facts.fingerprints[number]
    digests = (("digest of the run", part.claim or "none"), ("fingerprint", part.fingerprint), ("masks", part.masks))
    return [f"### Fingerprint {escaped(part.part)}".rstrip(), _entries(digests), _entries(part.entries)]
