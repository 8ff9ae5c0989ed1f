"""What commands say about several labels: the figures of a certification, and of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskcover.cli.output import printable
from maskcover.errors import InvalidInput
from maskcover.typed import read_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maskcover.cells import BoolArray
    from maskcover.certification import MultiLabelResult
    from maskcover.data import Dataset
    from maskcover.masks import MaskSet
    from maskcover.report import Facts
    from maskcover.runs.rows import Row


def procedure(task: str | None, text: str | None, thresholds: str | None, *, keep_scores: bool) -> str | None:
    """The text of the procedure for a task, with the thresholds that were typed for several labels."""
    if task != "multilabel" and thresholds is None and not keep_scores:
        return text
    from maskcover.certification.multilabel import for_task
    from maskcover.defense.texts import procedure_of

    numbers = None if thresholds is None else read_numbers(thresholds, "--thresholds")
    typed: Any = numbers[0] if numbers is not None and len(numbers) == 1 else numbers
    return str(for_task(task, procedure_of(text), typed, keep_scores))


def expect_input_frame(frame: str) -> None:
    """Raise `InvalidInput` for several labels in the frame of the source images."""
    if frame != "input":
        raise InvalidInput("several labels are certified in the frame of the model's input; leave --frame source out")


def described(result: MultiLabelResult, dataset: Dataset) -> tuple[dict[str, Any], list[str]]:
    """The document and the lines of a certification of several labels."""
    rows = [_row(result, number, name) for number, name in enumerate(dataset.ids)]
    chosen = dataset.chosen
    document = {
        "claim": str(result),
        "regions": str(result.regions),
        "masks": len(result.masks),
        "digest": result.masks.digest,
        "frame": "input",
        "fingerprint": dict(result.fingerprint.entries),
        "data": dataset.source,
        "sample": None if chosen is None else chosen.document(),
        "total": len(result),
        "images": rows,
    }
    sampled = [] if chosen is None else [f"Only {chosen} images:"]
    return document | result.figures_document(), [*map(_line, rows), *sampled, str(result), *result.figure_lines()]


def explained(
    classifier: Any,
    images: Any,
    masks: MaskSet,
    regions: str | None,
    procedure: str | None,
    present: str | None,
    names: Mapping[int, str],
) -> MultiLabelResult:
    """The certification of one image of several labels, to be explained.

    Args:
        classifier: The classifier.
        images: The image, prepared for it, as the only one.
        masks: The masks.
        regions: The regions, or None for those that the masks claim.
        procedure: The text of the procedure for several labels.
        present: The names of the classes that are present, with commas between them; None for those that the defence
            says.
        names: The names of the classes by number.
    """
    from maskcover.certification import certify
    from maskcover.certification.multilabel import label_matrix
    from maskcover.defense.texts import procedure_of

    if not names:
        raise InvalidInput("the model does not name its classes; type --classes with a file of their names, in order")
    listed = tuple(names[number] for number in range(len(names)))

    def certified(truth: BoolArray) -> MultiLabelResult:
        defence: Any = procedure_of(procedure)
        result = certify(classifier, images, truth, masks, regions=regions, procedure=defence, task="multilabel")
        return replace(result, class_names=listed)

    if present is not None:
        typed = [name.strip() for name in present.split(",") if name.strip()]
        return certified(label_matrix([typed], 1, listed))
    # A certificate is about what is true: first the defence is asked what it says, then that is certified.
    first = certified(label_matrix([[]], 1, listed))
    return certified(first.verdicts[0].defended.present[None])


def explanation(result: MultiLabelResult, name: str) -> tuple[dict[str, Any], list[str]]:
    """The document and the lines that explain the only image of a certification."""
    row = _row(result, 0, name)
    text = result.explain(0)
    document = row | {"regions": str(result.regions), "digest": result.masks.digest, "explanation": text.splitlines()}
    return document, [_line(row), *map(printable, text.splitlines())]


def figures_of(run: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures of a run of several labels, as a document and as lines."""
    from maskcover.runs import open_run

    opened = open_run(run)
    return (opened.figures_document(), opened.figure_lines()) if len(opened) else ({}, [])


def other_figures(run: Path, regions: str | None, others: tuple[object, ...]) -> tuple[dict[str, Any], list[str]]:
    """The figures of a run of several labels, also for other regions; empty for a run of one label.

    Args:
        run: The folder of the run.
        regions: Other regions, or None for those of the run.
        others: Other questions, which a run of several labels does not answer; None each.
    """
    from maskcover.runs.opened_labels import open_labels

    if not is_labels(run):
        return {}, []
    if any(other is not None for other in others):
        raise InvalidInput(
            "a run of several labels answers for other --regions; leave out --procedure, --rule, --min-margin and "
            "--sizes"
        )
    opened = open_labels(run)
    opened = opened if regions is None else opened.against(regions)
    if not len(opened):
        return {"task": "multilabel"}, []
    about = [] if regions is None else [f"against {opened.regions}:"]
    return opened.figures_document() | {"regions": str(opened.regions)}, [*about, *opened.figure_lines()]


def _row(result: MultiLabelResult, number: int, name: str) -> dict[str, Any]:
    verdict = result.verdicts[number]
    named = [result.name_of(label) for label in range(len(verdict.truth))]
    present, said = verdict.truth, verdict.defended.present
    return {
        "id": name,
        "present": [text for text, flag in zip(named, present, strict=True) if flag],
        "defended": [text for text, flag in zip(named, said, strict=True) if flag],
        "certified": [text for text, flag in zip(named, verdict.certified, strict=True) if flag],
        "classes": len(named),
        "error": verdict.error,
        "evaluations": verdict.evaluations,
    }


def _line(row: dict[str, Any]) -> str:
    present, said = (", ".join(row[key]) or "nothing" for key in ("present", "defended"))
    outcome = row["error"] or f"{len(row['certified'])} of {row['classes']} answers certified"
    return printable(f"{row['id']}: {present}; defended {said}; {outcome}")


def claimed_answers(run: Path, rows: Sequence[Row]) -> BoolArray:
    """What rows of a run claim: one bool for each image, or with several labels one for each class of each image."""
    import numpy as np

    from maskcover.runs.opened_labels import is_labels_run, open_labels

    if not is_labels_run(run):
        return np.array([row.certified for row in rows], dtype=np.bool_)
    opened = open_labels(run)
    places = {name: number for number, name in enumerate(opened.ids)}
    return np.asarray(opened.certified[[places[row.id] for row in rows]])


def is_labels(run: Path) -> bool:
    """Whether a folder holds a run of several labels."""
    from maskcover.runs import is_source_run
    from maskcover.runs.opened_labels import is_labels_run

    return not is_source_run(run) and is_labels_run(run)


def label_facts(run: Path) -> Facts:
    """The facts of a report about a run of several labels."""
    from maskcover.runs.opened_labels import open_labels

    return open_labels(run).facts()
