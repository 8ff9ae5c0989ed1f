"""Runs keep reference scores: who goes on must score them alike, and then need not try everything out again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import FingerprintMismatch, InvalidInput, MaskcoverWarning, defend, predict, replay, run
from maskcover.engine.reference import NoiseKind
from maskcover.runs import certified
from maskcover.runs.documents import sealed, written
from tests.defense.naive import BoolArray
from tests.engine.test_reference import IMAGES, MASKS, Plain, Rounding
from tests.runs.lookups import MASKS as SINGLES
from tests.runs.lookups import Model, Shelf, listing

LABELS = [max(0, one.label) for one in predict(Plain(), IMAGES, MASKS)]
KIND = NoiseKind((6, 6, 3), "|u1", float(IMAGES[0].min()), float(IMAGES[0].max()))


def started(out: Path, model: Any = None, images: Any = IMAGES, **options: Any) -> Any:
    """A run of four images, two of them done."""
    asked: dict[str, Any] = {"shard_size": 2, "shard": (0, 2)} | options
    return run(model or Plain(), images, LABELS, MASKS, out, **asked)


def gone_on(out: Path, model: Any = None, images: Any = IMAGES, **options: Any) -> Any:
    """The same run, to its end."""
    return started(out, model, images, **({"shard": (0, 1)} | options))


@dataclass
class Seen(Plain):
    """Counts the rows of noise and of anything else that it is asked for."""

    noise: int = 0
    others: int = 0
    made: Any = field(default_factory=lambda: KIND.noise())

    def scores(self, images: Any, hidden: BoolArray) -> npt.NDArray[np.float64]:
        """The scores."""
        fresh = sum(np.array_equal(image, self.made) for image in images)
        self.noise, self.others = self.noise + fresh, self.others + len(images) - fresh
        return super().scores(images, hidden)


Seen.__module__, Seen.__qualname__ = Plain.__module__, Plain.__qualname__


def test_a_run_that_goes_on_scores_the_reference_rows_and_probes_nothing_again(tmp_path: Path) -> None:
    first, again, replayed = Seen(), Seen(), Seen()
    assert not started(tmp_path, first).complete
    assert gone_on(tmp_path, again).complete
    assert first.noise == again.noise == 6
    assert again.others < first.others - 100
    done = Seen()
    assert gone_on(tmp_path, done).complete
    assert (done.noise, done.others) == (6, 6)
    assert not replay(tmp_path, replayed, IMAGES, LABELS).differences
    assert replayed.noise == 6


def test_where_the_fingerprint_differs_everything_is_tried_out_though_the_scores_agree(tmp_path: Path) -> None:
    """Another device may score the first image alike, and round other rows otherwise."""
    started(tmp_path)

    class Elsewhere(Seen):
        """The same on another device."""

        identity: ClassVar = {"device": "another"}

    Elsewhere.__module__, Elsewhere.__qualname__ = Plain.__module__, Plain.__qualname__
    here, elsewhere = Seen(), Elsewhere()
    assert not replay(tmp_path, here, IMAGES, LABELS).differences
    assert replay(tmp_path, elsewhere, IMAGES, LABELS).differences == ("device: another, not -",)
    assert elsewhere.others > here.others + 100


def test_another_model_that_says_the_same_of_itself_is_refused_and_reported(tmp_path: Path) -> None:
    started(tmp_path)
    before = listing(tmp_path)
    with pytest.raises(InvalidInput, match=r"another configuration \(scores of the reference batch, noise"):
        gone_on(tmp_path, Plain(1 + 2**-40))
    assert listing(tmp_path) == before
    told = replay(tmp_path, Plain(1 + 2**-40), IMAGES, LABELS)
    assert told
    assert [text.partition(":")[0] for text in told.differences] == [
        "scores of the reference batch, noise",
        "scores of the reference batch, the first image",
    ]
    assert "not as it was certified: scores of the reference batch" in str(told)
    assert gone_on(tmp_path).complete


def test_the_digest_is_kept_where_bits_count_and_the_numbers_under_a_margin(tmp_path: Path) -> None:
    started(tmp_path / "bits")
    told = json.loads((tmp_path / "bits" / "run.json").read_text())["reference"]
    assert list(told["noise"]) == list(told["example"]) == ["digest"]
    started(tmp_path / "margin", Rounding(), min_margin=0.01)
    told = json.loads((tmp_path / "margin" / "run.json").read_text())["reference"]
    assert (list(told["noise"]), told["tolerance"]) == (["rows"], "0.005")
    assert gone_on(tmp_path / "margin", Rounding(1 + 1e-3), min_margin=0.01).complete
    assert not replay(tmp_path / "margin", Rounding(1 + 1e-3), IMAGES, LABELS).differences
    with pytest.raises(InvalidInput, match=r"changed by 1\.0e-02 of the largest"):
        gone_on(tmp_path / "margin", Rounding(1.01), min_margin=0.01)
    assert replay(tmp_path / "margin", Rounding(1.01), IMAGES, LABELS).differences


def rewritten(out: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A run.json that says something else, sealed as if it had been so from the beginning, before any shard."""
    path = out / "run.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_bytes(written(sealed(document, frozenset({"source"}))))
    for shard in (out / "shards").iterdir():
        shard.unlink()


def test_a_run_of_before_goes_on_and_says_that_it_could_not_be_compared(tmp_path: Path) -> None:
    started(tmp_path)
    rewritten(tmp_path, lambda document: document.pop("reference"))
    told = replay(tmp_path, Plain(), IMAGES, LABELS)
    assert (told.differences, len(told.notes)) == ((), 1)
    assert "note: the run kept no reference scores" in str(told)
    with pytest.warns(MaskcoverWarning, match="kept no reference scores"):
        assert gone_on(tmp_path).complete
    with pytest.warns(MaskcoverWarning, match="kept no reference scores"):
        defend(Plain(), certified(tmp_path))


def test_reference_scores_that_are_edited_are_noticed(tmp_path: Path) -> None:
    started(tmp_path)
    path = tmp_path / "run.json"
    document = json.loads(path.read_text())
    for edited in (document | {"reference": None}, {name: document[name] for name in document if name != "reference"}):
        path.write_text(json.dumps(edited))
        for read in (certified, gone_on):
            with pytest.raises(InvalidInput, match="it was edited"):
                read(tmp_path)


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "no kind": lambda told: told.pop("kind"),
    "no text": lambda told: told.update(noise=3),
    "no number": lambda told: told.update(tolerance="much"),
    "no shape": lambda told: told["kind"].update(shape="x"),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN)
def test_a_reference_that_is_none_is_refused_with_the_file(spoil: Callable[[Any], object], tmp_path: Path) -> None:
    started(tmp_path)
    rewritten(tmp_path, lambda document: spoil(document["reference"]))
    with pytest.raises(InvalidInput, match=r"run\.json is no configuration"):
        gone_on(tmp_path)


def test_what_a_run_certified_is_served_in_another_process_without_its_images(tmp_path: Path) -> None:
    """Noise can be made again from what run.json says."""
    gone_on(tmp_path)
    expected = defend(Plain(), MASKS)(IMAGES)
    assert defend(Plain(), certified(tmp_path))(IMAGES) == expected
    assert [one.label for one in predict(Plain(), IMAGES, certified(tmp_path))] == expected
    for call in (defend, lambda model, known: predict(model, IMAGES, known)):
        with pytest.raises(FingerprintMismatch, match="scores of the reference batch, noise"):
            call(Plain(1 + 2**-40), certified(tmp_path))


def test_a_first_image_that_cannot_be_read_this_time_does_not_keep_a_run_from_going_on(tmp_path: Path) -> None:
    class Torn(list[Any]):
        def __getitem__(self, number: Any) -> Any:
            if number == 0:
                raise OSError("gone")
            return super().__getitem__(number)

    started(tmp_path)
    with pytest.warns(MaskcoverWarning, match="not compared with the images"):
        assert gone_on(tmp_path, images=Torn(IMAGES)).complete
    assert not replay(tmp_path, Plain(), Torn(IMAGES), LABELS).differences
    other = tmp_path / "torn"
    started(other, images=Torn(IMAGES))
    assert gone_on(other).complete
    with pytest.raises(InvalidInput, match="reference batch"):
        gone_on(other, Plain(1 + 2**-40))


class Turned(Model):
    """Lookups with another answer."""

    def scores(self, images: Any, hidden: BoolArray) -> Any:
        """The scores, turned by one class."""
        return np.roll(super().scores(images, hidden), 1, axis=1)


Turned.__module__, Turned.__qualname__ = Model.__module__, Model.__qualname__


def test_images_that_nobody_can_make_are_compared_by_the_first_of_them(tmp_path: Path) -> None:
    images = Shelf(6)
    run(Model(), images, images.labels, SINGLES, tmp_path, shard_size=3, shard=(0, 2))
    with pytest.raises(InvalidInput, match="reference batch, the first image"):
        run(Turned(), images, images.labels, SINGLES, tmp_path, shard_size=3)
    assert replay(tmp_path, Turned(), images, images.labels).differences
    # In another order the first image is another one, which says nothing.
    order = [5, 4, 3, 2, 1, 0]
    ids, labels = [str(number) for number in order], [images.labels[number] for number in order]
    assert not replay(tmp_path, Model(), [images[number] for number in order], labels, ids=ids).differences
    with pytest.warns(MaskcoverWarning, match="not compared with the images"):
        assert run(Model(), images, images.labels, SINGLES, tmp_path, shard_size=3).complete
