"""Runs of defences with levels: what their rows answer later, with levels and without, and at which margins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, MaskSet
from maskcover.defense import DoubleMasking, Procedure
from maskcover.runs import open_run, run
from tests.defense.test_levels import BOUND, HALVES, MASKS, Scored, images_and_labels


@pytest.mark.parametrize("made", [*BOUND, DoubleMasking()], ids=str)
def test_a_finished_run_answers_with_its_levels_and_without(made: Procedure, tmp_path: Path) -> None:
    (images, labels), masks = images_and_labels(64), MASKS.with_levels(HALVES)
    model = Scored(1)
    run(model, images, labels, masks, tmp_path, procedure=made)
    opened, without = open_run(tmp_path), DoubleMasking()
    assert opened.parts[0].masks == masks
    for asked in (made, without):
        for regions in (None, "rectangle(1, 1)"):
            fresh = mc.certify(model, images, labels, masks, regions=regions, procedure=asked)
            answers = opened.answers(regions, procedure=asked)
            answered = answers.answered
            assert answers.certified[answered].tolist() == fresh.certified[answered].tolist()
            assert answered.all() if regions is None else answered.sum() > 40
            labelled = answers.defended_answered
            assert answers.defended[labelled].tolist() == fresh.defended[labelled].tolist()
    by_masks = mc.certify(model, images, labels, masks, procedure=made).certified_by_masks
    assert opened.certified(procedure=without).tolist() == by_masks.tolist()
    assert 0 < opened.certified().sum() <= by_masks.sum() < 64
    if made != without:
        assert opened.certified().sum() < by_masks.sum()


def test_a_run_refuses_levels_that_it_has_no_predictions_for(tmp_path: Path) -> None:
    images, labels = images_and_labels(8)
    run(Scored(1), images, labels, MASKS, tmp_path)
    with pytest.raises(InvalidInput, match=r"no predictions under these levels \(its levels, in masks: none\)"):
        open_run(tmp_path).certified(procedure=DoubleMasking(first_round="masks(2)"))


@pytest.mark.parametrize("levels", [(HALVES,), (HALVES, MASKS)], ids=["one level", "two levels"])
@pytest.mark.parametrize("lead", [1.4, 2.5])
def test_the_margin_curve_counts_the_predictions_of_levels(
    lead: float, levels: tuple[MaskSet, ...], tmp_path: Path
) -> None:
    (images, labels), masks = images_and_labels(64), MASKS.with_levels(*levels)
    model = Scored(1, lead)
    run(model, images, labels, masks, tmp_path, procedure=BOUND[0])
    margins, fractions = open_run(tmp_path).margin_curve()
    assert len(margins) > 2
    result = mc.certify(model, images, labels, masks, procedure=BOUND[0])
    kept = np.array([verdict.margin for verdict in result.verdicts])
    assert margins.tolist() == sorted({0.0, *kept[result.certified].tolist()})
    # Here every mask is needed to cover, so that a certificate holds up to the smallest of its margins.
    for margin, fraction in zip(margins.tolist(), fractions.tolist(), strict=True):
        assert (result.certified & (kept > margin)).mean() == fraction
        # A margin that is named counts as a fraction of the usual scores, where these are larger than those of a view.
        assert (
            mc.certify(model, images, labels, masks, procedure=BOUND[0], min_margin=margin).certified.mean() <= fraction
        )
    alone = [verdict.margin for verdict in mc.certify(model, images, labels, masks).verdicts]
    assert lead < 2 or any(0 < mine < other for mine, other in zip(kept, alone, strict=True))
    assert lead > 2 or result.certified.sum() < result.certified_by_masks.sum()
