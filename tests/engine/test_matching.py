"""Where data and model meet: labels in the data's own order never pass for labels in the model's (threats.md, 53)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover.certification import certify, detection_curve
from maskcover.classifiers import ArrayClassifier
from maskcover.classifiers.evaluation import names_of
from maskcover.data import Dataset, Preprocessing
from maskcover.errors import InvalidInput
from maskcover.runs import certify_source, run, run_source

MASKS = mc.cover(mc.squares(size=2), image_size=8, grid=(2, 2))
PLAIN = Preprocessing(layout="hwc")


def classifier(outputs: int, class_names: Any = None) -> ArrayClassifier:
    """Says of a bright image class 0, of a dark one class 1, and never another."""

    def scores(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        bright = images.mean(axis=(1, 2, 3)) - 0.2
        rest = np.full((len(images), outputs - 2), -5.0)
        return np.concatenate([np.stack([bright, -bright], axis=1), rest], axis=1)

    made = ArrayClassifier(scores, batch_size=4, preprocessing=PLAIN)
    made.class_names = class_names
    return made


def pictures(classes: tuple[str, ...] | None = ("dark", "light"), **known: Any) -> Dataset:
    read = [np.full((8, 8, 3), value, np.uint8) for value in (10, 240)].__getitem__
    return Dataset("twilight", ("a", "b"), np.array([0, 1]), read, None, classes, **known)


def at_once(model: ArrayClassifier, data: Dataset, _: Path) -> int:
    result = certify(model, data.prepared(PLAIN), data.true_labels, MASKS)
    return int(result.certified.sum())


def without_probes(model: ArrayClassifier, data: Dataset, _: Path) -> int:
    return int(certify(model, data.prepared(PLAIN), data.true_labels, MASKS, probes=False).certified.sum())


def kept(model: ArrayClassifier, data: Dataset, out: Path) -> int:
    return run(model, data.prepared(PLAIN), data.true_labels, MASKS, out / "RUN").certified


def unprepared(model: ArrayClassifier, data: Dataset, _: Path) -> int:
    model.preprocessing = None
    return int(certify(model, data, data.true_labels, MASKS).certified.sum())


def curve(model: ArrayClassifier, data: Dataset, _: Path) -> int:
    return round(2 * detection_curve(model, data.prepared(PLAIN), data.true_labels, MASKS).certified(0.0))


def source(model: ArrayClassifier, data: Dataset, _: Path) -> int:
    return int(certify_source(model, data, "squares(size=2)").certified.sum())


def source_kept(model: ArrayClassifier, data: Dataset, out: Path) -> int:
    return run_source(model, data, "squares(size=2)", out / "RUN").certified


Way = Callable[[ArrayClassifier, Dataset, Path], int]
AS_GIVEN: list[Way] = [at_once, without_probes, kept, curve]
WAYS: list[Way] = [*AS_GIVEN, source, source_kept]


@pytest.mark.parametrize("way", [*WAYS, unprepared])
def test_four_classes_and_a_model_of_a_thousand_are_refused(tmp_path: Path, way: Way) -> None:
    data = pictures(("ant", "bee", "cow", "dog"))
    with pytest.raises(InvalidInput, match=r"twilight has 4 classes \(ant, bee, cow, dog\), and the model 1000: which"):
        way(classifier(1000), data, tmp_path)
    with pytest.raises(InvalidInput, match=r"has 2 classes .* and the model 3"):
        way(classifier(3), pictures(), tmp_path)


@pytest.mark.parametrize("way", AS_GIVEN)
def test_labels_in_another_order_than_the_models_names_are_refused(tmp_path: Path, way: Way) -> None:
    model = classifier(2, ("light", "dark"))
    with pytest.raises(InvalidInput, match=r"not labelled in the order of the model's classes .light, dark.; open it"):
        way(model, pictures(), tmp_path)
    assert way(model, mc.open_dataset(pictures(), class_names=("light", "dark")), tmp_path) == 2


@pytest.mark.parametrize("way", [source, source_kept])
def test_in_the_frame_of_the_source_labels_are_brought_to_the_models_names(tmp_path: Path, way: Way) -> None:
    assert way(classifier(2, ("light", "dark")), pictures(), tmp_path) == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_class_that_the_model_lacks_is_refused(tmp_path: Path, way: Way) -> None:
    with pytest.raises(InvalidInput, match="got dark: the model's are light, dusk"):
        way(classifier(2, ("light", "dusk")), pictures(), tmp_path)


@pytest.mark.parametrize("way", WAYS)
def test_names_that_were_given_before_are_believed(tmp_path: Path, way: Way) -> None:
    given = mc.open_dataset(pictures(), classes={"light": 0, "dark": 1})
    assert way(classifier(2, ("hell", "dunkel")), given, tmp_path) == 2


@pytest.mark.parametrize("way", WAYS)
def test_numbers_are_numbers_where_the_model_has_words(tmp_path: Path, way: Way) -> None:
    assert way(classifier(2, ("light", "dark")), pictures(None), tmp_path) == 0
    assert way(classifier(1000), pictures(None), tmp_path / "more") == 0


@pytest.mark.parametrize("way", WAYS)
def test_as_many_names_as_outputs_or_none(tmp_path: Path, way: Way) -> None:
    with pytest.raises(InvalidInput, match="has 2 outputs, and class_names for 3; they must agree"):
        way(classifier(2, ("light", "dark", "dusk")), pictures(None), tmp_path)


@pytest.mark.parametrize("names", ["light", ("light", 1), 7])
def test_class_names_are_texts(names: Any) -> None:
    with pytest.raises(InvalidInput, match="class_names of a classifier must be texts, one for each"):
        names_of(classifier(2, names))
    assert names_of(classifier(2, [])) is None
