"""The work of `maskcover certify`: at once or into a folder, in the frame of the input or of the source.

Each of the four has one function here; they share how rows, claims and exit codes are reported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskcover.cli.guessing import remark_on_guesses, remark_on_run
from maskcover.cli.output import HOLDS, REFUTED, UNDECIDED, note, printable, working
from maskcover.cli.several import described, expect_input_frame, figures_of
from maskcover.errors import InvalidInput
from maskcover.typed import read_size

if TYPE_CHECKING:
    from maskcover.certification import AnswersResult, CertificationResult
    from maskcover.classifiers import MaskedClassifier
    from maskcover.data import Dataset, Preprocessing
    from maskcover.defense import Answer, Verdict
    from maskcover.masks import MaskSet
    from maskcover.runs import Launcher, RunSpec, SourceResult, Summary
    from maskcover.runs.loading import Remarks
    from maskcover.runs.sources import Source


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
        spec: Model, data and defence.
        at_least: The claimed fraction of certified images, if one was claimed.
        out: The folder of a resumable run, if there is to be one.
        shard: With a folder, the part of the run.
        progress: Show progress bars on stderr.
        launcher: With a folder, what makes the run; None for this process.
    """

    spec: RunSpec
    at_least: float | None
    out: Path | None
    shard: tuple[int, int]
    progress: bool
    launcher: Launcher | None = None

    def outcome(self) -> Reply:
        """Certify, into a folder or at once."""
        if self.out is not None:
            return _run(self, self.out)
        if self.spec.task == "multilabel":
            return _labels_at_once(self)
        return _source_at_once(self) if self.spec.frame == "source" else _at_once(self)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `certify` and `certify_source`."""
        spec = self.spec
        return {
            "procedure": spec.procedure, "min_margin": spec.min_margin, "numerics": spec.numerics,
            "progress": self.progress,
        }  # fmt: skip


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
    from maskcover.runs.loading import framed, labels_of

    spec = job.spec
    classifier, dataset, preprocessing, masks = prepared(
        spec, spec.masks, spec.regions, spec.procedure, progress=job.progress
    )
    regions = framed(classifier, spec.regions, preprocessing)
    images = dataset.prepared(preprocessing)
    result = certify(classifier, images, labels_of(dataset, classifier), masks, regions=regions, **job.arguments)
    document = _document(result) | {"frame": "input", "image_size": list(masks.grid.shape)}
    frame = _input_frame(classifier, masks, preprocessing)
    return _reported(job, result, dataset, document, frame)


def _source_at_once(job: Certification) -> Reply:
    from maskcover.runs import certify_source
    from maskcover.runs.loading import pixel_masks, source_regions

    spec = job.spec
    classifier, dataset, preprocessing = opened(spec, spec.masks, progress=job.progress)
    masks = pixel_masks(spec.masks, spec.procedure, preprocessing, classifier)
    result = certify_source(
        classifier, dataset, source_regions(spec.regions), masks=masks, preprocessing=preprocessing, **job.arguments
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


def _labels_at_once(job: Certification) -> Reply:
    from maskcover.certification import certify
    from maskcover.classifiers.evaluation import names_of
    from maskcover.data.several import sets_for_model

    spec = job.spec
    expect_input_frame(spec.frame)
    classifier, dataset, preprocessing, masks = prepared(
        spec, spec.masks, spec.regions, spec.procedure, progress=job.progress
    )
    dataset = sets_for_model(dataset, names_of(classifier))
    images, truths = dataset.prepared(preprocessing), dataset.true_label_sets
    result = certify(
        classifier, images, truths, masks, task="multilabel", regions=spec.regions, keep_scores=spec.keep_tables,
        **job.arguments,
    )  # fmt: skip
    document, lines = described(result, dataset)
    whole = result.certified.all(axis=1)
    errors = sum(verdict.error is not None for verdict in result.verdicts)
    code = claim(int(whole.sum()), errors, len(result), job.at_least)
    return Reply(document, [*lines, _input_frame(classifier, masks, preprocessing)], code)


def _run(job: Certification, out: Path) -> Reply:
    from maskcover.runs import run_spec, worker
    from maskcover.runs.stores import place

    own = None
    if job.launcher is None:
        own = worker(job.spec, where=str(place(out)), progress=job.progress, remarks=remarks(progress=job.progress))
    summary = run_spec(job.spec, out, shard=job.shard, launcher=job.launcher, progress=job.progress, own=own)
    document, lines = figures_of(out) if job.spec.task == "multilabel" else by_masks(out)
    _remark(None if job.spec.task == "multilabel" else remark_on_run(summary, out))
    return Reply(
        summary.document() | {"frame": job.spec.frame} | document,
        [str(summary), *lines, _frame_of(out)], claimed(summary, job.at_least),
    )  # fmt: skip


def _frame_of(out: Path) -> str:
    """The frame of the claim of a run in words, with the preprocessing; all of it stands in the folder of the run."""
    from maskcover.data import Preprocessing
    from maskcover.grid import Grid
    from maskcover.regions import ReceptiveField, parse_regions
    from maskcover.regions.transformed import Through
    from maskcover.runs import Folder, is_source_run, source_document

    if is_source_run(out):
        return f"Frame: the source images, before {source_document(out)['preprocessing']}."
    config = Folder(out).existing()
    grid, regions = Folder(out).masks(config).grid, parse_regions(config.regions)
    identity = dict(config.fingerprint.entries)["preprocessing"]
    after = f", after {Preprocessing.of_identity(identity) or identity}."
    if isinstance(regions, Through) and isinstance(regions.steps[-1], ReceptiveField):
        return f"Frame: the model's input of {Grid(regions.source)} pixels, seen by {grid} cells{after}"
    return f"Frame: the model's input of {grid} pixels{after}"


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


def opened(
    source: Source, masks: MaskSet | None, *, progress: bool = False, labelled: bool = True
) -> tuple[MaskedClassifier, Dataset, Preprocessing]:
    """See `maskcover.runs.loading.opened`; remarks are printed on stderr."""
    from maskcover.runs.loading import opened as loaded

    return loaded(source, masks, labelled=labelled, remarks=remarks(progress=progress))


def prepared(
    source: Source,
    masks: MaskSet | None,
    regions: str | None,
    procedure: str | None = None,
    *,
    progress: bool = False,
    labelled: bool = True,
) -> tuple[MaskedClassifier, Dataset, Preprocessing, MaskSet]:
    """See `maskcover.runs.loading.prepared`; remarks are printed on stderr."""
    from maskcover.runs.loading import prepared as loaded

    return loaded(source, masks, regions, procedure, labelled=labelled, remarks=remarks(progress=progress))


def remarks(*, progress: bool) -> Remarks:
    """Remarks on stderr, with the steps of loading if progress is shown."""
    from maskcover.runs.loading import Remarks

    return Remarks(note, partial(working, shown=progress))


def watched(*, as_json: bool) -> bool:
    """Whether to show progress bars: stderr is a terminal, and the answer is not JSON."""
    return sys.stderr.isatty() and not as_json


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
    answer_of = _answer_of(result)
    rows = [_row(name, verdict, answer_of) for name, verdict in zip(dataset.ids, result.verdicts, strict=True)]
    chosen = dataset.chosen
    skipped = None if dataset.skipped is None else dataset.skipped.document()
    document |= {"data": dataset.source, "sample": None if chosen is None else chosen.document(), "skipped": skipped}
    document["images"] = rows
    sampled = [] if chosen is None else [f"Only {chosen} images:"]
    undecided = sum(
        verdict.undefended < 0 or (verdict.answer < 0 and not verdict.defended.alert) for verdict in result.verdicts
    )
    code = claim(int(result.certified.sum()), undecided, len(result), job.at_least)
    _remark(None if _answers_in(result) else remark_on_guesses(result.labels, result.undefended))
    return Reply(document, [*map(_line, rows), *sampled, str(result), frame], code)


def _remark(text: str | None) -> None:
    """Print a remark on stderr, if there is one."""
    if text is not None:
        note(text)


def _answer_of(result: CertificationResult | SourceResult) -> Callable[[int], Any]:
    """From the numbers in verdicts to what is printed: class numbers as they are, answers as texts."""
    parts = _answers_in(result)
    if not parts:
        return lambda number: number
    return texts_of({number: answer for part in parts for number, answer in part.answers.items()})


def _answers_in(result: CertificationResult | SourceResult) -> list[AnswersResult]:
    """The parts of a result that are about answers; none if it is about labels."""
    from maskcover.certification import AnswersResult

    return [part for part in getattr(result, "results", (result,)) if isinstance(part, AnswersResult)]


def texts_of(answers: Mapping[int, Any]) -> Callable[[int], str | None]:
    """The function from the number of an answer to its text; None for a number that stands for no answer."""
    from maskcover.classifiers.answer_texts import answer_text

    def text_of(number: int) -> str | None:
        answer = answers.get(number)
        return answer if isinstance(answer, str) else None if number < 0 else answer_text(answer)

    return text_of


def _row(name: str, verdict: Verdict, answer_of: Callable[[int], Any]) -> dict[str, Any]:
    return {
        "id": name,
        "label": answer_of(verdict.label),
        "certified": verdict.certificate.certified,
        "error": verdict.error,
        "undefended": answer_of(verdict.undefended),
        "defended": answer_of(verdict.answer),
        **first_labels(verdict.defended),
        "case": verdict.defended.case.value,
        "failing_pair": verdict.certificate.failing,
        "by_masks": verdict.certificate.by_masks,
        "margin": verdict.margin,
        "evaluations": verdict.evaluations,
    }


def first_labels(answer: Answer) -> dict[str, list[int]]:
    """The first labels of an answer as a part of its document; empty for an answer of one label."""
    from maskcover.defense import FirstLabels

    return {"first_labels": list(answer.labels)} if isinstance(answer, FirstLabels) else {}


def _line(row: dict[str, Any]) -> str:
    outcome = "certified" if row["certified"] else row["error"] or f"not certified ({_why(row)})"
    defended = ", ".join(map(_shown, row.get("first_labels") or [row["defended"]]))
    return (
        f"{printable(row['id'])}: label {_shown(row['label'])}, undefended {_shown(row['undefended'])}, "
        f"defended {defended} ({row['case']}), {outcome}"
    )


def _shown(label: int | str | None) -> str:
    """A label or an answer on one line of a terminal."""
    return printable(str(label))


def _why(row: dict[str, Any]) -> str:
    """The reason why an image is not certified, as far as predictions were made."""
    if row["undefended"] != row["label"] and "first_labels" not in row:
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
