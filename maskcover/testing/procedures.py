"""`ProcedureContract`: tests in worlds so small that every attack on every certificate can be tried."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import FrozenInstanceError, dataclass, fields
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from maskcover.cells import BoolArray, Cells, IntArray
from maskcover.certification import certify, predict_with
from maskcover.certification.certifying import bound
from maskcover.classifiers import MaskedClassifier, evaluator_of
from maskcover.covering.placements import PlacementMap
from maskcover.defense import Answer, Pending, PredictionTable, Procedure, includes
from maskcover.engine.queue import run_queries
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Slot, parse_regions

_CLASSES = 3
_HIDDEN = 2  # the digit of a hidden cell; the others are 0 and 1


@dataclass(frozen=True)
class World:
    """Images of a few cells, each 0 or 1, with masks and an attacker.

    Args:
        masks: The mask set; its grid is the image.
        regions: The text of the region set that the attacker chooses from; by default the one that the masks claim to
            cover.
    """

    masks: MaskSet
    regions: str | None = None

    @property
    def attacker(self) -> RegionSet:
        """The regions that the attacker chooses from."""
        return parse_regions(self.regions or self.masks.regions or "")

    def hits(self) -> Iterator[BoolArray]:
        """The cells of each region that the attacker can choose, bool of the shape of an image."""
        grid = self.masks.grid
        for term in self.attacker.terms(grid):
            for placement in product(*map(_patches, term.slots)):
                yield np.any([cells.to_array(grid) for cells in placement], axis=0)

    def attacked(self, image: IntArray) -> Iterator[IntArray]:
        """Every image that differs from the given one inside a single region only; the image itself is included."""
        for hit in self.hits():
            yield from attacked_inside(image, hit)

    def attacked_on(self, placements: PlacementMap, image: IntArray) -> Iterator[IntArray]:
        """Every image that differs from the given one inside a placement that a map marks as certified."""
        grid = self.masks.grid
        for stencil, _, certified in placements.placements():
            for place in np.argwhere(certified).tolist():
                yield from attacked_inside(image, stencil.at(tuple(place)).to_array(grid))


WORLDS = (
    World(MaskSet.from_boxes([(0, 0, 1, 3), (0, 2, 1, 3), (0, 3, 1, 3)], (1, 6), regions="rectangle(1, 2)")),
    World(
        MaskSet.from_boxes([(0, 0, 2, 3), (0, 1, 2, 3), (1, 0, 2, 3), (1, 1, 2, 3)], (3, 4), regions="rectangle(1, 2)")
    ),
    World(MaskSet.from_boxes([(0, 0, 1, 2), (0, 1, 1, 2), (0, 2, 1, 2)], (1, 4), regions="squares(size=1)")),
)
"""Three worlds: a line, a plane, and a line with masks that overlap twice."""


class ProcedureContract:
    """The contract of a procedure: in small worlds no attack breaks a certificate (docs/theory.md, The defence).

    A subclass, whose name must begin with ``Test``, gives `procedures`, the values under test. It gives `worlds` too if
    the procedure cannot use the masks of the built-in ones, and overrides `model` if it needs predictions of another
    kind.

    >>> from maskcover.defense import DoubleMasking
    >>> class TestDoubleMasking(ProcedureContract):
    ...     procedures = (DoubleMasking(), DoubleMasking(rule="all-pairs"))
    """

    procedures: Sequence[Procedure] = ()
    worlds: Sequence[World] = WORLDS
    models: int = 60
    """The number of random models in each world; most of them are right about nearly all views of the image."""

    def test_it_is_an_immutable_value_with_a_text(self) -> None:
        """Equal values have equal texts and hashes, and the text has the arguments."""
        assert self.procedures, "a ProcedureContract needs `procedures`, the values under test"
        for procedure in self.procedures:
            call = ast.parse(str(procedure), mode="eval").body
            assert isinstance(call, ast.Call)
            assert isinstance(call.func, ast.Name)
            assert call.func.id == procedure.name
            same = type(procedure)(**{str(word.arg): ast.literal_eval(word.value) for word in call.keywords})
            assert same == procedure
            assert hash(same) == hash(procedure)
            assert str(same) == str(procedure)
            for field in fields(procedure):  # type: ignore[arg-type]  # a procedure is a dataclass
                with pytest.raises(FrozenInstanceError):
                    setattr(procedure, field.name, getattr(procedure, field.name))

    def test_no_certificate_is_broken_by_any_attack(self) -> None:
        """Whatever a region holds, the answer is the label, or an alert if the procedure may give alerts."""
        for named in self.procedures:
            certified = 0
            for world, model, image, label in self._cases():
                result = certify(model, [image], [label], world.masks, regions=world.regions, procedure=named)
                certified += int(result.certified.sum())
                procedure = result.procedure
                if result.certified[0]:
                    attacked = list(world.attacked(image))
                    answers = _answers(model, attacked, result.masks, procedure)
                    for changed, answer in zip(attacked, answers, strict=True):
                        right = includes(answer, label) or (answer.alert and procedure.may_alert)
                        assert right, (procedure, answer, label, image.tolist(), changed.tolist())
            assert certified, f"{named} certified no image at all, so nothing was tested"

    def test_no_attack_at_a_placement_on_its_map_changes_the_answer(self) -> None:
        """A map of certified placements marks those alone at which every attack fails; all of them if certified."""
        for named in self.procedures:
            marked = 0
            for world, model, image, label in self._cases():
                procedure, covers = bound(named, world.masks, world.regions)
                table = _whole_table(model, image, covers.masks, procedure)
                placements = procedure.certified_map(table, label, covers, 0.0)
                if placements is None:
                    continue
                certificate = procedure.certificate(table, label, covers, 0.0)
                assert not isinstance(certificate, Pending)
                # The rule "all-pairs" certifies less than its rows would.
                assert certificate.certified == (placements.fraction == 1) or getattr(named, "rule", "") == "all-pairs"
                assert placements.fraction == 1 or not certificate.certified
                attacked = list(world.attacked_on(placements, image))
                answers = _answers(model, attacked, covers.masks, procedure)
                for changed, answer in zip(attacked, answers, strict=True):
                    right = includes(answer, label) or (answer.alert and procedure.may_alert)
                    assert right, (procedure, answer, label, image.tolist(), changed.tolist())
                marked += len(attacked) if placements.fraction < 1 else 0
            assert marked or not named.maps_itself, f"{named} marked no placement of an uncertified image"

    def test_what_the_engine_stops_early_is_what_the_whole_table_says(self) -> None:
        """A table with gaps gives the same answer and the same verdict as a table without gaps."""
        for named in self.procedures:
            for world, model, image, label in self._cases():
                procedure, covers = bound(named, world.masks, world.regions)
                table = _whole_table(model, image, covers.masks, procedure)
                answer = procedure.answer(table)
                certificate = procedure.certificate(table, label, covers, 0.0)
                assert not isinstance(answer, Pending)
                assert not isinstance(certificate, Pending)
                result = certify(model, [image], [label], world.masks, regions=world.regions, procedure=named)
                assert result.certified[0] == certificate.certified
                assert result.verdicts[0].defended == answer
                assert _answers(model, [image], covers.masks, procedure) == [answer]

    def test_predictions_that_cannot_be_relied_on_certify_nothing(self) -> None:
        """With a least margin that no prediction exceeds there is no certificate; a margin of 0 changes nothing."""
        for named in self.procedures:
            for world, model, image, label in self._cases():
                procedure, covers = bound(named, world.masks, world.regions)
                table = _whole_table(model, image, covers.masks, procedure)
                certificate = procedure.certificate(table, label, covers, 10.0)
                assert procedure.requires_bits or isinstance(certificate, Pending) or not certificate.certified

    def model(
        self, random: np.random.Generator, world: World, image: IntArray, label: int, *, wrong: int
    ) -> MaskedClassifier:
        """A random classifier of three classes; a subclass may make one whose masked predictions mean something else.

        Args:
            random: The source of chance.
            world: The world.
            image: The image of the case.
            label: Its label.
            wrong: How much the classifier is wrong: 0, 1, 2, or 3 for not right about anything.
        """
        return _Model.random(random, world, image, label, wrong=wrong)

    def _cases(self) -> Iterator[tuple[World, MaskedClassifier, IntArray, int]]:
        random = np.random.default_rng(0)
        for world in self.worlds:
            for number in range(self.models):
                image = random.integers(0, 2, world.masks.grid.shape)
                label = int(random.integers(_CLASSES))
                yield world, self.model(random, world, image, label, wrong=number % 4), image, label


class _Model:
    """A classifier of small images: a random function of the visible cells, with scores for three classes."""

    batch_size = 8

    def __init__(self, scores: npt.NDArray[np.float64], chosen: dict[int, npt.NDArray[np.float64]]) -> None:
        self._scores, self._chosen = scores, chosen

    @classmethod
    def random(cls, random: np.random.Generator, world: World, image: IntArray, label: int, *, wrong: int) -> _Model:
        """A random model that is right about all views of an image except `wrong` ones; for 3, not about any view."""
        model = cls(random.normal(size=(4096, _CLASSES)) * 3, {})
        if wrong == 3:
            return model
        hidden = np.concatenate([np.asarray(world.masks), np.zeros((1, *world.masks.grid.shape), np.bool_)])
        unions = [first | second for first in hidden for second in hidden]
        unions += [hides for level in world.masks.levels for hides in np.asarray(level)]
        views = sorted({int(code) for code in _codes(np.stack([image] * len(unions)), np.stack(unions))})
        for code in views:
            model._chosen[code] = random.normal(size=_CLASSES) + 6 * np.eye(_CLASSES)[label]
        for code in random.choice(views, size=min(wrong, len(views)), replace=False).tolist():
            model._chosen[code] = random.normal(size=_CLASSES) + 6 * np.eye(_CLASSES)[(label + 1) % _CLASSES]
        return model

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """Scores that are a function of the cells that are not hidden."""
        codes = _codes(np.stack(images), hidden).tolist()
        return np.stack([self._chosen.get(code, self._scores[code % len(self._scores)]) for code in codes])


def _codes(images: IntArray, hidden: BoolArray) -> IntArray:
    """A number for the view of each image: its cells as digits in base 3."""
    digits = np.where(hidden, _HIDDEN, images).reshape(len(images), -1)
    return np.asarray(digits @ 3 ** np.arange(digits.shape[1]), dtype=np.int64)


def _answers(model: MaskedClassifier, images: Sequence[IntArray], masks: MaskSet, procedure: Procedure) -> list[Answer]:
    return predict_with(evaluator_of(model, masks), images, procedure)


def _whole_table(model: MaskedClassifier, image: IntArray, masks: MaskSet, procedure: Procedure) -> PredictionTable:
    """The table of an image with every prediction that the procedure may ask for."""

    def decide(_: int, table: PredictionTable) -> PredictionTable | Pending:
        bare = [[-1, -1]]
        pairs = np.concatenate([np.array(bare), table.views.pairs])
        return table if table.evaluations else Pending(pairs)

    evaluator = evaluator_of(model, masks)
    evaluator.observation = procedure.observation
    [(_, table)] = run_queries(evaluator, [image], decide, views=procedure.views)
    return table


def attacked_inside(image: IntArray, hit: BoolArray) -> Iterator[IntArray]:
    """Every image that differs from the given one in the cells that are hit only."""
    for content in product((0, 1), repeat=int(hit.sum())):
        changed = image.copy()
        changed[hit] = content
        yield changed


def _patches(slot: Slot) -> Iterator[Cells]:
    """Every patch of a slot, at every place."""
    for stencil in slot:
        for box in stencil.places.boxes:
            yield from map(stencil.at, product(*map(range, box.start, box.stop)))
