"""`masks`: accuracy and time against the number of masks: the paper's Figures 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.regions import RegionSet
from maskcover.runs import OpenedRun
from maskcover.studies.costs import CERTIFYING, GRIDS, cost_panels, mask_sets
from maskcover.studies.running import DEFAULT_REGIONS, Folder, figures, masking_run
from maskcover.studies.study import Panel, Row, Study, Subjects, all_of, curves_of, joined
from maskcover.studies.timing import serving

SOURCE = "Figures 4 and 5"


def masks(
    subjects: Subjects,
    out: Folder,
    *,
    regions: RegionSet | str = DEFAULT_REGIONS,
    grids: Sequence[int] = GRIDS,
    timed: int = 5,
) -> Study:
    """Certify with k×k masks for several k, and tell what certificates and defended predictions cost.

    Args:
        subjects: The model with its images, or several.
        out: The folder of the study; the same call continues it.
        regions: The region set; by default squares of 2 % of the image.
        grids: The k, masks along each axis.
        timed: Number of images whose defended prediction is timed, with a batch of one; 0 for none.

    Returns:
        A row for each model and k: accuracies, masked predictions to certify an image and to serve a clean one (means),
        and the median time to serve one. More masks cost more, and do not always certify more: `maskcover.choose` takes
        those that certify most within a budget.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    curves, notes = [], []
    for subject in every:
        of_model: list[Row] = []
        sets, remarks = mask_sets(regions, subject, grids)
        notes += remarks
        for count, mask_set in sets.items():
            opened = masking_run(out, subject, mask_set)
            head: Row = {"model": subject.name, "grid": f"{count}×{count}", "masks": len(mask_set)}
            hidden: Row = {"largest mask, px": mask_set.largest_hidden_area}
            made: Row = {CERTIFYING: _to_certify(opened)}
            cost = serving(out, subject, opened, timed).columns
            of_model.append(joined(head, hidden, figures(opened), made, cost))
        rows += of_model
        curves += curves_of(of_model, "masks", ("clean", "certified"), subject, every)
    accuracies = Panel("masks", "images, %", tuple(curves))
    return Study(
        "masks", "Accuracy and cost against the number of masks", SOURCE,
        f"the number of masks along each axis; the regions are {regions}",
        tuple(rows), (accuracies, *cost_panels(rows, "model", "certified")), tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _to_certify(opened: OpenedRun) -> float | None:
    """The mean number of masked predictions of an image in a run of its own; None where no image was predicted.

    Images that certify need all of theirs, and others fewer, since their certification ends when it has failed.
    """
    summary = opened.summary()
    decided = summary.rows - summary.errors
    return summary.evaluations / decided if decided else None
