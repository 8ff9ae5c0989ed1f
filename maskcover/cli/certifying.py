"""The work of `maskcover certify`: at once or into a folder, in the frame of the input or of the source.

Each of the four has one function here; they share how rows, claims and exit codes are reported.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskcover.cli.output import HOLDS, REFUTED, UNDECIDED, note, printable, working
from maskcover.cli.reading import read_size
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskcover.certification import CertificationResult
    from maskcover.classifiers import MaskedClassifier
    from maskcover.cli.sources import Source
    from maskcover.data import Dataset, Preprocessing
    from maskcover.defense import Verdict
    from maskcover.masks import MaskSet
    from maskcover.runs import SourceResult, Summary


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a command: a document for machines, lines for people, and an exit code."""

    document: dict[str, Any]
    lines: Sequence[str]
    code: int


@dataclass(frozen=True, slots=True)
class Certification:
    """The certification that a command line asks for.

    Args:
        source: Model and data.
        masks: The masks of a file, if one was named.
        regions: The region set, if one was named.
        at_least: The claimed fraction of certified images, if one was claimed.
        arguments: Arguments of `certify` and `run` alike.
        out: The folder of a resumable run, if there is to be one.
        run_arguments: Arguments of `run` alone.
    """

    source: Source
    masks: MaskSet | None
    regions: str | None
    at_least: float | None
    arguments: Mapping[str, Any]
    out: Path | None
    run_arguments: Mapping[str, Any]

    def outcome(self, frame: str) -> Reply:
        """Certify in a frame, "input" or "source"."""
        if frame == "source":
            return _source_run(self, self.out) if self.out is not None else _source_at_once(self)
        if frame != "input":
            raise InvalidInput(f'--frame is "input" or "source"; got {frame!r}')
        return _run(self, self.out) if self.out is not None else _at_once(self)

    def opened(self) -> tuple[MaskedClassifier, Dataset, Preprocessing]:
        """See `opened`."""
        return opened(self.source, self.masks, progress=self.arguments["progress"])

    def prepared(self) -> tuple[MaskedClassifier, Dataset, Preprocessing, MaskSet]:
        """See `prepared`."""
        return prepared(
            self.source, self.masks, self.regions, self.arguments["procedure"], progress=self.arguments["progress"]
        )

    def source_regions(self) -> str:
        """The regions on the source images, which masks do not claim."""
        if self.regions is None:
            raise InvalidInput('--frame source needs the regions on the source, such as --regions "squares(size=32)"')
        return self.regions


def masks_in(path: Path | None, input_size: str | None) -> MaskSet | None:
    """The masks of a file, which must have the input size if one is typed; None if no file is named."""
    from maskcover.grid import Grid
    from maskcover.masks import MaskSet

    if path is None:
        return None
    masks = MaskSet.load(path)
    if input_size is not None and Grid.of(read_size(input_size)) != masks.grid:
        raise InvalidInput(f"{path} holds masks for {masks.grid}, but --input-size is {input_size}; they must agree")
    return masks


def _at_once(job: Certification) -> Reply:
    from maskcover.certification import certify

    classifier, dataset, preprocessing, masks = job.prepared()
    regions = framed(classifier, job.regions, preprocessing)
    images = dataset.prepared(preprocessing)
    result = certify(classifier, images, dataset.true_labels, masks, regions=regions, **job.arguments)
    document = _document(result) | {"frame": "input", "image_size": list(masks.grid.shape)}
    frame = _input_frame(classifier, masks, preprocessing)
    return _reported(job, result, dataset, document, frame)


def _source_at_once(job: Certification) -> Reply:
    from maskcover.runs import certify_source

    classifier, dataset, preprocessing = job.opened()
    result = certify_source(
        classifier,
        dataset,
        job.source_regions(),
        masks=_pixel_masks(job, classifier, preprocessing),
        preprocessing=preprocessing,
        **job.arguments,
    )
    document = {
        "claim": str(result),
        "frame": "source",
        "regions": str(result.regions),
        "preprocessing": str(preprocessing),
        "sizes": [
            {"size": list(group.size), "images": len(part)} | _document(part)
            for group, part in zip(result.groups, result.results, strict=True)
        ],
        "certified": int(result.certified.sum()),
        "certified_by_masks": int(result.certified_by_masks.sum()),
        "total": len(result),
    }
    return _reported(job, result, dataset, document, f"Frame: the source images, before {preprocessing}.")


def _run(job: Certification, out: Path) -> Reply:
    from maskcover.runs import run

    classifier, dataset, preprocessing, masks = job.prepared()
    regions = framed(classifier, job.regions, preprocessing)
    summary = run(
        classifier, dataset.prepared(preprocessing), dataset.true_labels, masks, out, ids=dataset.ids,
        regions=regions, source=job.source.document(), **job.arguments, **job.run_arguments,
    )  # fmt: skip
    frame = _input_frame(classifier, masks, preprocessing)
    document, lines = by_masks(out)
    return Reply(
        summary.document() | {"frame": "input"} | document, [str(summary), *lines, frame],
        claimed(summary, job.at_least),
    )  # fmt: skip


def _source_run(job: Certification, out: Path) -> Reply:
    from maskcover.runs import run_source

    classifier, dataset, preprocessing = job.opened()
    summary = run_source(
        classifier, dataset, job.source_regions(), out,
        masks=_pixel_masks(job, classifier, preprocessing), preprocessing=preprocessing,
        source=job.source.document(), **job.arguments, **job.run_arguments,
    )  # fmt: skip
    frame = f"Frame: the source images, before {preprocessing}."
    document, lines = by_masks(out)
    return Reply(
        summary.document() | {"frame": "source"} | document, [str(summary), *lines, frame],
        claimed(summary, job.at_least),
    )  # fmt: skip


def by_masks(out: Path) -> tuple[dict[str, Any], list[str]]:
    """For a run whose defence has levels, what its masks would certify without them, as document and as a line."""
    from maskcover.runs import Folder, is_source_run, open_run, source_document

    folders = [out / name for name in source_document(out)["sizes"]] if is_source_run(out) else [out]
    configs = [config for config in map(Folder.config, map(Folder, folders)) if config is not None]
    if not any(config.procedure != config.procedure.without_levels for config in configs):
        return {}, []
    certified = open_run(out).certified_by_masks
    if certified is None:
        return {}, []
    count = int(certified.sum())
    return {"certified_by_masks": count}, [f"Without the levels of the first round {count:,} would be certified."]


def claimed(summary: Summary, at_least: float | None) -> int:
    """The exit code of a run; images that are still missing, and errors, are undecided."""
    if at_least is None:
        return UNDECIDED if 0 < summary.rows == summary.errors else HOLDS
    undecided = summary.errors + summary.unknown + summary.total - summary.rows
    return claim(summary.certified, undecided, summary.total, at_least)


def claim(certified: int, undecided: int, total: int, at_least: float | None) -> int:
    """The exit code of a certification: that of its claim, or of its work if nothing is claimed.

    A claim is refuted only if it fails even when all undecided images are counted as certified. Without a claim the
    exit code is 0 unless no image at all could be decided.
    """
    if at_least is None:
        return UNDECIDED if 0 < total == undecided else HOLDS
    if certified >= at_least * total:
        return HOLDS
    return REFUTED if certified + undecided < at_least * total else UNDECIDED


def watched(*, as_json: bool) -> bool:
    """Whether to show progress bars: stderr is a terminal, and the answer is not JSON."""
    return sys.stderr.isatty() and not as_json


def opened(
    source: Source, masks: MaskSet | None, *, progress: bool = False, labelled: bool = True
) -> tuple[MaskedClassifier, Dataset, Preprocessing]:
    """The model, the images, and their preprocessing.

    Where labels count, class names are matched with those of the model, if it has names and none are typed.
    """
    from maskcover.classifiers.evaluation import names_of

    with working(f"loading {source.model}", shown=progress):
        classifier = source.classifier(masks)
    with working(f"opening {source.data}", shown=progress):
        dataset = source.dataset(names_of(classifier) if labelled else None)
    if dataset.skipped is not None:
        note(f"{source.data}: {dataset.skipped}")
    preprocessing = source.preprocessing(classifier, masks)
    if getattr(classifier, "preprocessing", None) is None and (source.mean, source.std) == (None, None):
        note(
            f"the model does not say how images are prepared; using {preprocessing}. To change that, type --mean and "
            "--std"
        )
    return classifier, dataset, preprocessing


def prepared(
    source: Source,
    masks: MaskSet | None,
    regions: str | None,
    procedure: str | None = None,
    *,
    progress: bool = False,
    labelled: bool = True,
) -> tuple[MaskedClassifier, Dataset, Preprocessing, MaskSet]:
    """The model, the images, their preprocessing, and the masks: those given or named by the procedure, or new ones."""
    from maskcover.classifiers.evaluation import HidesCells
    from maskcover.covering import cover

    if masks is None and regions is None:
        raise InvalidInput('name the masks with --masks FILE, or the regions, such as --regions "squares(size=32)"')
    classifier, dataset, preprocessing = opened(source, masks, progress=progress, labelled=labelled)
    chosen = masks_for(masks, procedure, preprocessing, classifier)
    if chosen is None:
        size = preprocessing.size or (224, 224)
        grid = classifier.cells(size) if isinstance(classifier, HidesCells) else size
        chosen = cover(framed(classifier, regions, preprocessing) or "", grid)
    return classifier, dataset, preprocessing, chosen


def masks_for(
    masks: MaskSet | None, procedure: str | None, preprocessing: Preprocessing, classifier: object = None
) -> MaskSet | None:
    """The masks given, else those that the procedure names, else those that the classifier has; None if there are none.

    ``voting(bands(width=4))`` names masks, and a local classifier has those of its cells.
    """
    from maskcover.defense import parse_procedure
    from maskcover.grid import Grid
    from maskcover.masks import Views

    if masks is not None:
        return masks
    grid = Grid.of(preprocessing.size or 224)
    if hasattr(classifier, "own_masks") and (procedure is None or parse_procedure(procedure).views is Views.PAIRS):
        raise InvalidInput(
            "cells of a local network have no labels under two masks; name a defence that asks single views with "
            '--procedure, such as "voting()", "bagcert()" or "robust_masking()"'
        )
    named = None if procedure is None else parse_procedure(procedure).own_masks(grid)
    own: Callable[[Grid], MaskSet | None] | None = getattr(classifier, "own_masks", None)
    return own(grid) if named is None and own is not None else named


def framed(classifier: object, regions: str | None, preprocessing: Preprocessing) -> str | None:
    """Regions in the frame of the masks: for a classifier that hides cells, the cells that regions of pixels change."""
    from maskcover.classifiers.evaluation import HidesCells

    if regions is None or "ReceptiveField(" in regions or not isinstance(classifier, HidesCells):
        return regions
    return str(classifier.regions(regions, preprocessing.size or (224, 224)))


def _pixel_masks(job: Certification, classifier: object, preprocessing: Preprocessing) -> MaskSet | None:
    """The masks for a run in the frame of the source; refuses a classifier whose masks hide cells."""
    from maskcover.classifiers.evaluation import HidesCells

    if isinstance(classifier, HidesCells):
        raise InvalidInput("--split-at hides cells and needs --frame input; name regions on the model's input")
    return masks_for(job.masks, job.arguments["procedure"], preprocessing, classifier)


def _input_frame(classifier: object, masks: MaskSet, preprocessing: Preprocessing) -> str:
    """The frame of a claim about the model's input, in words."""
    from maskcover.classifiers.evaluation import HidesCells
    from maskcover.grid import Grid

    if not isinstance(classifier, HidesCells):
        return f"Frame: the model's input of {masks.grid} pixels, after {preprocessing}."
    size = Grid.of(preprocessing.size or 224)
    return f"Frame: the model's input of {size} pixels, seen by {masks.grid} cells, after {preprocessing}."


def _reported(
    job: Certification,
    result: CertificationResult | SourceResult,
    dataset: Dataset,
    document: dict[str, Any],
    frame: str,
) -> Reply:
    rows = [_row(name, verdict) for name, verdict in zip(dataset.ids, result.verdicts, strict=True)]
    chosen = dataset.chosen
    skipped = None if dataset.skipped is None else dataset.skipped.document()
    document |= {"data": dataset.source, "sample": None if chosen is None else chosen.document(), "skipped": skipped}
    document["images"] = rows
    sampled = [] if chosen is None else [f"Only {chosen} images:"]
    undecided = int(((result.undefended < 0) | ((result.defended < 0) & ~result.alerts)).sum())
    code = claim(int(result.certified.sum()), undecided, len(result), job.at_least)
    return Reply(document, [*map(_line, rows), *sampled, str(result), frame], code)


def _row(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": name,
        "label": verdict.label,
        "certified": verdict.certificate.certified,
        "error": verdict.error,
        "undefended": verdict.undefended,
        "defended": verdict.answer,
        "case": verdict.defended.case.value,
        "failing_pair": verdict.certificate.failing,
        "by_masks": verdict.certificate.by_masks,
        "margin": verdict.margin,
        "evaluations": verdict.evaluations,
    }


def _line(row: dict[str, Any]) -> str:
    outcome = "certified" if row["certified"] else row["error"] or f"not certified ({_why(row)})"
    return (
        f"{printable(row['id'])}: label {row['label']}, undefended {row['undefended']}, "
        f"defended {row['defended']} ({row['case']}), {outcome}"
    )


def _why(row: dict[str, Any]) -> str:
    """The reason why an image is not certified, as far as predictions were made."""
    if row["undefended"] != row["label"]:
        return "wrong already undefended"
    if row["by_masks"]:
        return "its masks would certify it, and a level of the first round fails"
    if row["failing_pair"] is None:
        return "its predictions do not meet the condition of the certificate"
    first, second = row["failing_pair"]
    return f"mask {first} fails" if first == second else f"masks ({first}, {second}) fail"


def _document(result: CertificationResult) -> dict[str, Any]:
    return {
        "claim": str(result),
        "regions": str(result.regions),
        "masks": len(result.masks),
        "digest": result.masks.digest,
        **{name: value for name, value in result.procedure.document().items() if name != "exhaustive"},
        "numerics": result.numerics,
        "margin": result.min_margin,
        "drift": result.start.probes.drift if result.start.probes.drift < float("inf") else None,
        "probes_skipped": list(result.start.probes.skipped),
        "fingerprint": dict(result.fingerprint.entries),
        "certified": int(result.certified.sum()),
        "certified_by_masks": int(result.certified_by_masks.sum()),
        "total": len(result),
    }
