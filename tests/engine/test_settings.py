"""On what a certification stands: bits, or a margin that takes over for rounding and nothing else (threats.md, 21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import CertificationResult, InvalidInput, certify, defend, detection_curve, run
from maskcover.classifiers import evaluator_of
from maskcover.engine.findings import FACTOR, LIMIT, Finding, Kind, ProbeReport
from maskcover.engine.settings import ComputeSetting, NumericsRequest, choose_setting
from maskcover.errors import MaskcoverWarning, ProbeFailed
from maskcover.runs import Folder, replay
from tests.defense.naive import BoolArray
from tests.engine.test_probes import IMAGES, LABELS, MASKS, Model, Scores, rounding, scored, shown

TAKES_OVER = r"certificates stand on a margin of 0\.\d+ instead of on bits"


@pytest.fixture(autouse=True)
def _batches_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of up to four are tried, which these few images would not be worth."""
    monkeypatch.setattr("maskcover.engine.preparation._most_rows", lambda *_: 4)


@dataclass
class Sized:
    """A classifier that may compute in batches of several sizes, which round by construction.

    `drifts` says by what fraction the last row of a batch is off, in batches of each size, from fast to slow ones.
    """

    drifts: Mapping[int, float]
    batch_size: int | None = None
    probed: list[int] = field(default_factory=list)

    def choices(self, _: Any, __: Any, most: int) -> list[Sized]:
        """In batches of each size."""
        if self.batch_size is not None:
            return []
        return [replace(self, batch_size=size) for size in self.drifts if size <= most]

    def as_certified(self, entries: Mapping[str, str]) -> Sized:
        """In batches of the size that served."""
        return replace(self, batch_size=self.batch_size or int(entries["batch_size"]))

    def of_batch_size(self, batch_size: int) -> Sized:
        """In batches of this size."""
        return replace(self, batch_size=batch_size)

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> Scores:
        """Scores, of which those of the last row are a little off, unless it is alone."""
        if len(images) not in self.probed:
            self.probed.append(len(images))
        scores = scored(shown(images, hidden))
        scores[1:][-1:] *= 1 + self.drifts.get(len(images), 0.0)
        return scores


def found(model: Any, **options: Any) -> tuple[str, int, float]:
    """On what a certification stands, the size of its batches, and its margin."""
    result = certify(model, IMAGES, LABELS, MASKS, **options)
    return result.numerics, result.start.evaluator.batch_size, result.min_margin


def under_a_margin(model: Any, **options: Any) -> CertificationResult:
    with pytest.warns(MaskcoverWarning, match=TAKES_OVER):
        result: CertificationResult = certify(model, IMAGES, LABELS, MASKS, **options)
    return result


# Which way is taken.


def test_the_fastest_size_that_holds_to_the_bit_is_taken() -> None:
    model = Sized({4: 1e-7, 2: 0.0, 1: 0.0})
    assert found(model) == ("bitwise", 2, 0.0)
    assert model.probed == [4, 2]  # and nothing further is tried
    assert found(Sized({2: 0.0, 4: 0.0, 1: 0.0})) == ("bitwise", 2, 0.0)


def test_one_row_at_a_time_is_taken_where_it_is_the_fastest_or_wanted() -> None:
    assert found(Sized({1: 0.0, 4: 0.0})) == ("bitwise", 1, 0.0)
    assert found(Sized({4: 1e-7, 1: 0.0}), numerics="bitwise") == ("bitwise", 1, 0.0)


def test_threat_21_a_margin_takes_over_loudly_if_no_size_but_one_holds_to_the_bit() -> None:
    result = under_a_margin(Sized({4: 1e-7, 2: 1e-6, 1: 0.0}))
    assert (result.numerics, result.start.evaluator.batch_size, result.min_margin) == ("margin", 4, 1e-4)
    # Of the largest score that was seen, and the last row of a batch is a little smaller.
    assert 0.8e-7 < result.start.probes.drift <= 1.01e-7
    assert "rounding, those with a margin above 0.0001 count, as the probes saw scores move by 9.0e-08" in str(result)
    with pytest.warns(MaskcoverWarning, match=r'numerics="bitwise" \(--numerics bitwise\) takes batches of 1'):
        certify(Sized({4: 1e-7, 1: 0.0}), IMAGES, LABELS, MASKS)


def test_a_size_that_the_user_named_is_kept_under_a_margin() -> None:
    result = under_a_margin(Sized({4: 0.0, 1: 0.0, 3: 1e-6}, batch_size=3))
    assert (result.numerics, result.start.evaluator.batch_size) == ("margin", 3)
    assert under_a_margin(Model(rounding(1e-6))).numerics == "margin"


@pytest.mark.parametrize("drift", [1.3e-4, 1e-2, 1.0])
def test_a_difference_that_is_too_large_takes_nothing_over(drift: float) -> None:
    assert found(Sized({4: drift, 1: 0.0})) == ("bitwise", 1, 0.0)
    with pytest.raises(ProbeFailed, match="No margin allows for that"):
        found(Model(rounding(drift)))


def test_bits_that_are_insisted_on_name_the_sizes_that_hold_to_them() -> None:
    sizes = r"batch_size=2 \(--batch-size 2\) or batch_size=1 \(--batch-size 1\)"
    told = rf"Type min_margin=0\.0001 \(--min-margin 0\.0001\) or {sizes}"
    with pytest.raises(ProbeFailed, match=told):
        found(Sized({3: 1e-7, 4: 1e-7}, batch_size=3), numerics="bitwise")


def test_a_margin_that_is_wanted_is_taken_quietly_even_where_bits_hold() -> None:
    assert found(Sized({4: 0.0, 1: 0.0}), numerics="margin") == ("margin", 4, 1e-4)
    assert found(Sized({4: 5e-6, 1: 0.0}), numerics="margin") == ("margin", 4, 5e-4)


def test_a_margin_that_was_typed_is_enough_for_the_fastest_size_that_stays_within() -> None:
    model = Sized({4: 1e-2, 2: 1e-4, 1: 0.0})
    assert found(model, min_margin=1e-3) == ("margin", 2, 1e-3)
    assert found(model, min_margin=0.0) == ("bitwise", 1, 0.0)
    assert found(model, min_margin=1e-3, numerics="bitwise") == ("bitwise", 1, 1e-3)


def test_detection_takes_bits() -> None:
    model = Sized({4: 1e-7, 1: 0.0})
    assert found(model, method="detect", threshold=0.5) == ("bitwise", 1, 0.0)
    detection_curve(model, IMAGES, LABELS, MASKS)
    with pytest.raises(InvalidInput, match="leave the margin out"):
        found(model, method="detect", threshold=0.5, numerics="margin")


@pytest.mark.parametrize("wish", ["bits", True, 1, ""])
def test_numerics_are_bits_or_a_margin(wish: Any) -> None:
    with pytest.raises(InvalidInput, match='numerics must be "bitwise" or "margin", or be left out'):
        found(Model(), numerics=wish)


def test_without_probes_nothing_is_chosen() -> None:
    result = certify(Sized({4: 1e-7, 1: 0.0}, batch_size=4), IMAGES, LABELS, MASKS, probes=False, numerics="margin")
    assert (result.numerics, result.min_margin) == ("not probed", 1e-4)


# What a margin never takes over for, however small it is.


def sees_hidden(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    leak = np.array([np.nan_to_num(image[hide]).clip(-1, 1).sum() for image, hide in zip(images, hidden, strict=True)])
    return scored(shown(images, hidden)) * (1 + 1e-9 * leak[:, None])


def feels_others(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    views = shown(images, hidden)
    means: Scores = np.nan_to_num(views).clip(-1, 1).mean(axis=(1, 2))
    return scored(views) * (1 + 1e-9 * (float(means.sum()) - means)[:, None])


def never_repeats(model: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    return scored(shown(images, hidden)) * (1 + 1e-9 * (model.calls % 7))


LEAKS = {one.__name__: one for one in (sees_hidden, feels_others, never_repeats)}


@pytest.mark.parametrize("wish", [None, "bitwise", "margin"])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("scoring", LEAKS.values(), ids=LEAKS)
def test_threat_21_no_margin_takes_over_for_what_leaks(scoring: Any, batch_size: int, wish: Any) -> None:
    if scoring is feels_others and batch_size == 1:
        return
    with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match="No margin allows for that"):
        found(Model(scoring, batch_size), numerics=wish)
    with np.errstate(all="ignore"):
        assert found(Model(scoring, batch_size), min_margin=1e-3)[0] == "margin"  # as typed


@pytest.mark.parametrize("wish", [None, "bitwise", "margin"])
def test_threat_20_a_leak_in_the_fastest_size_stops_though_one_row_at_a_time_would_hold(wish: Any) -> None:
    @dataclass
    class Leaky(Sized):
        def scores(self, images: Sequence[Any], hidden: BoolArray) -> Scores:
            return feels_others(Model(), images, hidden)

    with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match=r"or type batch_size=1 \(--batch-size 1\)"):
        found(Leaky({4: 0.0, 1: 0.0}), numerics=wish)
    assert found(Leaky({1: 0.0}, batch_size=1)) == ("bitwise", 1, 0.0)


def report(kind: Kind, deviation: float) -> ProbeReport:
    return ProbeReport(
        (Finding("the same", True, 0.0, "repeat"), Finding("one", deviation == 0, deviation, kind, 1.0, deviation))
    )


@given(st.floats(1e-17, 1.0), st.floats(0, 0.1))
def test_a_margin_that_takes_over_is_a_hundred_times_what_was_seen(drift: float, least: float) -> None:
    margin = report("place", drift).sufficient_margin(least)
    if 100 * drift > 0.01:
        assert margin is None
    else:
        assert margin is not None
        assert margin >= 100 * drift * (1 - 1e-15)
        assert margin >= least
        assert margin <= max(least, 2 * 100 * drift)
    assert (FACTOR, LIMIT) == (100, 0.01)


@given(st.sampled_from(["repeat", "rows", "hidden"]), st.floats(0, 1.0, exclude_min=True))
def test_nothing_but_the_place_of_a_row_is_rounding(kind: Any, deviation: float) -> None:
    assert report(kind, deviation).sufficient_margin(1e-4) is None
    assert report("place", float("inf")).sufficient_margin(1e-4) is None


def way(size: int, kind: Kind, deviation: float) -> ComputeSetting:
    return ComputeSetting(evaluator_of(Model(batch_size=size), MASKS), None, report(kind, deviation))


sizes = st.sampled_from([1, 2, 4, 8])
deviations = st.sampled_from([0.0, 0.0, 1e-8, 1e-5, 1e-3, 1.0])


@given(st.lists(st.tuples(sizes, deviations), min_size=1, max_size=5), st.sampled_from([None, "bitwise", "margin"]))
def test_what_is_taken_is_carried_by_what_was_seen_of_it(told: list[tuple[int, float]], wish: Any) -> None:
    """Whatever the order: bits where bits are said, else a margin of a hundred times the drift; else an error."""
    ways = [way(size, "place", 0.0 if size == 1 else deviation) for size, deviation in told]
    try:
        chosen = choose_setting(ways, NumericsRequest(wish))
    except ProbeFailed:
        assert wish == "bitwise" or all(one.report.sufficient_margin(0.0) is None for one in ways)
        assert not any(one.report.bitwise for one in ways)
        return
    held = [one for one in ways if one.report.bitwise]
    if chosen.numerics == "bitwise":
        assert chosen.setting.report.bitwise
        assert chosen.min_margin == 0
        assert wish != "margin"
    else:
        assert wish != "bitwise"
        assert chosen.min_margin >= max(1e-4, 100 * chosen.setting.report.drift)
        assert wish == "margin" or all(one.alone for one in held)
    assert (chosen.warning is not None) == (chosen.numerics == "margin" and wish is None)


# Runs go on as they began.


def certified(out: Path, model: Any, **options: Any) -> None:
    run(model, IMAGES, LABELS, MASKS, out, shard_size=1, **options)


def test_a_run_under_a_margin_that_took_over_goes_on_under_that_margin(tmp_path: Path) -> None:
    with pytest.warns(MaskcoverWarning, match=TAKES_OVER):
        certified(tmp_path, Sized({4: 9e-6, 1: 0.0}), shard=(0, 2))
    config = Folder(tmp_path).existing()
    assert (config.document["numerics"], config.min_margin, config.batch_size) == ("margin", 9e-4, 4)
    certified(tmp_path, Sized({1: 0.0, 4: 5e-6}), shard=(1, 2))  # less of it was seen, and 1 would be faster now
    assert Folder(tmp_path).existing().document == config.document
    assert replay(tmp_path, Sized({4: 9e-6}), IMAGES, LABELS).differences == ()
    with pytest.raises(InvalidInput, match=r"margin: 0\.0009 before, 0\.002 now"):
        certified(tmp_path, Sized({4: 2e-5}), min_margin=0.002)


def test_a_run_to_the_bit_does_not_go_on_without_bits(tmp_path: Path) -> None:
    certified(tmp_path, Sized({4: 0.0}), shard=(0, 2))
    with pytest.raises(ProbeFailed, match="Type min_margin"):
        certified(tmp_path, Sized({4: 1e-7, 2: 0.0}), shard=(1, 2))


def test_what_serves_computes_in_the_size_that_was_chosen() -> None:
    result = certify(Sized({2: 0.0, 4: 0.0}), IMAGES, LABELS, MASKS)
    server = Sized({4: 0.0})
    assert defend(server, result)(list(IMAGES)) == result.defended.tolist()
    assert server.probed == [2]


def test_other_images_that_cannot_be_used_are_left_out_of_the_probes(tmp_path: Path) -> None:
    class Some:
        def __len__(self) -> int:
            return 30

        def __getitem__(self, number: int) -> Any:
            if number:
                raise OSError("gone")
            return IMAGES[0]

    done = run(Model(), Some(), [LABELS[0]] * 30, MASKS, tmp_path)
    assert (done.rows, done.errors) == (30, 29)


@pytest.mark.parametrize("shown_bar", [True, False])
def test_probes_show_that_they_take_their_time(shown_bar: bool, capsys: pytest.CaptureFixture[str]) -> None:
    certify(Model(), IMAGES, LABELS, MASKS, progress=shown_bar)
    assert ("probing" in capsys.readouterr().err) == shown_bar


def test_a_run_that_goes_on_takes_no_smaller_margin_over() -> None:
    wanted = NumericsRequest.of("margin", None, Sized({}), least_margin=5e-4)
    assert choose_setting([way(4, "place", 1e-6)], wanted).min_margin == 5e-4
    assert choose_setting([way(4, "place", 9e-6)], wanted).min_margin == pytest.approx(9e-4)
