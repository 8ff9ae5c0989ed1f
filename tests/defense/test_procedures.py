"""Procedures as values: their texts, the contract, and one of another distribution, which everything takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from plurality import Plurality
from test_plurality import BANDS

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning
from maskcover.certification.serving import attack
from maskcover.classifiers.observations import ClassesAbove, Observation
from maskcover.covering.containment import Containment
from maskcover.defense import (
    Answer,
    Certificate,
    ChallengerMasking,
    Detection,
    DoubleMasking,
    Pending,
    PredictionTable,
    Procedure,
    parse_procedure,
    texts,
)
from maskcover.defense.answers import Case, Defended
from maskcover.defense.procedure import first_look
from maskcover.defense.texts import procedure_in, procedure_of
from maskcover.errors import MissingExtra
from maskcover.masks import Views
from maskcover.runs import summary
from maskcover.testing import ProcedureContract, World
from tests.networks import Eighths

BUILT_IN = (
    DoubleMasking(), DoubleMasking(rule="all-pairs"), ChallengerMasking(), Detection(0.5), Detection(0.9),
    DoubleMasking(first_round="pairs"), ChallengerMasking("all-pairs", first_round="pairs"),
)  # fmt: skip
LOW = (Detection(0.0, alert_below=0.9), Detection(0.9, alert_below=0.7), Detection(0.99, alert_below=0.999))


class TestBuiltIn(ProcedureContract):
    procedures = BUILT_IN


class TestDetectionWithAlertsOnLowConfidence(ProcedureContract):
    procedures = LOW


@dataclass(frozen=True)
class Votes(Procedure):
    """Every view votes for each class with enough confidence: de-randomised smoothing, in its simplest form."""

    threshold: float

    name: ClassVar[str] = "votes"
    needs_bits: ClassVar[bool] = True
    needs_cover: ClassVar[bool] = False
    forgotten: ClassVar[int] = 0

    @property
    def observation(self) -> Observation:  # type: ignore[override]  # by the threshold
        return ClassesAbove(self.threshold)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        if look := first_look(table):
            return look
        return Defended(int(self._of(table, np.ones(table.masks, np.bool_)).argmax()), Case.MAJORITY)

    def certificate(
        self,
        table: PredictionTable,
        label: int,
        covers: Containment,
        min_margin: float,  # noqa: ARG002  # no margin carries it over
    ) -> Certificate | Pending:
        certified = True
        for signature in covers.signatures or (0,):
            inside = np.array([bool(signature >> mask & 1) for mask in range(table.masks)])
            votes = self._of(table, inside)
            ahead = votes[label] - votes - (np.arange(len(votes)) < label)
            certified &= bool((np.delete(ahead, label) >= (~inside).sum() - self.forgotten).all())
        return Certificate(certified, (), None, complete=True)

    @staticmethod
    def _of(table: PredictionTable, chosen: Any) -> Any:
        assert table.observed is not None
        return table.observed[table.views.singles[chosen]].sum(axis=0)


class TestVotes(ProcedureContract):
    procedures = (Votes(0.4), Votes(0.9))
    worlds = (World(BANDS), World(BANDS, "rectangle(1, 2)"))


class TestExample(ProcedureContract):
    procedures = (Plurality(),)
    worlds = (World(BANDS), World(BANDS, "patches(squares(size=1), k=2)"))


class Generous(DoubleMasking):
    """Forgets the last row."""

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        return super().certificate(table, label, lambda some: covers(some | (np.arange(len(some)) == 0)), min_margin)  # type: ignore[arg-type]


class Forgetful(Detection):
    """Never looks whether the masks agree."""

    def answer(self, table: PredictionTable) -> Answer | Pending:
        return first_look(table) or Defended(table.undefended, Case.NO_ALERT)


class Hopeful(Votes):
    """Counts one view too few that a region can change."""

    forgotten: ClassVar[int] = 1


@pytest.mark.parametrize(
    ("broken", "worlds"),
    [(Generous(), None), (Forgetful(0.5), None), (Hopeful(0.4), (World(BANDS), World(BANDS, "rectangle(1, 2)")))],
    ids=["generous", "forgetful", "hopeful"],
)
def test_the_contract_refutes_procedures_that_are_wrong(broken: Procedure, worlds: tuple[World, ...] | None) -> None:
    contract = ProcedureContract()
    contract.procedures = (broken,)
    contract.worlds = worlds or contract.worlds
    with pytest.raises((AssertionError, InvalidInput), match=type(broken).__name__):
        contract.test_no_certificate_is_broken_by_any_attack()


@pytest.mark.parametrize(("label", "certified"), [(0, True), (1, False)])
def test_ties_of_votes_go_to_the_smaller_label(label: int, certified: bool) -> None:
    """Of 5 votes that stay 3 are for the label and 1 for another; with the 2 that may change there is a tie."""
    covers = Containment(BANDS, mc.squares(size=1))
    assert covers.signatures is not None
    worst = min(covers.signatures, key=int.bit_count)
    inside = [mask for mask in range(len(BANDS)) if worst >> mask & 1]
    labels = np.full(len(BANDS), label)
    labels[inside[0]], labels[inside[1]] = 1 - label, 2
    table = PredictionTable(BANDS.views(Views.SINGLE_MASKS))
    table.record(np.arange(len(BANDS) + 1), np.append(labels, label), np.ones(len(BANDS) + 1), np.ones(len(BANDS) + 1))
    table.classes = 3
    only = Containment(BANDS, mc.within(mc.squares(size=1), _place_of(worst)))
    found = Plurality().certificate(table, label, only, 0.0)
    assert isinstance(found, Certificate)
    assert found.certified == certified


def _place_of(signature: int) -> tuple[int, int, int, int]:
    """A cell that exactly these masks hide, as an area."""
    hidden = np.asarray(BANDS)[:, 0]
    match = [all(hidden[mask, cell] == bool(signature >> mask & 1) for mask in range(len(BANDS))) for cell in range(8)]
    return (0, match.index(True), 1, 1)


def test_a_contract_without_procedures_or_certificates_is_red() -> None:
    contract = ProcedureContract()
    with pytest.raises(AssertionError, match="the values under test"):
        contract.test_it_is_an_immutable_value_with_a_text()
    contract.procedures = (Plurality(),)
    with pytest.raises(AssertionError, match="certified no image at all"):
        contract.test_no_certificate_is_broken_by_any_attack()


@pytest.mark.parametrize("procedure", BUILT_IN, ids=str)
def test_a_procedure_comes_back_from_its_text_and_from_its_document(procedure: Procedure) -> None:
    assert parse_procedure(str(procedure)) == procedure == parse_procedure(procedure)
    assert procedure_in(procedure.document()) == procedure


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("double", "there is no procedure 'double'; there are double_masking, challenger_masking, detection"),
        ("double_masking(rule=rows)", "cannot read the procedure"),
        ("double_masking(**{})", "expected a procedure with its arguments"),
        ("double_masking(columns=3)", "unexpected keyword argument 'columns'"),
        ("double_masking(rule='columns')", "rule must be one of"),
        (
            "double_masking(first_round=grid(2, 'a', x=1))",
            r"first_round must be \"pairs\".*got \"grid\(2, 'a', x=1\)\"",
        ),
        ("double_masking(first_round='automatic')", r"first_round must be \"pairs\".*got 'automatic'"),
        ("challenger_masking(first_round=('pairs', 'pairs'))", "comes last"),
        ("challenger_masking(first_round=True)", "first_round must be"),
        ("detection()", "missing 1 required positional argument"),
        ("detection(2.0)", "threshold must be a number from 0 to 1"),
        ("__import__('os').system('true')", "expected a procedure with its arguments"),
        ("detection(" + "(" * 300 + ")", "cannot read the procedure"),
        ("", "cannot read the procedure"),
        (7, "expected a procedure or its text"),
    ],
)
def test_a_text_that_names_no_procedure_is_refused(text: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        parse_procedure(text)


def test_a_procedure_and_the_older_arguments_do_not_go_together() -> None:
    assert procedure_of("double_masking") == procedure_of(None) == procedure_of(None, "double") == DoubleMasking()
    with pytest.raises(InvalidInput, match="leave method, threshold out"):
        procedure_of("double_masking", "detect", 0.5)
    with pytest.raises(InvalidInput, match="leave exhaustive out"):
        procedure_of(DoubleMasking(), exhaustive=True)


def test_the_call_that_made_all_procedures_works_with_a_warning() -> None:
    with pytest.warns(MaskcoverWarning, match=r"write Detection\(threshold=0\.5, alert_below=None, top=1\)"):
        assert Procedure("detect", threshold=0.5) == Detection(0.5)  # type: ignore[abstract, call-arg]


def test_no_subclass_takes_the_place_of_a_built_in_method() -> None:
    class Impostor(DoubleMasking):
        method: ClassVar[str | None] = "double"

    class Stranger(Procedure):
        method: ClassVar[str | None] = "double"

    assert type(procedure_of(None, "double")) is DoubleMasking
    assert issubclass(Impostor, Procedure)
    assert issubclass(Stranger, Procedure)


# What follows is the example as if it were installed.


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = EntryPoints(
        EntryPoint(name, value, texts.GROUP)
        for name, value in (
            ("plurality", "plurality:Plurality"),
            ("gone", "no_such_module:Gone"),
            ("strange", "plurality:Vote"),
        )
    )
    monkeypatch.setattr(texts, "entry_points", lambda **_: known)


@pytest.mark.usefixtures("installed")
def test_what_cannot_be_loaded_says_what_is_missing() -> None:
    assert parse_procedure("plurality()") == Plurality()
    with pytest.raises(MissingExtra, match=r"the procedure gone cannot be imported .*no_such_module"):
        parse_procedure("gone()")
    with pytest.raises(InvalidInput, match="which is no Procedure"):
        parse_procedure("strange()")


SIDE = 8


def columns() -> mc.MaskSet:
    """Masks that hide all but two neighbouring columns."""
    grid = mc.Grid((SIDE, SIDE))
    hidden = np.ones((SIDE - 1, SIDE, SIDE), np.bool_)
    for left, mask in enumerate(hidden):
        mask[:, left : left + 2] = False
    return mc.MaskSet(grid, tuple(map(mc.Mask.from_array, hidden)), "squares(size=1)")


def model() -> torch.nn.Module:
    """Calls an image 0 when what it sees of it is bright: exact sums."""
    compare = torch.nn.Linear(SIDE * SIDE, 2, bias=False)
    with torch.no_grad():
        compare.weight.copy_(torch.stack([torch.ones(SIDE * SIDE), -torch.ones(SIDE * SIDE)]))
    return torch.nn.Sequential(Eighths(), torch.nn.Flatten(), compare).eval()


@pytest.mark.usefixtures("installed")
def test_a_procedure_of_another_distribution_runs_through_everything(tmp_path: Path) -> None:
    images = torch.ones(4, 1, SIDE, SIDE)
    images[2:] *= -1
    images[3, :, :, ::2] *= -1
    labels, masks, network = [0, 0, 1, 1], columns(), model()
    result = mc.certify(network, images, labels, masks, procedure="plurality()", batch_size=4)
    assert result.certified.tolist() == [True, True, True, False]
    assert "plurality()" in str(result)
    assert result.certified_fraction(0) == 1
    with pytest.raises(InvalidInput, match="certifies by more than single masks"):
        result.map(0)
    assert [answer.label for answer in mc.predict(network, images, result)] == result.defended.tolist()
    assert mc.defend(network, result)(images[:3]).argmax(dim=1).tolist() == [0, 0, 1]

    run = mc.run(network, images, labels, masks, tmp_path / "run", procedure="plurality()", batch_size=4)
    assert (run.certified, run.total) == (3, 4)
    assert summary(tmp_path / "run").certified == 3
    assert mc.run(network, images, labels, masks, tmp_path / "run", procedure=Plurality(), batch_size=4) == run
    all_of_it = mc.MaskSet(mc.Grid((SIDE, SIDE)), (mc.Mask([mc.Box((0, 0), (SIDE, SIDE))]),))
    with pytest.raises(InvalidInput, match=r"method: plurality\(\) before, double now"):
        mc.run(network, images, labels, all_of_it, tmp_path / "run", regions="squares(size=1)", batch_size=4)

    why = mc.explain(network, images, masks, number=0, label=0, procedure=Plurality(), batch_size=4)
    assert why.certified
    assert why.one_mask.tolist() == [0] * len(masks)
    assert "7 predictions under one mask" in str(why)
    with pytest.raises(InvalidInput, match="uses single masks only"):
        _ = why.table
    assert not mc.explain(network, images, masks, number=3, label=1, procedure=Plurality(), batch_size=4).certified

    report = attack(network, images, labels, masks, procedure=Plurality(), low=-1.0, high=1.0, steps=10, batch_size=4)
    assert report.certified.tolist() == result.certified.tolist()
    assert report.refutations == ()
    forged = attack(network, images[3:], labels[3:], masks, certified=[True], procedure=Plurality(), low=-1, high=1)
    assert forged.refutations == (0,)


def test_a_certificate_of_detection_is_attacked_too() -> None:
    # So dim that a patch turns the label of the image as it is, which raises an alert.
    images, masks = torch.full((2, 1, SIDE, SIDE), 0.125), mc.cover(mc.squares(size=3), SIDE, grid=(2, 2))
    report = attack(model(), images, [0, 0], masks, method="detect", threshold=0.6, low=-1.0, high=1.0, batch_size=4)
    assert report.certified.all()
    assert report.refutations == ()


def test_a_wrong_label_with_an_alert_is_no_success_of_an_attack() -> None:
    # A dark patch turns the label of the image as it is; the masks that hide it raise the alert. Bright paint helps it.
    image, masks = torch.full((1, SIDE, SIDE), 0.125), mc.cover(mc.squares(size=3), SIDE, grid=(2, 2))
    image[:, :3, :3] = -1.0
    assert int(model()(image[None]).argmax()) == 1
    report = attack(
        model(), image[None], [0], masks, certified=[True], method="detect", threshold=0.6, low=0.5, high=1.0,
        steps=10, batch_size=4,
    )  # fmt: skip
    assert report.refutations == ()


def test_a_procedure_that_compares_numbers_takes_no_margin() -> None:
    images = torch.ones(2, 1, SIDE, SIDE)
    with pytest.raises(InvalidInput, match="compares numbers such as confidences with a threshold"):
        mc.certify(model(), images, [0, 0], columns(), procedure=Votes(0.4), min_margin=0.01, batch_size=4)


@dataclass(frozen=True)
class Careless(Procedure):
    """Answers with the label of the image as it is, and certifies whatever it is asked about."""

    name: ClassVar[str] = "careless"

    def answer(self, table: PredictionTable) -> Answer | Pending:
        return first_look(table) or Defended(table.undefended, Case.AGREED)

    def certificate(
        self,
        table: PredictionTable,  # noqa: ARG002  # it looks at nothing
        label: int,  # noqa: ARG002
        covers: Containment,  # noqa: ARG002
        min_margin: float,  # noqa: ARG002
    ) -> Certificate | Pending:
        return Certificate(certified=True, certifying=(), failing=None, complete=True)


def test_a_procedure_that_says_nothing_of_margins_needs_bits() -> None:
    images, masks = torch.ones(1, 1, SIDE, SIDE), mc.cover(mc.squares(size=2), SIDE, grid=(2, 2))
    with pytest.raises(InvalidInput, match="a margin of scores does not allow for changes of those"):
        mc.certify(model(), images, [0], masks, procedure=Careless(), min_margin=0.01, batch_size=4)


def test_observed_numbers_need_bits_whatever_a_procedure_says() -> None:
    @dataclass(frozen=True)
    class Sure(Votes):
        needs_bits: ClassVar[bool] = False

    assert Sure(0.4).requires_bits
    with pytest.raises(InvalidInput, match="a margin of scores does not allow for changes of those"):
        mc.certify(model(), torch.ones(1, 1, SIDE, SIDE), [0], columns(), procedure=Sure(0.4), min_margin=0.01)


def test_a_certificate_that_the_clean_image_breaks_is_an_error() -> None:
    images, masks = torch.ones(1, 1, SIDE, SIDE), mc.cover(mc.squares(size=2), SIDE, grid=(2, 2))
    for call in (
        lambda: mc.certify(model(), images, [1], masks, procedure=Careless(), batch_size=4),
        lambda: mc.explain(model(), images, masks, label=1, procedure=Careless(), batch_size=4),
    ):
        with pytest.raises(InvalidInput, match=r"Careless\(\) certifies the label 1 of an image to which it answers 0"):
            call()


def test_masks_that_cover_nothing_are_refused_only_where_a_cover_is_needed() -> None:
    images, masks = torch.ones(1, 1, SIDE, SIDE), columns()[:1]
    assert not mc.certify(model(), images, [0], masks, procedure=Plurality(), batch_size=4).certified[0]
    with pytest.raises(mc.NotCovering):
        mc.certify(model(), images, [0], masks, procedure=DoubleMasking(), batch_size=4)


def test_very_many_single_masks_are_neither_refused_nor_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bright:
        batch_size = 4
        most = 0

        def scores(self, images: Any, hidden: Any) -> Any:
            self.most = max(self.most, len(hidden))
            light = np.array([(image * ~hide).sum() for image, hide in zip(images, hidden, strict=True)])
            return np.stack([light, -light], axis=1)

    side = 24
    boxes = [[(top, left, 3, 3)] for top in range(side - 2) for left in range(side - 2)]
    hidden = mc.MaskSet.from_boxes(boxes, side, regions="squares(size=2)")
    drawn: Counter[mc.Mask] = Counter()
    monkeypatch.setattr("maskcover.masks.drawing.MOST_CELLS_DRAWN", 1)
    draw = mc.Mask.to_array

    def counted(mask: mc.Mask, grid: mc.Grid) -> Any:
        drawn[mask] += 1
        return draw(mask, grid)

    monkeypatch.setattr(mc.Mask, "to_array", counted)
    monkeypatch.setattr("maskcover.masks.maskset.distinct_unions", lambda *_: pytest.fail("unions were worked out"))
    images = np.ones((1, side, side))
    result = mc.certify(Bright(), images, [0], hidden, procedure=Detection(0.5), probes=False)
    assert result.certified.tolist() == [True]
    assert result.verdicts[0].evaluations == len(hidden) + 1
    assert len(drawn) == len(hidden)
    assert sum(drawn.values()) < 2 * len(hidden)


def test_a_union_is_refused_where_single_masks_were_to_be_asked_for() -> None:
    table = PredictionTable(columns().views(Views.SINGLE_MASKS))
    with pytest.raises(InvalidInput, match="asked for a union of two masks"):
        table.missing(Pending(np.array([[0, 1]])))
    with pytest.raises(InvalidInput, match="single masks only"):
        _ = table.matrix
