"""`detection`: alerts at every threshold against masking, which never alerts: the paper's Figure 9."""

from __future__ import annotations

import numpy as np

from maskcover.defense import DetectionCurve
from maskcover.errors import InvalidInput
from maskcover.regions import RegionSet
from maskcover.studies.running import DEFAULT_GRID, DEFAULT_REGIONS, Folder, figures, masking_run, masks_for
from maskcover.studies.study import Curve, Panel, Row, Study, Subjects, all_of, joined, named

SOURCE = "Figure 9"
_THRESHOLDS = tuple(step / 20 for step in range(21))  # of the table; the curves have all


def detection(
    subjects: Subjects,
    out: Folder,
    *,
    regions: RegionSet | str = DEFAULT_REGIONS,
    grid: tuple[int, ...] = DEFAULT_GRID,
    alert_below: float | None = None,
) -> Study:
    """Compare double masking with detection at every threshold, from the rows of one run.

    Args:
        subjects: The model with its images, or several.
        out: The folder of the study; the same call continues it.
        regions: The region set; by default squares of 2 % of the image.
        grid: Masks along each axis.
        alert_below: Show detection with alerts on low confidence too, as `maskcover.Detection` has them, and the
            false alarms of both rules.

    Returns:
        A row for masking and one for each of 21 thresholds. `certified` means less for detection: an attacker may
        force an alert. `clean` counts images with the right label and no alert, `alerts` all clean images with one.

    Raises:
        InvalidInput: predictions of the run repeat only within a margin, while detection compares confidences exactly.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    traded, over = [], []
    for subject in every:
        opened = masking_run(out, subject, masks_for(regions, subject, grid))
        if opened.min_margin > 0:
            raise InvalidInput(
                f"detection compares confidences exactly, and {opened.path} counts predictions from a margin of "
                f"{opened.min_margin:g}; leave --min-margin out, and name a --batch-size at which predictions repeat"
            )
        masking = figures(opened)
        both = alert_below is not None
        head: Row = {"model": subject.name, "method": "masking", "threshold": None}
        figures_of_masking = {name: masking[name] for name in ("images", "clean", "certified")}
        rows.append(joined(head, figures_of_masking, _alerts(0.0, both=both)))
        curves = {"detection": opened.detection_curve()}
        if both:
            curves[f"alert below {alert_below:g}"] = opened.detection_curve(alert_below=alert_below)
        for method, curve in curves.items():
            for threshold in _THRESHOLDS:
                head = {"model": subject.name, "method": method, "threshold": threshold, "images": masking["images"]}
                rows.append(joined(head, _fractions(curve, threshold, both=both)))
            thresholds, clean, certified = (tuple(np.asarray(values).tolist()) for values in curve.steps())
            traded.append(Curve(named(method, subject, every), clean, certified))
            rule = "" if method == "detection" else f", {method}"
            over += [
                Curve(named(f"right, no alert{rule}", subject, every), thresholds, clean, "steps"),
                Curve(named(f"certified: right, or an alert{rule}", subject, every), thresholds, certified, "steps"),
            ]
            if both:
                places, alerts = (tuple(np.asarray(values).tolist()) for values in curve.alert_steps())
                over.append(Curve(named(f"an alert{rule}", subject, every), places, alerts, "steps"))
        traded.append(Curve(named("masking", subject, every), *_point(masking), "points"))
    panels = (
        Panel("clean, %", "certified, %", tuple(traded), percent_x=True),
        Panel("threshold of detection", "images, %", tuple(over)),
    )
    return Study(
        "detection", "Detection with alerts, and masking without", SOURCE,
        f"the method and the threshold of detection; the regions are {regions}, the masks the same",
        tuple(rows), panels,
    )  # fmt: skip


def _fractions(curve: DetectionCurve, threshold: float, *, both: bool) -> Row:
    """The fractions at one threshold; the false alarms too, where both rules are shown."""
    fractions: Row = {"clean": float(curve.clean(threshold)), "certified": float(curve.certified(threshold))}
    return joined(fractions, _alerts(float(curve.alerts(threshold)), both=both))


def _alerts(fraction: float, *, both: bool) -> Row:
    """The column of false alarms, where both rules are shown."""
    return {"alerts": fraction} if both else {}


def _point(masking: Row) -> tuple[tuple[float], tuple[float]]:
    return (float(masking["clean"] or 0),), (float(masking["certified"] or 0),)
