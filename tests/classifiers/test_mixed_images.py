"""Images of several kinds in one data set: what is computed for one never depends on another (threats.md, 42)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from maskcover_torch import TorchClassifier

import maskcover as mc
from maskcover import InvalidInput
from maskcover.classifiers import ArrayClassifier, evaluator_of

MASKS = mc.cover(mc.squares(size=1), (4, 6), grid=(2, 2))
SHOWN = np.zeros((2, 4, 6), np.bool_)


def wrapping(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Class 0 where twice the first pixel is above 200; of bytes that is 300 - 256, class 1."""
    wrapped = (images + images).reshape(len(images), -1)[:, 0].astype(np.float64)
    scores: npt.NDArray[Any] = np.stack([wrapped > 200, wrapped <= 200], axis=1) + 0.5 * np.eye(2)[0]
    return scores


BYTES, FLOATS = np.full((4, 6), 150, np.uint8), np.full((4, 6), 150.0)


class Plain:
    """A classifier without an adapter that stacks what it is given, as the documentation's own do."""

    batch_size = 2

    def scores(self, images: Any, hidden: Any) -> npt.ArrayLike:
        return wrapping(np.where(hidden, 150, np.stack(images)))


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "a function": lambda: ArrayClassifier(wrapping, batch_size=2, fill=150),
    "a classifier of one's own": Plain,
}


@pytest.mark.parametrize("made", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_threat_42_an_image_is_scored_as_it_is_alone_whatever_its_neighbours(
    made: Callable[[], Any], tmp_path: Path
) -> None:
    alone = mc.certify(made(), [BYTES], [1], MASKS, probes=False)
    assert alone.certified.tolist() == [True]
    found = mc.run(made(), [BYTES, FLOATS, BYTES], [1, 1, 1], MASKS, tmp_path / "run")
    assert (found.certified, found.errors) == (2, 1)
    with pytest.raises(InvalidInput, match=r"uint8.* as the first; got .*float64"):
        mc.certify(made(), [BYTES, FLOATS], [1, 1], MASKS, probes=False)
    with pytest.raises(InvalidInput, match=r"float64.* as the first; got .*uint8"):
        mc.predict(made(), [FLOATS, BYTES], MASKS)


@pytest.mark.parametrize("made", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_one_odd_image_does_not_decide_for_those_that_are_served_later(made: Callable[[], Any]) -> None:
    served = mc.defend(made(), mc.certify(made(), [BYTES], [1], MASKS, probes=False))
    with pytest.raises(InvalidInput, match=r"uint8.* as the first; got .*float64"):
        served([FLOATS])  # it would be added up without wrapping round, and get another label
    assert served([BYTES]) == [1]


def test_rows_of_several_kinds_are_never_stacked() -> None:
    for other in (FLOATS, BYTES.astype(np.int64), np.zeros((4, 6, 3), np.uint8)):
        with pytest.raises(InvalidInput, match="as the first"):
            ArrayClassifier(wrapping, batch_size=2).scores([BYTES, other], SHOWN)


EQUAL: dict[str, npt.NDArray[Any]] = {
    "the other byte order": FLOATS.astype(FLOATS.dtype.newbyteorder()),
    "columns first": np.asfortranarray(FLOATS),
    "reversed": np.ascontiguousarray(FLOATS[::-1])[::-1],
    "a matrix": FLOATS.view(np.matrix),
    "read-only": np.broadcast_to(np.float64(150), (4, 6)),
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("image", EQUAL.values(), ids=EQUAL)
def test_an_array_is_its_values(image: npt.NDArray[Any]) -> None:
    seen: list[npt.NDArray[Any]] = []

    def keep(images: npt.NDArray[Any]) -> npt.ArrayLike:
        seen.append(images)
        return np.tile([1.0, 0.0], (len(images), 1))

    asked = evaluator_of(ArrayClassifier(keep, batch_size=2, fill=150), MASKS)
    asked.scores([asked.load(image), asked.load(FLOATS)], np.array([[-1, -1], [0, 1]]))
    ((one, other),) = seen
    assert type(one) is np.ndarray
    assert one.dtype == other.dtype == np.dtype(np.float64)
    assert one.tobytes() == other.tobytes()


def test_a_masked_array_is_refused() -> None:
    image = np.ma.masked_array(FLOATS, np.zeros((4, 6), np.bool_))
    for classifier in (ArrayClassifier(wrapping, batch_size=2), Plain()):
        with pytest.raises(InvalidInput, match=r"filled\("):
            mc.certify(classifier, [image], [1], MASKS)


WRONG: dict[str, Any] = {
    "another size": np.zeros((4, 7), np.uint8),
    "a colour image beside grey ones": np.zeros((4, 6, 3), np.uint8),
    "another dtype": FLOATS,
    "no array": "photo.png",
    "an array of texts": np.full((4, 6), "a"),
}


@pytest.mark.parametrize("layout", ["hwc", "chw"])
@pytest.mark.parametrize("image", WRONG.values(), ids=WRONG)
def test_an_image_that_does_not_fit_is_an_error_of_that_image(image: Any, layout: Any, tmp_path: Path) -> None:
    classifier = ArrayClassifier(wrapping, batch_size=2, layout=layout)
    found = mc.run(classifier, [BYTES, image, BYTES], [1, 1, 1], MASKS, tmp_path / "run")
    assert (found.certified, found.errors) == (2, 1)


def test_a_tensor_is_cast_alone() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 3)).eval()
    images = [torch.rand(1, 4, 6, dtype=dtype) for dtype in (torch.float32, torch.float64, torch.float16)]
    asked = evaluator_of(TorchClassifier(model, batch_size=3), MASKS)
    together = asked.scores([asked.load(image) for image in images], np.full((3, 2), -1))
    for row, image in enumerate(images):
        assert np.array_equal(asked.scores([asked.load(image)] * 3, np.full((3, 2), -1))[row], together[row])
