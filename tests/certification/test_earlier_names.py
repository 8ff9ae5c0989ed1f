"""Names of version 0.1 work for one release, with a warning that says the name of now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning
from maskcover.certification.certifying import certify
from maskcover.classifiers import Answers, evaluator_of
from tests.defense.naive import Looker, image_of, singles

MASKS = singles(3)
IMAGES = [image_of(np.full((3, 3), 1), MASKS, bare=1)]


def test_a_margin_is_a_least_margin() -> None:
    with pytest.warns(MaskcoverWarning, match="margin= is now min_margin="):
        result = certify(Looker(), IMAGES, [1], MASKS, margin=0.125)
    assert result.min_margin == 0.125
    with pytest.warns(MaskcoverWarning, match=r"CertificationResult\.margin is now CertificationResult\.min_margin"):
        assert result.margin == 0.125
    with pytest.warns(MaskcoverWarning, match=r"Verdict\.lead is now Verdict\.margin"):
        assert result.verdicts[0].lead == result.verdicts[0].margin
    with pytest.warns(MaskcoverWarning, match=r"Certificate\.good is now Certificate\.certifying"):
        assert result.verdicts[0].certificate.good == (0, 1, 2)


def test_shares_are_fractions_and_an_explanation_has_a_text() -> None:
    result = certify(Looker(), IMAGES, [1], MASKS)
    explanation = mc.explain(Looker(), IMAGES, MASKS, label=1)
    with pytest.warns(MaskcoverWarning, match="share is now CertificationResult.certified_fraction"):
        assert result.share(0) == result.certified_fraction(0) == 1
    with pytest.warns(MaskcoverWarning, match="share is now Explanation.certified_fraction"):
        assert explanation.share == explanation.certified_fraction == 1
    with pytest.warns(MaskcoverWarning, match="told is now Explanation.text"):
        assert explanation.told() == explanation.text() == str(explanation)


def test_both_names_at_once_are_refused() -> None:
    with (
        pytest.warns(MaskcoverWarning, match="margin= is now min_margin="),
        pytest.raises(InvalidInput, match="give min_margin= alone"),
    ):
        certify(Looker(), IMAGES, [1], MASKS, margin=0.125, min_margin=0.125)


def test_answers_of_a_batch_have_margins() -> None:
    answers = Answers(np.array([1]), np.array([0.5]), np.array([0.9]))
    with pytest.warns(MaskcoverWarning, match=r"Answers\.leads is now Answers\.margins"):
        assert answers.leads is answers.margins


def test_explain_and_run_take_it_too(tmp_path: Path) -> None:
    with pytest.warns(MaskcoverWarning, match="margin= is now min_margin="):
        assert mc.explain(Looker(), IMAGES, MASKS, label=1, margin=0.0).certified
    with pytest.warns(MaskcoverWarning, match="margin= is now min_margin="):
        mc.run(Looker(), IMAGES, [1], MASKS, tmp_path / "run", margin=0.0)


def test_an_evaluator_that_calls_overwriting_altering_is_taken() -> None:
    class Old:
        """An evaluator of before, of another distribution."""

        masks, batch_size, depth, classes, least_scale = MASKS, 4, 1, None, 0.0

        def altered(self, image: Any, hidden: Any, value: Any) -> Any:
            return ("altered", image, hidden, value)

    class Brings(Looker):
        def evaluator(self, *_: Any) -> Any:
            return Old()

    with pytest.warns(MaskcoverWarning, match=r"Old\.altered is now overwritten"):
        made = evaluator_of(Brings(), MASKS)
    assert made.overwritten(1, None, 2.0) == ("altered", 1, None, 2.0)
