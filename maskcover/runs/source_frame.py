"""Certificates in the frame of the source: the attacker paints on the images before they are resized and cropped.

Images of one size form a group. Their regions are pulled back through the preprocessing (docs/theory.md, Masks for one
shape), covered once for each size, and certified as any others; the claim of each group names the steps and the size.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from maskcover.certification import CertificationResult, certify
from maskcover.certification.certifying import Task, checked_task, classifier_for
from maskcover.certification.results import in_words
from maskcover.classifiers import MaskedClassifier
from maskcover.classifiers.evaluation import as_certified, names_of
from maskcover.classifiers.options import renamed
from maskcover.data import Chosen, Dataset, Preprocessing, for_model
from maskcover.defense import Method, Procedure, Rule, Verdict
from maskcover.defense.texts import procedure_of
from maskcover.defense.verdicts import VerdictArrays
from maskcover.engine.preparation import RequiredNumerics
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions
from maskcover.runs.columns import pyarrow
from maskcover.runs.loading import labels_of
from maskcover.runs.making import make_shards
from maskcover.runs.size_groups import SizeGroup, groups, of_size
from maskcover.runs.source_sizes import SourceSizes
from maskcover.runs.summaries import summary
from maskcover.runs.summary import Summary
from maskcover.runs.tasks import Defence
from maskcover.runs.working import checked_part, expect_json, work_in


@dataclass(frozen=True, slots=True, eq=False)
class SourceResult(VerdictArrays):
    """A certification in the frame of the source: one result for each size of image.

    See `VerdictArrays` for its arrays, which are in the order of the images. Where answers are certified these arrays
    hold numbers, and each of `results` is an `AnswersResult`, which holds the answers themselves.
    """

    regions: RegionSet
    preprocessing: Preprocessing
    groups: tuple[SizeGroup, ...]
    results: tuple[CertificationResult, ...]
    chosen: Chosen | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:  # type: ignore[override]  # worked out, not kept
        """One verdict for each image, in order."""
        by_number = {
            number: verdict
            for group, result in zip(self.groups, self.results, strict=True)
            for number, verdict in zip(group.members, result.verdicts, strict=True)
        }
        return tuple(by_number[number] for number in sorted(by_number))

    def __len__(self) -> int:
        return sum(map(len, self.results))

    def __str__(self) -> str:
        certified = int(self.certified.sum())
        sizes = "one size" if len(self.groups) == 1 else f"{len(self.groups)} sizes"
        return (
            f"{certified} of {len(self)} images certified against {self.regions} on the source images, of {sizes}, "
            f"seen through {self.preprocessing}{in_words(certified, self.verdicts, self.chosen)}"
        )


def certify_source(
    model: object,
    dataset: Dataset,
    regions: RegionSet | str,
    *,
    masks: MaskSet | None = None,
    preprocessing: Preprocessing | None = None,
    task: Task | None = None,
    budget: Mapping[str, Any] | None = None,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    rule: Rule | None = None,
    exhaustive: bool = False,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    probes: bool = True,
    progress: bool = False,
    **options: Any,
) -> SourceResult:
    """Certify images against regions that the attacker paints on them, before the preprocessing.

    Args:
        model: As for `certify`.
        dataset: Labelled images, see `open_dataset`.
        regions: The regions that the attacker may overwrite on the source image, or their text.
        masks: One mask set for all sizes; by default each size has its own, made by `cover`.
        preprocessing: The steps that turn a source image into the model's input; by default those that the model
            declares.
        task: "labels" or "answers", as for `certify`: with "answers" the model may be a function from images to
            answers, and the data set is opened with ``answers=True``. "multilabel" is for the frame of the input.
        budget: For `cover`, such as ``{"max_mask_area": 0.1}``.
        procedure, method, threshold, rule, exhaustive, min_margin, numerics, probes, progress: As for `certify`.
        **options: For the adapter, such as ``batch_size=16``, as for `certify`.

    Raises:
        InvalidInput: the preprocessing of the model is not known; or as for `certify`.
        NotCovering: the masks do not cover the regions on images of some size.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> from maskcover.classifiers import ArrayClassifier
    >>> def bright(images):
    ...     mean = images.mean(axis=(1, 2, 3))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> shrunk = Preprocessing((mc.Resize((12, 12)),), layout="hwc")
    >>> white = [np.full((24, 24, 3), 255, np.uint8), np.full((25, 24, 3), 255, np.uint8)]
    >>> pictures = Dataset("white", ("a", "b"), np.array([1, 1]), white.__getitem__)
    >>> result = certify_source(ArrayClassifier(bright, preprocessing=shrunk), pictures, "squares(size=2)")
    >>> result.certified, [group.name for group in result.groups]
    (array([ True,  True]), ['24x24', '25x24'])
    """
    min_margin = renamed(options, "margin", "min_margin", min_margin)
    classifier, steps = _prepared(model, _adapter_options(options), preprocessing, task)
    region_set, dataset = _parsed(regions), for_model(dataset, names_of(classifier))
    size_groups, results = groups(dataset, steps, region_set, masks, budget), []
    for group in size_groups:
        part = of_size(dataset.part(group.members), group.size)
        images = part.prepared(steps)
        result = certify(
            classifier, images, labels_of(part, classifier), group.masks, regions=group.regions, procedure=procedure,
            method=method, threshold=threshold, rule=rule, exhaustive=exhaustive, min_margin=min_margin,
            numerics=numerics, probes=probes, progress=progress,
        )  # fmt: skip
        # The settings of the first group's computation hold for the others too.
        classifier = as_certified(classifier, dict(result.fingerprint.entries))
        results.append(result)
    return SourceResult(region_set, steps, tuple(size_groups), tuple(results), dataset.chosen)


def run_source(
    model: object,
    dataset: Dataset,
    regions: RegionSet | str,
    out: str | PathLike[str],
    *,
    masks: MaskSet | None = None,
    preprocessing: Preprocessing | None = None,
    task: Task | None = None,
    budget: Mapping[str, Any] | None = None,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    rule: Rule | None = None,
    exhaustive: bool = False,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    shard: tuple[int, int] = (0, 1),
    shard_size: int = 64,
    keep_tables: bool = False,
    reuse: str | PathLike[str] | None = None,
    source: Mapping[str, Any] | None = None,
    progress: bool = False,
    **options: Any,
) -> Summary:
    """Certify as `certify_source` does, into a folder: one run for each size of image, in a folder of its own.

    Args:
        model, dataset, regions, masks, preprocessing, task, budget, options: As for `certify_source`.
        out: The folder. The same call continues a run that was stopped.
        procedure, method, threshold, rule, exhaustive, min_margin, numerics: As for `run`.
        shard, shard_size, keep_tables, source, progress: As for `run`.
        reuse: The folder of an earlier run in the frame of the source, as for `run`.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def bright(images):
    ...     mean = images.mean(axis=(1, 2, 3))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> shrunk = Preprocessing((mc.Resize((12, 12)),), layout="hwc")
    >>> white = Dataset("white", ("a",), np.array([1]), lambda _: np.full((24, 24, 3), 255, np.uint8))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     run_source(bright, white, "squares(size=2)", out, preprocessing=shrunk).certified
    1
    """
    pyarrow()  # raises the error of a missing package before anything is computed
    part = checked_part(shard, shard_size)
    min_margin = renamed(options, "margin", "min_margin", min_margin)
    defence = Defence(
        procedure_of(procedure, method, threshold, rule, exhaustive), min_margin, numerics, keep_tables, shard_size,
        expect_json(source), progress, _of_source(task),
    )  # fmt: skip
    classifier, steps = _prepared(model, _adapter_options(options), preprocessing, task)
    dataset = for_model(dataset, names_of(classifier))
    sizes = SourceSizes(classifier, dataset, _parsed(regions), steps, masks, budget, reuse)
    make_shards(work_in(out, sizes.worker(defence, str(out)), part), progress=progress)
    return summary(out)


def _adapter_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the adapter; up to version 0.1 they were one argument, ``options=``."""
    if "options" not in options:
        return dict(options)
    warnings.warn(
        "options= is now keyword arguments: options={'batch_size': 16} is batch_size=16", MaskcoverWarning, stacklevel=3
    )
    return {**(options["options"] or {}), **{name: value for name, value in options.items() if name != "options"}}


def _prepared(
    model: object, options: Mapping[str, Any], preprocessing_given: Preprocessing | None, task: Task | None
) -> tuple[MaskedClassifier, Preprocessing]:
    """The classifier of a model for a task, and the preprocessing of its images."""
    classifier = classifier_for(_of_source(task), model, options)
    preprocessing = getattr(classifier, "preprocessing", None) if preprocessing_given is None else preprocessing_given
    if not isinstance(preprocessing, Preprocessing):
        raise InvalidInput(
            f"the preprocessing of the images of {type(model).__name__} is not known, so regions on the source cannot "
            "be pulled back through it; name it with preprocessing=maskcover.data.Preprocessing(…)"
        )
    return classifier, preprocessing


def _of_source(task: Task | None) -> Task | None:
    """Return a task of the frame of the source; raise `InvalidInput` for another one."""
    if checked_task(task) == "multilabel":
        raise InvalidInput(
            "several labels are certified in the frame of the input only: prepare the images, and use certify or run "
            'with task="multilabel"'
        )
    return task


def _parsed(regions: RegionSet | str) -> RegionSet:
    return parse_regions(regions) if isinstance(regions, str) else regions
