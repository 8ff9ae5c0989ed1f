"""Each study says what certifications say, shares its runs, and makes no prediction twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover import InvalidInput, MaskSet, certify
from maskcover.certification import exact_interval
from maskcover.certification.answering import predict_with
from maskcover.classifiers import ArrayClassifier
from maskcover.classifiers.evaluation import evaluator_of
from maskcover.defense import ChallengerMasking, DoubleMasking
from maskcover.defense.procedure import Procedure
from maskcover.runs import open_run
from maskcover.studies import (
    STUDIES,
    Study,
    Subject,
    accuracy,
    detection,
    masks,
    objects,
    overestimate,
    procedures,
    shapes,
    sizes,
    training,
)
from maskcover.studies import timing as timing_module
from maskcover.studies.running import figures, masking_run

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.filterwarnings("ignore:mask .* hides more than half:maskcover.MaskcoverWarning")
SIDE = 9
Images = npt.NDArray[np.float64]
IMAGES = np.random.default_rng(39).integers(-2, 3, size=(24, SIDE, SIDE)).astype(np.float64)
WEIGHTS = np.random.default_rng(4).integers(-2, 3, size=(3, SIDE * SIDE)).astype(np.float64)
OTHERS = WEIGHTS + np.random.default_rng(5).integers(-1, 2, size=WEIGHTS.shape)


def linear(images: Images) -> Images:
    """Scores that are sums of small whole numbers, which no order of adding rounds."""
    return images.reshape(len(images), -1) @ WEIGHTS.T


def other(images: Images) -> Images:
    return images.reshape(len(images), -1) @ OTHERS.T


LABELS = linear(IMAGES).argmax(axis=1)
BATCH: dict[str, Any] = {"batch_size": 8}


def subject(name: str = "linear", model: Callable[[Images], Images] = linear) -> Subject:
    return Subject(name, model, IMAGES, LABELS, (SIDE, SIDE), options=BATCH)


def covered(regions: Any, grid: tuple[int, int] = (3, 3)) -> MaskSet:
    return mc.cover(regions, SIDE, grid=grid)


def certified(mask_set: MaskSet, model: Callable[[Images], Images] = linear, **options: Any) -> dict[str, float]:
    """The fractions of a certification."""
    result = certify(model, IMAGES, LABELS, mask_set, **BATCH, **options)
    predicted = {"undefended": result.undefended, "clean": result.defended}
    fractions = {name: float((labels == LABELS).mean()) for name, labels in predicted.items()}
    return fractions | {"certified": float(result.certified.mean())}


def shown(row: Any) -> dict[str, float]:
    return {name: row[name] for name in ("undefended", "clean", "certified")}


def test_accuracy_is_that_of_certifications(tmp_path: Path) -> None:
    regions = ["squares(size=1)", "squares(size=3)"]
    study = accuracy([subject(), subject("other", other)], tmp_path, regions=regions, grid=(3, 3))
    models = {"linear": linear, "other": other}
    assert [(row["model"], row["regions"]) for row in study.table] == [(m, r) for m in models for r in regions]
    for row in study.table:
        mask_set = covered(row["regions"])
        assert shown(row) == certified(mask_set, models[str(row["model"])])
        assert (row["images"], row["errors"], row["masks"]) == (24, 0, 9)
        low, high = exact_interval(round(24 * float(row["certified"] or 0)), 24)
        assert (row["low"], row["high"]) == (low, high)
    assert [row["area"] for row in study.table[:2]] == [1 / 81, 9 / 81]
    assert {curve.name for curve in study.panels[0].curves} == {
        "linear: clean", "linear: certified", "other: clean", "other: certified"
    }  # fmt: skip
    assert 0 < float(study.table[0]["certified"] or 0) < 1


def test_training_compares_two_models_or_more(tmp_path: Path) -> None:
    study = training([subject(), subject("other", other)], tmp_path, regions="squares(size=2)", grid=(3, 3))
    expected = [certified(covered("squares(size=2)"), model) for model in (linear, other)]
    assert [shown(row) for row in study.table] == expected
    assert study.panels[0].curves[2].y == tuple(row["certified"] for row in expected)
    with pytest.raises(InvalidInput, match="expected 2 or more models with different names"):
        training(subject(), tmp_path)
    with pytest.raises(InvalidInput, match=r"different names.*\['linear', 'linear'\]"):
        training([subject(), subject()], tmp_path)


def served(mask_set: MaskSet, procedure: Procedure) -> float:
    """The mean number of rows that the model scores when it answers for one image after the other, one row a batch."""
    scored = 0

    def counting(images: Images) -> Images:
        nonlocal scored
        scored += len(images)
        return linear(images)

    evaluator = evaluator_of(ArrayClassifier(counting, batch_size=1), mask_set)
    before = scored
    for image in IMAGES:
        predict_with(evaluator, image[None], procedure)
    return (scored - before) / len(IMAGES)


def test_masks_are_counted_and_their_cost_is_that_of_serving(tmp_path: Path) -> None:
    study = masks(subject(), tmp_path, regions="squares(size=2)", grids=(3, 1, 2), timed=2)
    assert study.column("grid") == ["1×1", "2×2", "3×3"]
    for count, row in enumerate(study.table, start=1):
        mask_set = covered("squares(size=2)", (count, count))
        assert shown(row) == certified(mask_set)
        assert row["masks"] == len(mask_set)
        assert row["predictions"] == served(mask_set, DoubleMasking())
        alone = certify(linear, IMAGES, LABELS, mask_set, **BATCH)
        assert row["predictions to certify"] == alone.evaluations / len(IMAGES)
        assert isinstance(row["milliseconds"], float)
    assert study.column("certified")[0] == 0
    assert [panel.x_label for panel in study.panels][1:] == [
        "masked predictions to serve an image",
        "masked predictions to certify an image",
        "ms to serve an image, batch of one",
    ]


def test_mask_sets_that_are_equal_or_impossible_are_left_out_with_a_note(tmp_path: Path) -> None:
    study = masks(subject(), tmp_path, regions="squares(size=8)", grids=(1, 2, 3), timed=0)
    assert study.column("grid") == ["1×1", "2×2"]
    assert study.notes == ("3×3 masks are the same as fewer ones for squares(size=8), and left out",)
    assert (study.column("milliseconds"), len(study.panels)) == ([None, None], 3)
    with pytest.raises(InvalidInput, match="different whole numbers from 1"):
        masks(subject(), tmp_path, grids=(2, 2))


def test_overestimate_asks_about_the_patch_that_there_is(tmp_path: Path) -> None:
    study = overestimate(subject(), tmp_path, patch=1, ratios=(9.0, 1.0, 4.0), grid=(3, 3))
    assert study.column("masks for") == [1, 2, 3]
    for row in study.table:
        mask_set = covered(mc.squares(size=row["masks for"]))  # type: ignore[arg-type]
        assert shown(row) == certified(mask_set, regions="squares(size=1)")
        assert row["all pairs"] == certified(mask_set, regions="squares(size=1)", rule="all-pairs")["certified"]
        assert row["ratio"] == int(row["masks for"] or 0) ** 2
    assert any(row["certified"] != row["all pairs"] for row in study.table)
    for ratios in ((0.5,), (), (100.0,), (float("nan"),)):
        with pytest.raises(InvalidInput, match="ratios"):
            overestimate(subject(), tmp_path, patch=1, ratios=ratios)
    with pytest.raises(InvalidInput, match="patch is a side in pixels, from 1 to 9; got 10"):
        overestimate(subject(), tmp_path, patch=10)


def test_sizes_have_masks_of_their_own_and_one_defence_answers_for_all(tmp_path: Path) -> None:
    study = sizes(subject(), tmp_path, sides=(3, 1, 2), fixed=3, grid=(3, 3))
    assert [(row["side"], row["masks for"]) for row in study.table] == [(1, 1), (2, 2), (3, 3), (1, 3), (2, 3)]
    for row in study.table:
        mask_set = covered(mc.squares(size=row["masks for"]))  # type: ignore[arg-type]
        assert shown(row) == certified(mask_set, regions=mc.squares(size=row["side"]))  # type: ignore[arg-type]
    curve = study.panels[1].curves[-1]
    assert (curve.name, curve.style, curve.x[-1], curve.y[-1]) == ("masks for 3 px", "steps", 4, 0.0)
    by_side = dict(zip(curve.x, curve.y, strict=True))
    assert [by_side[side] for side in (1, 2, 3)] == [study.column("certified")[place] for place in (3, 4, 2)]
    wrong: tuple[dict[str, Any], ...] = (
        {"sides": (1, 1)},
        {"sides": (0,)},
        {"sides": (10,)},
        {"sides": (1, 2), "fixed": 3},
    )
    for arguments in wrong:
        with pytest.raises(InvalidInput, match=r"sizes are|no place|fixed is one"):
            sizes(subject(), tmp_path, **arguments)


def test_the_default_sides_are_the_papers() -> None:
    from maskcover.studies.figures_7_8 import FRACTIONS
    from maskcover.studies.running import sides_of

    photo = Subject("m", abs, IMAGES, LABELS, (224, 224))
    assert sides_of(photo, FRACTIONS) == (32, 64, 96, 112, 128, 160, 192)


def test_shapes_cover_rectangles_and_two_patches(tmp_path: Path) -> None:
    study = shapes(subject(), tmp_path, area="0.05", grid=(3, 3), pairs_grid=(3, 3), rectangle_masks=12)
    assert study.column("attacker") == [
        "any 5 % rectangle", "one 5 % square", "two 5 % squares", "one 10 % square"
    ]  # fmt: skip
    made = [
        mc.cover("rectangles(area=0.05)", SIDE, masks=12), covered("squares(area=0.05)"),
        covered("patches(squares(area=0.05), k=2)"), covered("squares(area=0.1)"),
    ]  # fmt: skip
    for row, mask_set in zip(study.table, made, strict=True):
        assert shown(row) == certified(mask_set)
        assert (row["masks"], row["predictions to certify"]) == (len(mask_set), mask_set.evaluations)
        assert mc.verify(mask_set, str(row["regions"]))
    for area in ("x", "0", "0.6", "nan"):
        with pytest.raises(InvalidInput, match="area is a fraction of the image"):
            shapes(subject(), tmp_path, area=area)


def test_detection_is_the_curve_of_the_model(tmp_path: Path) -> None:
    study = detection(subject(), tmp_path, regions="squares(size=2)", grid=(3, 3))
    mask_set = covered("squares(size=2)")
    curve = mc.detection_curve(linear, IMAGES, LABELS, mask_set, **BATCH)
    masking, *thresholds = study.table
    expected = certified(mask_set)
    assert (masking["clean"], masking["certified"]) == (expected["clean"], expected["certified"])
    assert len(thresholds) == 21
    for row in thresholds:
        threshold = float(row["threshold"] or 0)
        assert (row["clean"], row["certified"]) == (float(curve.clean(threshold)), float(curve.certified(threshold)))
    _, clean, certified_fractions = curve.steps()
    assert study.panels[0].curves[0].x == tuple(clean.tolist())
    assert study.panels[0].curves[0].y == tuple(certified_fractions.tolist())


def test_both_rules_of_detection_are_shown_with_their_false_alarms(tmp_path: Path) -> None:
    study = detection(subject(), tmp_path, regions="squares(size=2)", grid=(3, 3), alert_below=0.9)
    mask_set = covered("squares(size=2)")
    curves = {
        "detection": mc.detection_curve(linear, IMAGES, LABELS, mask_set, **BATCH),
        "alert below 0.9": mc.detection_curve(linear, IMAGES, LABELS, mask_set, alert_below=0.9, **BATCH),
    }
    masking, *thresholds = study.table
    assert masking["alerts"] == 0
    assert len(thresholds) == 42
    for row in thresholds:
        curve, threshold = curves[str(row["method"])], float(row["threshold"] or 0)
        expected = [curve.clean(threshold), curve.certified(threshold), curve.alerts(threshold)]
        assert [row["clean"], row["certified"], row["alerts"]] == list(map(float, expected))
    assert len(study.panels[1].curves) == 6


def test_detection_is_refused_where_predictions_repeat_only_within_a_margin(tmp_path: Path) -> None:
    unsure = Subject("linear", linear, IMAGES, LABELS, (SIDE, SIDE), options=BATCH | {"min_margin": 0.01})
    with pytest.raises(InvalidInput, match=r"detection compares confidences exactly.*margin of 0\.01"):
        detection(unsure, tmp_path, regions="squares(size=2)", grid=(3, 3))


def test_procedures_differ_in_clean_accuracy_and_cost(tmp_path: Path) -> None:
    study = procedures(subject(), tmp_path, regions="squares(size=2)", grids=(2, 3), timed=0)
    defences = {"double masking": DoubleMasking(), "challenger masking": ChallengerMasking()}
    for row in study.table:
        count, procedure = int(str(row["grid"])[0]), defences[str(row["procedure"])]
        mask_set = covered("squares(size=2)", (count, count))
        assert shown(row) == certified(mask_set, procedure=procedure)
        assert row["predictions"] == served(mask_set, procedure)
    assert study.column("procedure") == ["double masking", "challenger masking"] * 2
    assert [curve.name for curve in study.panels[0].curves] == list(defences)


def test_objects_are_sorted_by_size_and_by_class(tmp_path: Path) -> None:
    filled = np.linspace(0, 1, 24)
    filled[5] = np.nan
    names = ["ant", "bee", "cat"]
    options: dict[str, Any] = {"regions": "squares(size=1)", "grid": (3, 3), "bins": 4}
    study = objects(subject(), tmp_path, object_sizes=filled, class_names=names, **options)
    verdicts = certify(linear, IMAGES, LABELS, covered("squares(size=1)"), **BATCH).certified
    by_size = [row for row in study.table if row["by"] == "object size"]
    edges = [0, 0.25, 0.5, 0.75, 1.01]
    for number, row in enumerate(by_size):
        members = (filled >= edges[number]) & (filled < edges[number + 1])
        assert row["images"] == members.sum()
        assert row["certified"] == verdicts[members].mean()
        assert row["object size"] == pytest.approx(filled[members].mean())
        assert (row["low"], row["high"]) == exact_interval(int(verdicts[members].sum()), int(members.sum()))
    assert sum(int(row["images"] or 0) for row in by_size) == 23
    by_class = {str(row["group"]): row for row in study.table if row["by"] == "class"}
    for label, name in enumerate(names):
        assert by_class[name]["certified"] == verdicts[label == LABELS].mean()
    fractions = [float(row["certified"] or 0) for row in by_class.values()]
    assert fractions == sorted(fractions)
    alone = objects(subject(), tmp_path, **options)
    assert {row["by"] for row in alone.table} == {"class"}
    assert set(alone.column("group")) == {"0", "1", "2"}
    for sizes_given in (filled[:3], filled + 1):
        with pytest.raises(InvalidInput, match="object_sizes are fractions"):
            objects(subject(), tmp_path, object_sizes=sizes_given, **options)


def all_studies(out: Path) -> list[Study]:
    """One call of each study, small."""
    both = [subject(), subject("other", other)]
    regions: dict[str, Any] = {"regions": "squares(size=2)"}
    arguments: dict[str, tuple[Any, dict[str, Any]]] = {
        "accuracy": (both, {"regions": ["squares(size=2)"], "grid": (3, 3)}),
        "training": (both, regions | {"grid": (3, 3)}),
        "masks": (subject(), regions | {"grids": (2, 3), "timed": 1}),
        "overestimate": (subject(), {"patch": 2, "ratios": (1, 2.25), "grid": (3, 3)}),
        "sizes": (subject(), {"sides": (1, 2, 3), "grid": (3, 3)}),
        "shapes": (subject(), {"area": "0.05", "grid": (3, 3), "pairs_grid": (3, 3), "rectangle_masks": 12}),
        "detection": (subject(), regions | {"grid": (3, 3)}),
        "procedures": (subject(), regions | {"grids": (2, 3), "timed": 1}),
        "objects": (subject(), regions | {"grid": (3, 3)}),
    }
    return [entry.make(arguments[name][0], out, **arguments[name][1]) for name, entry in STUDIES.items()]


def test_a_second_call_makes_no_prediction_and_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = all_studies(tmp_path)
    evaluations = {path.name: open_run(path).summary().evaluations for path in (tmp_path / "runs").iterdir()}

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a prediction is made")

    monkeypatch.setattr("maskcover.runs.tasks.run_queries", refuse)
    monkeypatch.setattr(timing_module, "run_queries", refuse)
    assert all_studies(tmp_path) == first
    assert {path.name: open_run(path).summary().evaluations for path in (tmp_path / "runs").iterdir()} == evaluations


def test_studies_share_their_runs_and_their_predictions(tmp_path: Path) -> None:
    all_studies(tmp_path)
    runs = [open_run(path) for path in (tmp_path / "runs").iterdir()]
    kinds = sorted((run.regions.describe(SIDE).text, len(run.parts[0].masks), str(run.procedure)) for run in runs)
    double, exhaustive = "double_masking()", "double_masking(exhaustive=True)"
    squares_of_2 = [(4, double), (9, double), (9, double), (9, exhaustive), (4, "challenger_masking()")]
    squares_of_2.append((9, "challenger_masking()"))
    assert [kind[1:] for kind in kinds if kind[0] == "squares(size=2)"] == sorted(squares_of_2)
    for run in runs:
        if str(run.procedure) != double:
            again = certify(linear, IMAGES, LABELS, run.parts[0].masks, procedure=run.procedure, **BATCH)
            assert run.summary().evaluations < again.evaluations


def test_another_model_of_the_same_name_is_refused(tmp_path: Path) -> None:
    options: dict[str, Any] = {"regions": ["squares(size=2)"], "grid": (3, 3)}
    accuracy(subject(), tmp_path, **options)
    with pytest.raises(InvalidInput, match="another configuration"):
        accuracy(subject(model=other), tmp_path, **options)


def test_other_images_labels_and_options_have_runs_of_their_own(tmp_path: Path) -> None:
    options: dict[str, Any] = {"regions": ["squares(size=2)"], "grid": (3, 3)}
    full = accuracy(subject(), tmp_path, **options)
    few = Subject("linear", linear, IMAGES[:10], LABELS[:10], (SIDE, SIDE), options=BATCH)
    wrong = Subject("linear", linear, IMAGES, (LABELS + 1) % 3, (SIDE, SIDE), options=BATCH)
    unsure = Subject("linear", linear, IMAGES, LABELS, (SIDE, SIDE), options=BATCH | {"min_margin": 0.5})
    certified_fractions = [accuracy(one, tmp_path, **options).column("certified")[0] for one in (few, wrong, unsure)]
    assert len(list((tmp_path / "runs").iterdir())) == 4
    mask_set = covered("squares(size=2)")
    expected = certify(linear, IMAGES[:10], LABELS[:10], mask_set, **BATCH).certified.mean()
    assert certified_fractions == [expected, 0.0, certified(mask_set, min_margin=0.5)["certified"]]
    assert full.column("certified")[0] == certified(mask_set)["certified"]


@pytest.mark.filterwarnings("ignore:mask .* hides:maskcover.MaskcoverWarning")
def test_equal_masks_for_other_regions_have_a_run_of_their_own(tmp_path: Path) -> None:
    regions = ["squares(size=2)", "rectangle(height=2, width=3)"]
    study = accuracy(subject(), tmp_path, regions=regions, grid=(1, 1))
    assert covered(regions[0], (1, 1)) == covered(regions[1], (1, 1))
    assert (study.column("regions"), len(list((tmp_path / "runs").iterdir()))) == (regions, 2)


def test_a_measurement_that_was_damaged_is_refused(tmp_path: Path) -> None:
    options: dict[str, Any] = {"regions": "squares(size=2)", "grids": (2,), "timed": 1}
    masks(subject(), tmp_path, **options)
    (path,) = (tmp_path / "serving").iterdir()
    path.write_text("{}")
    with pytest.raises(InvalidInput, match=r"was damaged.*delete it"):
        masks(subject(), tmp_path, **options)
    with pytest.raises(InvalidInput, match="number of images to time"):
        masks(subject(), tmp_path, regions="squares(size=2)", grids=(2,), timed=-1)


def test_images_that_cannot_be_read_are_errors_and_not_certified(tmp_path: Path) -> None:
    class Torn:
        def __len__(self) -> int:
            return len(IMAGES)

        def __getitem__(self, number: int, /) -> Images:
            if number == 3:
                raise OSError("torn")
            image: Images = IMAGES[number]
            return image

    torn = Subject("linear", linear, Torn(), LABELS, (SIDE, SIDE), options=BATCH)
    study = masks(torn, tmp_path, regions="squares(size=1)", grids=(3,), timed=0)
    whole = certify(linear, IMAGES, LABELS, covered("squares(size=1)"), **BATCH)
    right = np.delete(whole.certified, 3).sum()
    assert (study.table[0]["errors"], study.table[0]["certified"]) == (1, right / 24)


def test_a_run_that_cannot_tell_is_no_row_of_a_table(tmp_path: Path) -> None:
    opened = masking_run(tmp_path, subject(), covered("squares(size=3)"))
    assert not opened.answers("squares(size=1)").complete
    with pytest.raises(InvalidInput, match="cannot tell"):
        figures(opened, regions="squares(size=1)")
