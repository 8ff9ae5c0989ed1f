"""The facts of a report about a finished run, worked out from its rows: `facts_of`.

Nothing is believed that can be checked at once: the masks must cover the regions, and each certificate that can be
worked out again from the kept predictions must be the one in the row.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice
from typing import Any

import numpy as np

from maskcover.cells import BoolArray
from maskcover.certification import exact_interval
from maskcover.certification.certifying import containment_for
from maskcover.certification.results import levels_in_words
from maskcover.classifiers.answer_texts import answer_text
from maskcover.classifiers.loading import runs_code
from maskcover.classifiers.observations import TopLabel
from maskcover.errors import InvalidInput
from maskcover.regions.cell_frame import CellFrame, parts_of
from maskcover.report import ClassFacts, CurveFacts, Entries, Facts, FingerprintFacts, Rate, claim_sentence
from maskcover.report.drawing import ticks
from maskcover.report.texts import limits, rests
from maskcover.runs.config import Config
from maskcover.runs.finished import FinishedPart, FinishedRun
from maskcover.runs.own_images import ImageSource
from maskcover.runs.report_images import image_facts, rule_words
from maskcover.runs.sizes import CertifiedSizes
from maskcover.terminal import counted, printable

_MOST_ERRORS = 20
_MOST_CLASSES = 40
_MOST_MARKS = 10
_LONGEST_ANSWER = 80
_FAMILIES = (
    ("squares", 1, "Any one square", "side in pixels"),
    ("rectangles", 1, "Any one rectangle up to an area", "area in pixels"),
    ("squares", 2, "Any two squares at once", "side in pixels"),
)


def facts_of(run: FinishedRun, sources: Sequence[ImageSource], images: int, class_names: Sequence[str] | None) -> Facts:
    """The facts of a run.

    Args:
        run: The run.
        sources: Where images come from, one source for each part of the run.
        images: Number of images to show.
        class_names: Names of the classes in the order of their numbers, if the user gives them.

    Raises:
        InvalidInput: the rows contradict the predictions that they keep, or there are no rows.
        NotCovering: the masks do not cover the regions.
    """
    if not len(run):
        raise InvalidInput(f"{run.path} holds no rows yet; continue the run with the command that started it")
    checked = _check(run)
    name_of = _namer(class_names or _names(run, sources), may_alert=run.procedure.may_alert)
    if run.task == "answers":
        name_of = _answerer(run)
    rate = _rates(run)
    curves, curve_notes = _curves(run, rate)
    classes, classes_note = _classes(run, name_of, rate)
    errors = list(islice((row for row in run.select(verdict="error")), _MOST_ERRORS))
    right, summary = _counts(run, rate), run.summary()
    return Facts(
        run=printable(run.path.resolve().name),
        claim=_claim(run),
        outcome=_outcome(run, right[2][1]),
        setting=_setting(run),
        rates=right,
        remarks=_remarks(run, checked),
        errors=tuple((printable(row.id), printable(row.reason)) for row in errors),
        error_count=summary.errors,
        rests=rests(run.procedure, run.parts[0].config.document["numerics"], run.min_margin),
        limits=limits(run.frame),
        curves=curves,
        curve_notes=curve_notes,
        classes=classes,
        classes_note=classes_note,
        images=image_facts(run, sources, images, name_of),
        image_rule=rule_words(images, len(run)) if images else "",
        versions=versions_of(run.parts[0].config),
        commands=_commands(run),
        fingerprints=tuple(fingerprint_of(part, len(run.parts)) for part in run.parts),
        truth=_truth(run),
    )


def _truth(run: FinishedRun) -> str:
    """The word for what is true of an image."""
    return "answer" if run.task == "answers" else "label"


def _check(run: FinishedRun) -> int:
    """The number of rows whose certificate was worked out again from the kept predictions.

    Raises:
        InvalidInput: a certificate is another one than in its row.
        NotCovering: the masks do not cover the regions.
    """
    for part in run.parts:
        containment_for(part.config.procedure, part.masks, part.config.regions)
    if run.procedure.observation != TopLabel():
        return 0  # rows keep top labels, from which the certificates of this procedure cannot be worked out
    answers = run.answers(run.regions)
    wrong = np.flatnonzero(answers.answered & (answers.certified != (run.verdicts == "certified")))
    if len(wrong):
        raise InvalidInput(
            f"the rows of {counted(len(wrong), 'image')} contradict the predictions that they keep, such as "
            f"{printable(run.ids[wrong[0]])}; no report is made of such a run: certify again"
        )
    return int((answers.answered & (run.verdicts != "error")).sum())


RateOf = Callable[[BoolArray, BoolArray | None], Rate]


def _rates(run: FinishedRun) -> RateOf:
    """The function from images that count, among some or all, to their rate."""
    chosen = run.parts[0].config.chosen
    sampled = not run.selected and (chosen is None or chosen.seed is not None)

    def rate(counting: BoolArray, among: BoolArray | None = None) -> Rate:
        total = len(counting) if among is None else int(among.sum())
        count = int((counting if among is None else counting & among).sum())
        return Rate(count, total, *(exact_interval(count, total) if sampled else (None, None)))

    return rate


def _right(run: FinishedRun) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Which images have the right label without and with the defence, and which are certified; errors are none."""
    sound = run.verdicts != "error"
    return (
        sound & (run.undefended == run.labels),
        sound & (run.defended == run.labels),
        run.verdicts == "certified",
    )


def _counts(run: FinishedRun, rate: RateOf) -> tuple[tuple[str, Rate], ...]:
    names = ("right without the defence", "right with the defence", "certified")
    counts = [(name, rate(right, None)) for name, right in zip(names, _right(run), strict=True)]
    by_masks = run.certified_by_masks
    return (*counts, *([] if by_masks is None else [("certified without the levels", rate(by_masks, None))]))


def _claim(run: FinishedRun) -> str:
    may_alert, top, truth = run.procedure.may_alert, getattr(run.procedure, "top", 1), _truth(run)
    if run.frame == "source":
        return claim_sentence(
            run.regions, None, "of the image before it is resized or cropped", may_alert=may_alert, top=top, truth=truth
        )
    grid, of_cells = run.parts[0].masks.grid, any(map(CellFrame.of, parts_of(run.regions)))
    where = f"and seen by {grid} cells of the model" if of_cells else f"of the model's input of {grid} pixels"
    return claim_sentence(run.regions, grid, where, may_alert=may_alert, top=top, truth=truth)


def _outcome(run: FinishedRun, certified: Rate) -> str:
    """How many images the claim is proved for."""
    interval = f"; 95 % interval {certified.interval}" if certified.interval else ""
    images = counted(certified.total, "image")
    words = f"This is proved for {certified.count:,} of {images} ({certified.percent}{interval})."
    missing = run.total - len(run)
    return words + (f" {counted(missing, 'image')} of the run are still missing." if missing else "")


def _setting(run: FinishedRun) -> Entries:
    part = run.parts[0]
    config, grid = part.config, part.masks.grid
    source = config.document.get("source") or {}
    sizes = f"{len(part.masks):,} masks{levels_in_words(part.masks)} on {grid} pixels"
    if len(run.parts) > 1:
        sizes = f"{len(run.parts):,} mask sets, one for each size of image"
    entries = {
        "model": source.get("model") or config.document["fingerprint"].get("classifier") or "see the fingerprint",
        "images": source.get("data") or "given to the run by a program",
        "sample": "all of them" if config.chosen is None else str(config.chosen),
        "left out": "" if config.skipped is None else str(config.skipped),
        "regions": str(run.regions),
        "drawn on": "the source image" if run.frame == "source" else "the model's input",
        "preprocessing": config.document["fingerprint"].get("preprocessing", ""),
        "masks": sizes,
        "defence": f"{run.procedure.words}: {run.procedure}",
    }
    return tuple((name, printable(str(text))) for name, text in entries.items() if text)


def _remarks(run: FinishedRun, checked: int) -> tuple[str, ...]:
    summary, remarks = run.summary(), []
    certified, errors = summary.certified, summary.errors
    lost = len(run) - certified - errors
    images = counted(lost, "image")
    remarks.append(f"Not certified: {images}. Wrong without the defence too: {summary.wrong:,} of them.")
    top = getattr(run.procedure, "top", 1)
    if top > 1:
        remarks.append(
            f"The defence answers with {top} labels. An image is right with it if its true label is among them, and is "
            "then shown with that label, else with the first one. Without the defence the first label alone counts."
        )
    if errors:
        remarks.append(f"{counted(errors, 'image')} could not be evaluated, and count as neither right nor certified.")
    if run.total > len(run):
        remarks.append(f"The run is not finished: {len(run):,} of {run.total:,} images are done.")
    if run.selected:
        remarks.append("These are images that somebody selected from the run, so that there are no intervals.")
    chosen = run.parts[0].config.chosen
    if chosen is not None:
        sampled = "" if chosen.seed is not None else ", which is no random sample, so that there are no intervals"
        remarks.append(f"The images are {chosen}{sampled}.")
    remarks.append(
        f"When this report was made, the certificates of {checked:,} of {counted(len(run) - errors, 'image')} were "
        "worked out again from the predictions that the rows keep, and none of them differs."
    )
    return tuple(remarks)


def _curves(run: FinishedRun, rate: RateOf) -> tuple[tuple[CurveFacts, ...], tuple[str, ...]]:
    """The certified-size curves, and why others are missing."""
    curves, notes = [], []
    for family, patches, title, unit in _FAMILIES:
        try:
            sizes = run.certified_size(family, patches=patches)
        except InvalidInput as error:
            notes.append(printable(f"{title}: no curve, since {error}"))
            continue
        if sizes.limit:
            curves.append(_curve(sizes, title, unit, rate))
        else:
            notes.append(
                f"{title}: no curve, since with the masks of the run no such region of any size can be certified."
            )
    return tuple(curves), tuple(notes)


def _curve(sizes: CertifiedSizes, title: str, unit: str, rate: RateOf) -> CurveFacts:
    places, low, high = sizes.curve()
    if sizes.limit <= _MOST_MARKS:
        marks = list(range(1, sizes.limit + 1))
    else:
        marks = sorted({1, sizes.limit, *ticks(sizes.limit)} - {0})
    rates = tuple((size, rate(sizes.largest >= size, None)) for size in marks)
    return CurveFacts(
        title, unit, tuple(places.tolist()), tuple(low.tolist()), tuple(high.tolist()), sizes.limit, rates
    )


def _classes(run: FinishedRun, name_of: Callable[[int], str], rate: RateOf) -> tuple[tuple[ClassFacts, ...], str]:
    """A row for each class; of very many those with the lowest and the highest certified fraction."""
    labels, right = run.labels, _right(run)
    numbers = np.unique(labels).tolist()
    note = ""
    if len(numbers) > _MOST_CLASSES:
        fractions = {number: right[2][labels == number].mean() for number in numbers}
        ordered = sorted(numbers, key=lambda number: (fractions[number], number))
        half = _MOST_CLASSES // 2
        note = (
            f"Of {len(numbers):,} {'answers' if run.task == 'answers' else 'classes'} the {half} with the lowest and "
            f"the {half} with the highest certified fraction are listed."
        )
        numbers = ordered[:half] + ordered[-half:]
    rows = [ClassFacts(name_of(number), *(rate(values, labels == number) for values in right)) for number in numbers]
    return tuple(rows), note


def _names(run: FinishedRun, sources: Sequence[ImageSource]) -> Sequence[str] | None:
    """The class names of the data, if their labels are those of the rows: else they may be in another order."""
    names = sources[0].class_names
    if names is None or len(run.labels) == 0 or int(run.labels.max()) >= len(names):
        return None
    agree = all(source.has_labels(part.table) for source, part in zip(sources, run.parts, strict=True))
    return names if agree else None


def _namer(names: Sequence[str] | None, *, may_alert: bool) -> Callable[[int], str]:
    """The function from a label to its words."""

    def name_of(label: int) -> str:
        if label < 0:
            return "no label, or an alert" if may_alert else "no label"
        if names is None or label >= len(names):
            return f"class {label}"
        return f"{printable(str(names[label]))} (class {label})"

    return name_of


def _answerer(run: FinishedRun) -> Callable[[int], str]:
    """The function from the number of an answer to the answer in words."""

    def name_of(number: int) -> str:
        answer = run.answer_of(number)
        if answer is None:
            return "no answer, or an alert" if run.procedure.may_alert else "no answer"
        text = answer if isinstance(answer, str) else answer_text(answer)
        return printable(text if len(text) <= _LONGEST_ANSWER else f"{text[:_LONGEST_ANSWER]}…") or "(empty text)"

    return name_of


def versions_of(config: Config) -> Entries:
    """The versions behind a run, and of this report."""
    entries = dict(config.fingerprint.entries)
    named = {
        "maskcover of the run": entries.get("maskcover"),
        "library": entries.get("library"),
        "numpy": entries.get("numpy"),
        "device": entries.get("device"),
        "maskcover of this report": version("maskcover"),
    }
    return tuple((name, printable(str(text))) for name, text in named.items() if text is not None)


def _commands(run: FinishedRun) -> tuple[str, ...]:
    """The commands that replay each part of the run."""
    return tuple(printable(command_of(part)) for part in run.parts)


def command_of(part: FinishedPart) -> str:
    """The command that replays a part of a run."""
    source: Any = part.config.document.get("source")
    path = shlex.quote(str(part.path))
    if not isinstance(source, dict) or not isinstance(source.get("model"), str):
        return f"maskcover.replay({str(part.path)!r}, model, images, labels)  # in Python, with the images of the run"
    typed = f" --model {shlex.quote(source['model'])}" if runs_code(source["model"]) else ""
    return f"maskcover replay {path}{typed}"


def fingerprint_of(part: FinishedPart, parts: int) -> FingerprintFacts:
    """The fingerprint of a part, named after its folder if there are several."""
    config = part.config
    entries = tuple((printable(name), printable(text)) for name, text in config.fingerprint.entries)
    name = printable(part.path.name) if parts > 1 else ""
    return FingerprintFacts(name, config.fingerprint.digest, config.claim, part.masks.digest, entries)
