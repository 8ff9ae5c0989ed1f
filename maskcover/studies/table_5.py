"""`training`: models trained without and with masks such as Cutout, compared: the paper's Table 5."""

from __future__ import annotations

from maskcover.regions import RegionSet
from maskcover.studies.running import DEFAULT_GRID, DEFAULT_REGIONS, Folder, figures, masking_run, masks_for
from maskcover.studies.study import Curve, Panel, Row, Study, Subjects, all_of, joined

SOURCE = "Table 5"


def training(
    subjects: Subjects,
    out: Folder,
    *,
    regions: RegionSet | str = DEFAULT_REGIONS,
    grid: tuple[int, ...] = DEFAULT_GRID,
) -> Study:
    """Certify models that differ in their training against one region set.

    Args:
        subjects: Two models or more, such as one trained without Cutout and one with it.
        out: The folder of the study; the same call continues it.
        regions: The region set; by default squares of 2 % of the image.
        grid: Masks along each axis.

    Returns:
        A row for each model.

    Raises:
        InvalidInput: there are fewer than two models.
    """
    every = all_of(subjects, least=2)
    rows: list[Row] = []
    for subject in every:
        masks = masks_for(regions, subject, grid)
        head: Row = {"model": subject.name, "masks": len(masks)}
        rows.append(joined(head, figures(masking_run(out, subject, masks))))
    names = tuple(subject.name for subject in every)
    curves = tuple(
        Curve(column, names, tuple(float(row[column] or 0) for row in rows))
        for column in ("undefended", "clean", "certified")
    )
    return Study(
        "training", "Models by their training", SOURCE,
        f"the training of the model; all are certified against {regions} with {'×'.join(map(str, grid))} masks",
        tuple(rows), (Panel("model", "images, %", curves),),
    )  # fmt: skip
