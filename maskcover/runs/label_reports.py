"""The facts of a report about a run of several labels; `maskcover.report` lays them out."""

from __future__ import annotations

from itertools import islice
from os import PathLike
from typing import Any

import numpy as np

from maskcover.canonical import write_atomically
from maskcover.cells import BoolArray
from maskcover.certification import exact_interval
from maskcover.certification.label_figures import LabelFigures
from maskcover.data import Chosen
from maskcover.defense.multilabel import MultiLabel
from maskcover.errors import InvalidInput
from maskcover.report import Facts, to_html, to_markdown
from maskcover.report.facts import ClassFacts, Entries, Rate
from maskcover.report.texts import limits, rests
from maskcover.report.words import region_words
from maskcover.runs.columns import table_of
from maskcover.runs.config import Config
from maskcover.runs.reporting import command_of, fingerprint_of, versions_of
from maskcover.runs.rows import Row
from maskcover.runs.stores import Place
from maskcover.terminal import counted, printable

_MOST_ERRORS, _MOST_CLASSES = 20, 200


class LabelReported(LabelFigures):
    """Mixin: reports about a finished run of several labels, as facts, HTML or Markdown."""

    path: Place
    config: Config
    procedure: MultiLabel
    rows: tuple[Row, ...]

    @property
    def table(self) -> Any:
        """The rows as a `pyarrow.Table`."""
        return table_of(self.rows)

    @property
    def total(self) -> int:
        """Number of images that the run is about."""
        return self.config.count

    @property
    def chosen(self) -> Chosen | None:
        """How the images were chosen among more, as their data set declares it."""
        return self.config.chosen

    def facts(self) -> Facts:
        """The facts of a report about the run; raises `InvalidInput` if there are no rows."""
        return label_facts(self)

    def write_html(self, path: str | PathLike[str]) -> None:
        """Write the report as one self-contained HTML file, atomically."""
        write_atomically(path, to_html(self.facts()).encode("utf-8"))

    def write_markdown(self, path: str | PathLike[str]) -> None:
        """Write the report as Markdown, atomically."""
        write_atomically(path, to_markdown(self.facts()).encode("utf-8"))


def label_facts(run: LabelReported) -> Facts:
    """The facts of a run of several labels.

    Raises:
        InvalidInput: there are no rows.
    """
    if not len(run):
        raise InvalidInput(f"{run.path} holds no rows yet; continue the run with the command that started it")
    errors = [row for row in run.rows if row.verdict == "error"]
    return Facts(
        run=printable(run.path.resolve().name),
        claim=_claim(run),
        outcome=_outcome(run),
        setting=_setting(run),
        rates=_rates(run),
        remarks=_remarks(run, len(errors)),
        errors=tuple((printable(row.id), printable(row.reason)) for row in islice(errors, _MOST_ERRORS)),
        error_count=len(errors),
        rests=rests(run.procedure, run.config.document["numerics"], run.config.min_margin),
        limits=limits("input"),
        curves=(),
        curve_notes=("There are none for several labels; maskcover report RUN --regions asks about other regions.",),
        classes=_classes(run),
        classes_note=(
            "A row is about the images in which the class is present: right and certified are answers for this class."
        ),
        images=(),
        image_rule="",
        versions=versions_of(run.config),
        commands=(printable(command_of(run)),),
        fingerprints=(fingerprint_of(run, 1),),
    )


def _claim(run: LabelReported) -> str:
    words = region_words(run.regions, run.masks.grid)
    return (
        f"Whatever is written into {words} of the model's input of {run.masks.grid} pixels, the defended model does "
        "not change a certified answer: that a class is present, or that it is absent."
    )


def _rate(run: LabelReported, counting: BoolArray, among: BoolArray | None = None) -> Rate:
    chosen = run.chosen
    total = len(counting) if among is None else int(among.sum())
    count = int((counting if among is None else counting & among).sum())
    sampled = chosen is None or chosen.seed is not None
    return Rate(count, total, *(exact_interval(count, total) if sampled else (None, None)))


def _rates(run: LabelReported) -> tuple[tuple[str, Rate], ...]:
    sound = np.array([verdict.error is None for verdict in run.verdicts], dtype=np.bool_)
    flags = {
        "all classes right without the defence": sound & (run.undefended == run.labels).all(axis=1),
        "all classes right with the defence": sound & (run.defended == run.labels).all(axis=1),
        "all classes certified": run.certified.all(axis=1),
    }
    return tuple((name, _rate(run, values)) for name, values in flags.items())


def _outcome(run: LabelReported) -> str:
    """What is proved of all images together."""
    figures = run.certified_figures()
    missing = run.total - len(run)
    words = (
        f"Whatever region is attacked in each image: {figures} at least, over "
        f"{counted(int(run.labels.sum()), 'label')} of {counted(len(run), 'image')}."
    )
    return words + (f" {counted(missing, 'image')} of the run are still missing." if missing else "")


def _remarks(run: LabelReported, errors: int) -> tuple[str, ...]:
    remarks = [
        f"Clean, without the defence: {run.clean_figures(defended=False)}.",
        f"Clean, with the defence: {run.clean_figures()}.",
        f"Under attack, at least, all classes of an image through one region: {run.certified_figures()}.",
        f"The same class by class, each at its own worst region: {run.certified_figures(joint=False)}.",
        f"Under attack, at least, as a mean over classes: {run.certified_figures('macro')}.",
    ]
    if run.has_scores:
        certified, clean = run.average_precision(), run.average_precision(certified=False)
        remarks.append(f"Average precision over thresholds: clean {clean:.1%}, under attack {certified:.1%} at least.")
    if errors:
        images = counted(errors, "image")
        remarks.append(f"{images} could not be evaluated, and count as answered wrongly in all classes.")
    if run.chosen is not None:
        sampled = "" if run.chosen.seed is not None else ", which is no random sample, so that there are no intervals"
        remarks.append(f"The images are {run.chosen}{sampled}.")
    remarks.append("The certificates were worked out again from the certifying masks that the rows keep.")
    return tuple(printable(text) for text in remarks)


def _setting(run: LabelReported) -> Entries:
    document = run.config.document
    source = document.get("source") or {}
    thresholds = run.procedure.thresholds
    entries = {
        "model": source.get("model") or document["fingerprint"].get("classifier") or "see the fingerprint",
        "images": source.get("data") or "given to the run by a program",
        "sample": "all of them" if run.chosen is None else str(run.chosen),
        "regions": str(run.regions),
        "drawn on": "the model's input",
        "preprocessing": document["fingerprint"].get("preprocessing", ""),
        "masks": f"{len(run.masks):,} masks on {run.masks.grid} pixels",
        "defence": f"{run.procedure.words}: {run.procedure}",
        "thresholds": str(thresholds),
        "classes": str(run.labels.shape[1]),
    }
    return tuple((name, printable(str(text))) for name, text in entries.items() if text)


def _classes(run: LabelReported) -> tuple[ClassFacts, ...]:
    """A row for each class that some image has; of very many the first ones."""
    numbers = np.flatnonzero(run.labels.any(axis=0))[:_MOST_CLASSES].tolist()
    return tuple(
        ClassFacts(
            printable(run.name_of(number)),
            *(
                _rate(run, answers[:, number], run.labels[:, number])
                for answers in (run.undefended, run.defended, run.certified)
            ),
        )
        for number in numbers
    )
