"""Certificates in the frame of the source: what is painted on the picture stays inside a mask of the input."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning, NotCovering
from maskcover.classifiers import ArrayClassifier
from maskcover.data import Dataset, Preprocessing
from maskcover.regions import CenterCrop, Fit, Resize
from maskcover.runs import certify_source, run_source, shards, source_document, summary
from maskcover.runs.documents import sealed
from maskcover.runs.folder import Folder
from maskcover.runs.size_groups import by_size, groups

# The worlds are tiny, so that masks that cover what a resize spreads are large.
pytestmark = pytest.mark.filterwarnings("ignore:mask .* hides more than half:maskcover.MaskcoverWarning")
STEPS = [
    (Resize(20, "bicubic"), CenterCrop(16)),
    (Resize((16, 16), "bilinear"),),
    (Fit((16, 16), "lanczos"),),
    (CenterCrop(16, rounding="down"),),
    (Resize(24, "area"), CenterCrop(16, rounding="down")),
]
SIZES = [(16, 16), (19, 31), (40, 33)]
SHRUNK = Preprocessing(STEPS[0], layout="hwc")


def bright(images: npt.NDArray[Any]) -> npt.ArrayLike:
    """Class 1 for images whose mean is above a half."""
    mean = images.reshape(len(images), -1).mean(axis=1)
    return np.stack([0.5 - mean, mean - 0.5], axis=1)


def classifier(preprocessing: Preprocessing = SHRUNK) -> ArrayClassifier:
    return ArrayClassifier(bright, batch_size=8, fill=0.5, preprocessing=preprocessing)


def dataset(*pictures: npt.NDArray[np.uint8], labels: list[int] | None = None) -> Dataset:
    ids = tuple(f"picture {number}" for number in range(len(pictures)))
    return Dataset("pictures", ids, np.array(labels or [1] * len(pictures)), pictures.__getitem__)


def photo(size: tuple[int, int], low: int = 150, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(low, 256, (*size, 3), dtype=np.uint8)


@given(
    st.sampled_from(STEPS), st.sampled_from(SIZES), st.integers(1, 4), st.floats(0, 1), st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_what_is_painted_on_the_picture_changes_the_input_inside_one_mask_only(
    steps: Any, size: tuple[int, int], side: int, down: float, right: float, seed: int
) -> None:
    """The theorem's premise in the attacker's own frame (threats.md, 12), through Pillow itself."""
    preprocessing, picture = Preprocessing(steps), photo(size, 0, seed)
    (group,) = groups(dataset(picture), preprocessing, mc.squares(size=side))
    top, left = int(down * (size[0] - side)), int(right * (size[1] - side))
    attacked = picture.copy()
    chance = np.random.default_rng(seed + 1)
    attacked[top : top + side, left : left + side] = chance.choice(np.array([0, 255], np.uint8), (side, side, 3))
    changed = (preprocessing(picture) != preprocessing(attacked)).any(axis=0)
    assert any(not (changed & ~mask).any() for mask in np.asarray(group.masks))


def test_a_certified_picture_keeps_its_label_whatever_is_painted_on_it() -> None:
    pictures = [photo(size, low, seed) for seed, size in enumerate(SIZES) for low in (0, 40, 150)]
    result = certify_source(classifier(), dataset(*pictures), "squares(size=4)")
    assert 0 < result.certified.sum() < len(result)
    chance = np.random.default_rng(3)
    for number in np.flatnonzero(result.certified):
        group = next(group for group in result.groups if number in group.members)
        height, width = group.size
        for _ in range(20):
            top, left = chance.integers(0, height - 3), chance.integers(0, width - 3)
            attacked = pictures[number].copy()
            attacked[top : top + 4, left : left + 4] = 0
            assert mc.defend(classifier(), group.masks)([SHRUNK(attacked)]) == [1]


def test_each_size_has_its_own_regions_masks_and_claim() -> None:
    pictures = [photo((40, 33)), photo((16, 16)), photo((40, 33), seed=1)]
    result = certify_source(classifier(), dataset(*pictures, labels=[1, 0, 1]), mc.squares(size=4))
    assert [(group.name, group.members) for group in result.groups] == [("16x16", (1,)), ("40x33", (0, 2))]
    assert [str(one.regions) for one in result.results] == [
        f"through(squares(size=4), {', '.join(map(str, SHRUNK.steps))}, source={size})" for size in ((16, 16), (40, 33))
    ]
    assert result.groups[0].masks.largest_hidden_area > result.groups[1].masks.largest_hidden_area
    assert [verdict.label for verdict in result.verdicts] == [1, 0, 1]
    assert result.undefended.tolist() == [1, 1, 1]
    assert result.defended.tolist() == [1, 1, 1]
    assert "on the source images, of 2 sizes" in str(result)
    assert len(result) == 3


def test_covers_are_made_once_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    cover = mc.cover

    def counted(*arguments: Any, **budget: Any) -> Any:
        asked.append(arguments)
        return cover(*arguments, **budget)

    monkeypatch.setattr(importlib.import_module("maskcover.runs.size_groups"), "cover", counted)
    pictures = dataset(*[photo((23, 31), seed=seed) for seed in range(5)])
    for _ in range(2):
        certify_source(classifier(), pictures, "squares(size=3)", budget={"masks": 40})
    assert len(asked) == 1


def test_pictures_as_the_model_takes_them_need_no_pulling_back() -> None:
    bare = Preprocessing(layout="hwc")
    pictures = [photo((16, 16)), photo((16, 16), seed=2)]
    result = certify_source(classifier(bare), dataset(*pictures), "squares(size=4)")
    masks = mc.cover("squares(size=4)", 16)
    direct = mc.certify(classifier(bare), dataset(*pictures).prepared(bare), [1, 1], masks)
    assert result.results == (direct,)


def test_pictures_of_several_sizes_as_the_model_takes_them() -> None:
    bare = Preprocessing(layout="hwc")
    pictures = [photo((16, 16)), photo((20, 18)), photo((16, 16), seed=2)]
    result = certify_source(classifier(bare), dataset(*pictures), "squares(size=3)")
    assert [str(group.masks.grid) for group in result.groups] == ["16×16", "20×18"]
    assert result.certified.tolist() == [True] * 3


def test_one_mask_set_for_all_sizes_must_cover_each() -> None:
    pictures = dataset(photo((40, 33)), photo((32, 32)))
    masks = mc.cover(mc.squares(size=6), 16)
    assert len(certify_source(classifier(), pictures, "squares(size=4)", masks=masks)) == 2
    with pytest.raises(NotCovering, match=r"source=\(16, 16\)"):
        certify_source(classifier(), dataset(photo((40, 33)), photo((16, 16))), "squares(size=4)", masks=masks)


def test_a_model_whose_preprocessing_is_not_known_is_refused() -> None:
    unknown = ArrayClassifier(bright, batch_size=8)
    with pytest.raises(InvalidInput, match="preprocessing="):
        certify_source(unknown, dataset(photo((16, 16))), "squares(size=4)")
    known = certify_source(bright, dataset(photo((16, 16))), "squares(size=2)", preprocessing=SHRUNK, batch_size=8)
    assert len(known) == 1
    assert known.results[0].start.evaluator.batch_size == 8
    with pytest.warns(MaskcoverWarning, match="options= is now keyword arguments"):
        earlier = certify_source(
            bright, dataset(photo((16, 16))), "squares(size=2)", options={"preprocessing": SHRUNK, "batch_size": 8}
        )
    assert earlier.results[0].fingerprint == known.results[0].fingerprint


class Unreadable:
    """Pictures, one of which cannot be read."""

    def __init__(self, *broken: int) -> None:
        self.broken = broken
        self.pictures = [photo((16, 16)), photo((20, 16)), photo((20, 16), seed=1)]

    def __call__(self, number: int) -> npt.NDArray[np.uint8]:
        if number in self.broken:
            raise InvalidInput(f"cannot read picture {number}")
        return self.pictures[number]


def test_a_picture_that_cannot_be_read_is_an_error_row(tmp_path: Path) -> None:
    pictures = replace(dataset(*[photo((16, 16))] * 3), read=Unreadable(1))
    assert by_size(pictures) == {(16, 16): (0, 1), (20, 16): (2,)}
    found = run_source(classifier(), pictures, "squares(size=2)", tmp_path / "RUN")
    assert (found.total, found.rows, found.errors, found.certified) == (3, 3, 1, 2)
    with pytest.raises(InvalidInput, match="cannot read picture 0"):
        run_source(classifier(), replace(pictures, read=Unreadable(0, 1, 2)), "squares(size=2)", tmp_path / "NONE")


def test_a_picture_that_is_not_of_the_size_that_its_head_says_is_refused(tmp_path: Path) -> None:
    lying = replace(dataset(photo((16, 16)), photo((16, 16))), measure=lambda number: (16, 16 + 4 * number))
    with pytest.raises(InvalidInput, match="picture 1 was read as 16×16, but its head says 16×20"):
        certify_source(classifier(), lying, "squares(size=2)")
    with pytest.raises(InvalidInput, match="picture 1 was read as 16×16"):
        run_source(classifier(), lying, "squares(size=2)", tmp_path / "RUN")


@pytest.fixture
def pictures() -> Dataset:
    return dataset(*[photo((16 + number % 3, 20), 90 + 20 * (number % 4), number) for number in range(13)])


def test_a_run_has_the_verdicts_of_a_certification_and_goes_on(pictures: Dataset, tmp_path: Path) -> None:
    direct = certify_source(classifier(), pictures, "squares(size=3)")
    out = tmp_path / "RUN"
    part = run_source(classifier(), pictures, "squares(size=3)", out, shard=(1, 2), shard_size=2)
    assert 0 < part.rows < part.total == 13
    found = run_source(classifier(), pictures, "squares(size=3)", out, shard=(0, 2), shard_size=2)
    assert found.rows == found.total == 13
    assert found.certified == direct.certified.sum()
    assert summary(out) == found
    rows = {row.id: row for size in ("16x20", "17x20", "18x20") for row in rows_of(out / size)}
    assert [rows[name].certified for name in pictures.ids] == direct.certified.tolist()


def rows_of(folder: Path) -> list[Any]:
    return [row for shard in shards(Folder(folder), Folder(folder).existing()) for row in shard.rows]


@pytest.mark.parametrize("shard", [(0, 0), (2, 2), (-1, 2), (0,)])
def test_a_part_that_there_is_not_is_refused_before_anything_is_written(
    shard: Any, pictures: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="shard must be"):
        run_source(classifier(), pictures, "squares(size=3)", tmp_path / "RUN", shard=shard)
    assert not (tmp_path / "RUN").exists()


def test_a_run_of_other_regions_or_pictures_is_refused(pictures: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "RUN"
    run_source(classifier(), pictures, "squares(size=3)", out)
    for changed, regions in ((pictures, "squares(size=2)"), (pictures.part(range(5)), "squares(size=3)")):
        with pytest.raises(InvalidInput, match="holds another run"):
            run_source(classifier(), changed, regions, out)
    inputs = tmp_path / "INPUT"
    mc.run(classifier(), pictures.prepared(SHRUNK), pictures.true_labels, mc.cover("squares(size=3)", 16), inputs)
    with pytest.raises(InvalidInput, match="frame of the model's input"):
        run_source(classifier(), pictures, "squares(size=3)", inputs)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 2, "sizes": {}}', '{"schema": 1, "sizes": {"a": "b"}}'])
def test_a_damaged_document_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "frame.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"frame\.json"):
        summary(tmp_path)


FRAME_EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "regions": lambda document: document.update(regions="squares(size=12)"),
    "preprocessing": lambda document: document.update(preprocessing="as it is"),
    "a size less": lambda document: document["sizes"].pop("16x20"),
    "a picture less": lambda document: document["sizes"].update({"16x20": 1}),
    "a size more": lambda document: document["sizes"].update({"40x40": 3}),
    "the sample": lambda document: document.pop("sample"),
    "a path for a size": lambda document: document["sizes"].update({"../other": 3}),
    "the version": lambda document: document.update(schema=1),
    "anything": lambda document: document.update(note="certified"),
}


@pytest.mark.parametrize("again", [False, True], ids=["edited", "edited and sealed again"])
@pytest.mark.parametrize("edit", FRAME_EDITS.values(), ids=FRAME_EDITS)
def test_threat_59_an_edit_of_the_frame_is_noticed_by_every_reader(
    edit: Callable[[dict[str, Any]], object], again: bool, pictures: Dataset, tmp_path: Path
) -> None:
    some = pictures.sampled(12)
    run_source(classifier(), some, "squares(size=3)", tmp_path)
    assert summary(tmp_path).chosen == some.chosen
    document = json.loads((tmp_path / "frame.json").read_text())
    edit(document)
    (tmp_path / "frame.json").write_text(json.dumps(sealed(document) if again else document))
    asks: tuple[Callable[[], object], ...] = (
        lambda: summary(tmp_path),
        lambda: source_document(tmp_path),
        lambda: run_source(classifier(), some, "squares(size=3)", tmp_path),
    )
    for ask in asks:
        with pytest.raises(InvalidInput, match=r"frame\.json"):
            ask()


def test_a_frame_that_is_edited_before_any_size_was_begun_is_refused(tmp_path: Path, pictures: Dataset) -> None:
    run_source(classifier(), pictures, "squares(size=3)", tmp_path)
    for name in ("16x20", "17x20", "18x20"):
        shutil.rmtree(tmp_path / name)
    assert summary(tmp_path).rows == 0
    text = (tmp_path / "frame.json").read_text()
    (tmp_path / "frame.json").write_text(text.replace("size=3", "size=12"))
    with pytest.raises(InvalidInput, match="it was edited"):
        summary(tmp_path)


def test_runs_of_other_sizes_or_frames_in_the_place_of_one_are_refused(tmp_path: Path) -> None:
    bare = Preprocessing(layout="hwc")
    same = dataset(photo((16, 16)), photo((16, 18)))
    for name, regions in (("one", "squares(size=3)"), ("two", "squares(size=2)")):
        run_source(classifier(bare), same, regions, tmp_path / name)
    one = tmp_path / "one"
    (one / "16x16").rename(tmp_path / "kept")
    for other in (one / "16x18", tmp_path / "two" / "16x16"):
        shutil.copytree(other, one / "16x16")
        with pytest.raises(InvalidInput, match="is no part of the run"):
            summary(one)
        shutil.rmtree(one / "16x16")
    mc.run(classifier(bare), [same[0] / 255], [1], mc.cover("squares(size=3)", 16), one / "16x16")
    with pytest.raises(InvalidInput, match="is no part of the run"):
        summary(one)


def test_a_run_of_the_first_version_is_read_for_ever() -> None:
    out = Path(__file__).parent.parent / "golden" / "source-run"
    found = summary(out)
    assert (found.rows, found.total, found.certified) == (2, 2, 2)
    assert source_document(out)["regions"] == "squares(size=2)"


class BadHeads:
    """Sizes of pictures, with a fault of its own kind for some."""

    FAULTS = (TypeError("'>=' not supported"), ValueError("bad width"), KeyError(256), MemoryError(), RecursionError())

    def __call__(self, number: int) -> tuple[int, int]:
        if number:
            raise self.FAULTS[number - 1]
        return 16, 16


def test_a_picture_whose_head_breaks_the_reader_is_an_error_row(tmp_path: Path) -> None:
    def read(number: int) -> npt.NDArray[np.uint8]:
        BadHeads()(number)
        return photo((16, 16))

    pictures = replace(dataset(*[photo((16, 16))] * 6), read=read, measure=BadHeads())
    found = run_source(classifier(), pictures, "squares(size=2)", tmp_path)
    assert (found.rows, found.errors, found.certified) == (6, 5, 1)


def test_a_run_of_the_second_version_is_read_for_ever() -> None:
    """With all fields that such a run may have: a sample, left-out files, an example, reference scores, a margin."""
    out = Path(__file__).parent.parent / "golden" / "source-run-2"
    found = summary(out)
    assert (found.rows, found.certified, str(found.chosen)) == (2, 2, "a sample of 2 of 3 (seed 5)")
    config = Folder(out / "24x24").existing()
    assert config.claim == "sha256:dc474790a348238c2f10404abef1395100c0481ef19daa5c16afdfa91f9b2d9d"
    assert (config.min_margin, str(config.skipped), config.example) == (
        0.01,
        "left out 1 that are no .png, .jpg or the like: x.txt; without an image: cow",
        ("b", "blake2b:74bb45e41f7604677921e7df72b9f99cafe16ddc8803579c2761585fb2aca837"),
    )
    assert config.reference is not None
    assert len(Folder(out / "24x24").masks(config)) > 1


def test_a_run_in_the_frame_of_the_source_is_asked_again_about_other_regions_on_the_source(tmp_path: Path) -> None:
    pictures = dataset(
        *(photo(size, low, seed) for seed, (size, low) in enumerate([*zip(SIZES, (90, 110, 130), strict=True)] * 3))
    )
    procedure = "double_masking(exhaustive=True)"
    masks: Any = {"budget": {"max_mask_area": 0.4}}
    run_source(classifier(), pictures, "squares(size=4)", tmp_path, procedure=procedure, **masks)
    again = mc.open_run(tmp_path)
    assert (again.frame, len(again), len(again.parts)) == ("source", 9, 3)
    for side in (2, 3, 4):
        claimed = certify_source(classifier(), pictures, "squares(size=4)", **masks)
        expected = dict.fromkeys(again.ids, False)
        for group, result in zip(claimed.groups, claimed.results, strict=True):
            regions = mc.through(mc.squares(size=side), *SHRUNK.steps, source=group.size)
            part = dataset(*(pictures.read(number) for number in group.members))
            images = replace(part, ids=tuple(pictures.ids[number] for number in group.members)).prepared(SHRUNK)
            smaller = mc.certify(classifier(), images, [1] * len(images), result.masks, regions=regions)
            names = [pictures.ids[number] for number in group.members]
            expected |= dict(zip(names, smaller.certified.tolist(), strict=True))
        found = dict(zip(again.ids, again.certified(mc.squares(size=side)).tolist(), strict=True))
        assert found == expected
    sizes = again.certified_size("squares")
    assert sizes.fractions(4) == (again.certified().mean(), again.certified().mean())


def test_an_earlier_run_in_the_frame_of_the_source_is_opened_as_such() -> None:
    golden = mc.open_run(Path(__file__).parent.parent / "golden" / "source-run")
    assert golden.frame == "source"
    assert golden.facts(show=0).claim.endswith("the defended model answers the true label.")
    assert "model's input" not in golden.facts(show=0).claim
