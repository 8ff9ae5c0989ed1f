"""Named configurations: each text makes the procedure that its paper describes."""

from __future__ import annotations

import pytest

from maskcover.defense import Procedure, RobustMasking, Voting, named, parse_procedure
from maskcover.errors import InvalidInput

CONFIGURATIONS = {
    "derandomized_smoothing()": Voting("bands(4)", 0.3),
    "derandomized_smoothing(25, 0.2)": Voting("bands(25)", 0.2),
    "derandomized_smoothing(12, kind='blocks', stride=2)": Voting("blocks(12, stride=2)", 0.3),
    "derandomized_smoothing(4, kind='rows')": Voting("bands(4, axis='rows')", 0.3),
    "smoothed_vit()": Voting("bands(19, stride=10)"),
    "clipped_bagnet()": Voting(evidence="tanh(0.05, -1)"),
    "bagcert()": Voting(evidence="clip(0, 1)"),
    "patchguard()": RobustMasking(0.0),
    "patchguard('squares(size=32)', threshold=0.5)": RobustMasking(0.5, windows="squares(size=32)"),
    "patchguard(width=25)": RobustMasking(0.0, "bands(25)", evidence="confidence"),
}


@pytest.mark.parametrize(("text", "procedure"), CONFIGURATIONS.items())
def test_a_text_makes_a_procedure_of_the_paper(text: str, procedure: Procedure) -> None:
    assert parse_procedure(text) == procedure
    assert parse_procedure(str(procedure)) == procedure


def test_every_configuration_is_read() -> None:
    functions = [name for name, value in vars(named).items() if getattr(value, "__module__", "") == named.__name__]
    assert len(functions) == 5
    for name in functions:
        assert any(text.startswith(f"{name}(") for text in CONFIGURATIONS)


@pytest.mark.parametrize("text", ["derandomized_smoothing(kind='discs')", "patchguard(0.5, 1, 2)", "smoothed_vit(x=1)"])
def test_wrong_arguments_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_procedure(text)
