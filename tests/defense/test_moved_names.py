"""Names that stood in `maskcover.defense` before it was four packages are still found there, with a warning."""

from __future__ import annotations

from importlib import import_module

import pytest

import maskcover.defense
import maskcover.runs
from maskcover.classifiers import margins
from maskcover.errors import MaskcoverWarning


@pytest.mark.parametrize("name", ["certify", "explain", "load_classifier", "top_labels", "probe", "Fingerprint"])
def test_a_moved_name_is_found_with_a_warning_that_says_where_it_is(name: str) -> None:
    with pytest.warns(MaskcoverWarning, match=rf"maskcover\.defense\.{name} is now maskcover\.\w+\.{name}") as seen:
        found = getattr(maskcover.defense, name)
    home = str(seen[0].message).split(" is now ")[1].rpartition(".")[0]
    assert found is getattr(import_module(home), name)


def test_names_that_changed_too_are_found() -> None:
    with pytest.warns(MaskcoverWarning, match=r"maskcover\.defense\.leads is now maskcover\.classifiers\.margins"):
        assert maskcover.defense.leads is margins


def test_a_changed_row_of_a_replay_is_found_under_its_earlier_name() -> None:
    with pytest.warns(MaskcoverWarning, match=r"maskcover\.runs\.Flip is now maskcover\.runs\.ChangedRow"):
        assert maskcover.runs.Flip is maskcover.runs.ChangedRow
    with pytest.raises(AttributeError, match="no attribute 'Flop'"):
        _ = maskcover.runs.Flop


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'cretify'"):
        _ = maskcover.defense.cretify
