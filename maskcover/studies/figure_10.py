"""`procedures`: double masking against challenger masking, accuracy and cost: the paper's Figure 10."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.regions import RegionSet
from maskcover.studies.costs import cost_panels, mask_sets
from maskcover.studies.running import DEFAULT_REGIONS, Folder, challenger_run, figures, masking_run
from maskcover.studies.study import Row, Study, Subjects, all_of, joined, named
from maskcover.studies.timing import serving

SOURCE = "Figure 10"
GRIDS = (2, 3, 4, 5, 6)


def procedures(
    subjects: Subjects,
    out: Folder,
    *,
    regions: RegionSet | str = DEFAULT_REGIONS,
    grids: Sequence[int] = GRIDS,
    timed: int = 5,
) -> Study:
    """Compare two procedures that certify the same images, in clean accuracy and in cost.

    Args:
        subjects: The model with its images, or several.
        out: The folder of the study; the same call continues it.
        regions: The region set; by default squares of 2 % of the image.
        grids: Masks along each axis.
        timed: Number of images whose defended prediction is timed, with a batch of one; 0 for none.

    Returns:
        A row for each model, number of masks and procedure. The second run asks only for what the first did not.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    notes = []
    for subject in every:
        sets, remarks = mask_sets(regions, subject, grids)
        notes += remarks
        for count, mask_set in sets.items():
            for name, make in (("double masking", masking_run), ("challenger masking", challenger_run)):
                opened = make(out, subject, mask_set)
                head: Row = {"model": subject.name, "grid": f"{count}×{count}", "procedure": name}
                size: Row = {"masks": len(mask_set)}
                cost = serving(out, subject, opened, timed).columns
                rows.append(joined(head, size, figures(opened), cost, {"curve": named(name, subject, every)}))
    panels = cost_panels(rows, "curve", "clean")
    table = tuple({name: value for name, value in row.items() if name != "curve"} for row in rows)
    return Study(
        "procedures", "Double masking and challenger masking", SOURCE,
        f"the procedure and the number of masks along each axis; the regions are {regions}",
        table, panels, tuple(dict.fromkeys(notes)),
    )  # fmt: skip
