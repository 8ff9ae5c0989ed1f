"""`accuracy`: clean and certified accuracy of models against squares of several areas: the paper's Tables 2 and 3."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.regions import RegionSet, parse_regions
from maskcover.studies.running import DEFAULT_GRID, Folder, figures, masking_run, masks_for
from maskcover.studies.study import Panel, Row, Study, Subjects, all_of, curves_of, joined

SOURCE = "Tables 2 and 3, Figure 2"
REGIONS = ("squares(area=0.01)", "squares(area=0.02)", "squares(area=0.03)")


def accuracy(
    subjects: Subjects,
    out: Folder,
    *,
    regions: Sequence[RegionSet | str] = REGIONS,
    grid: tuple[int, ...] = DEFAULT_GRID,
) -> Study:
    """Certify every model against every region set, each with masks of its own.

    Args:
        subjects: The models with their images.
        out: The folder of the study; the same call continues it.
        regions: The region sets; by default squares of 1, 2 and 3 % of the image, as in the paper.
        grid: Masks along each axis.

    Returns:
        A row for each model and region set; `undefended` is the paper's Table 3.

    >>> import tempfile
    >>> import numpy as np
    >>> from maskcover.studies import Subject, write
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images, options = np.ones((2, 12, 12)), {"batch_size": 4, "fill": 0.5}
    >>> bright = Subject("brightness", brightness, images, [1, 0], (12, 12), options=options)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     study = accuracy(bright, out, regions=["squares(size=2)", "squares(size=3)"], grid=(3, 3))
    ...     paths = write(study, out)
    >>> study.column("certified"), [path.name for path in paths]
    ([0.5, 0.5], ['accuracy.parquet', 'accuracy.png', 'accuracy.svg', 'accuracy.md'])
    """
    every = all_of(subjects)
    rows: list[Row] = []
    curves = []
    for subject in every:
        of_model: list[Row] = []
        for region_set in map(parse_regions, regions):
            masks = masks_for(region_set, subject, grid)
            fraction = float(region_set.describe(subject.size).fraction)
            head: Row = {"model": subject.name, "regions": str(region_set), "area": fraction, "masks": len(masks)}
            of_model.append(joined(head, figures(masking_run(out, subject, masks))))
        rows += of_model
        curves += curves_of(of_model, "area", ("clean", "certified"), subject, every)
    panel = Panel("largest region, % of the image", "images, %", tuple(curves), percent_x=True)
    return Study(
        "accuracy", "Clean and certified accuracy", SOURCE,
        f"the model and the region set; the masks are {'×'.join(map(str, grid))} for each region set",
        tuple(rows), (panel,),
    )  # fmt: skip
