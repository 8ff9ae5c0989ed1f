"""Serving in a loop: the evaluator is kept, notices every change, is safe in threads, and streams what it certified."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import DefendedModule, local, split
from maskcover_torch.glance import glance
from torch import nn

from maskcover import (
    FingerprintMismatch,
    InvalidInput,
    NumericContract,
    certify,
    cover,
    defend,
    receptive_fields,
    squares,
)
from maskcover.defense import ChallengerMasking, Detection, DoubleMasking, Procedure, Voting, labels_of
from maskcover.engine import Failed

pytestmark = pytest.mark.usefixtures("one_thread")

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
OTHERS = cover(squares(size=2), image_size=6, grid=(3, 3))
IMAGES = torch.randint(-3, 4, (6, 2, 6, 6), generator=torch.Generator().manual_seed(0)).float()


def whole(*shape: int, seed: int = 0) -> torch.Tensor:
    """Small whole numbers: sums of products of such are exact in whatever order they are added."""
    return torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(seed)).float()


def net() -> Any:
    """A network of whole numbers with a convolution, a part without tensors, and a head."""
    model: Any = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)).eval()
    for seed, value in enumerate(model.parameters()):
        value.data = whole(*value.shape, seed=seed)
    return model


def certified(model: Any, **options: Any) -> Any:
    with torch.inference_mode():
        labels = model(IMAGES).argmax(dim=1).tolist()
    return certify(model, IMAGES, labels, MASKS, **({"batch_size": 4} | options))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The evaluators that defended modules make, in order."""
    evaluators: list[Any] = []
    make = DefendedModule._new_evaluator

    def counted(self: DefendedModule) -> Any:
        evaluators.append(make(self))
        return evaluators[-1]

    monkeypatch.setattr(DefendedModule, "_new_evaluator", counted)
    return evaluators


@pytest.mark.parametrize("bound", [True, False])
def test_one_evaluator_serves_all_calls(bound: bool, made: list[Any]) -> None:
    model = net()
    served = defend(model, certified(model)) if bound else defend(model, MASKS)
    expected = served.decisions(IMAGES)
    for count in (1, 6, 0, 2):
        assert served.decisions(IMAGES[:count]) == expected[:count]
    assert list(served.stream(IMAGES)) == expected
    assert served(IMAGES).shape == (6, 3)
    assert served.explain_cost().agreeing == 4
    assert len(made) == 1


@pytest.mark.parametrize("procedure", [DoubleMasking(), DoubleMasking(first_round="pairs"), ChallengerMasking()])
def test_answers_are_those_of_the_rows_of_certify(procedure: Procedure) -> None:
    model = net()
    result = certified(model, procedure=procedure)
    served = defend(model, result)
    alone = [served.decisions(image[None])[0] for image in IMAGES]
    for answers in (alone, served.decisions(IMAGES), list(served.stream(IMAGES)), list(served.stream(IMAGES))):
        assert [answer.label for answer in answers] == result.defended.tolist()
        assert answers == alone


def test_the_first_labels_have_scores_in_their_order() -> None:
    """1 for the first label, 1/2 for the second of two; an alert has its own column, and no label a score."""
    model = net()
    procedures: tuple[Procedure, ...] = (Voting(evidence="clip(-1, 1)", top=2), Detection(0.2, top=2))
    for procedure in procedures:
        served = defend(model, MASKS, procedure=procedure)
        answers, scores = served.decisions(IMAGES), served(IMAGES)
        assert scores.shape == (6, 3 + procedure.may_alert)
        for answer, row in zip(answers, scores, strict=True):
            expected = {3: 1.0} if answer.alert else dict(zip(labels_of(answer), (1.0, 0.5), strict=True))
            assert {place: value for place, value in enumerate(row.tolist()) if value} == expected
        assert any(not answer.alert for answer in answers)


def narrower(part: Any) -> None:
    """Let a pooling take the first of two columns, so that the size of its output stays."""
    part.kernel_size, part.stride = (2, 1), (2, 2)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a weight": lambda served: served.model[3].weight.data.add_(1),
    "load_state_dict": lambda served: served.load_state_dict({n: v + 1 for n, v in served.state_dict().items()}),
    "double": lambda served: served.double(),
    "a hook": lambda served: served.model[0].register_forward_hook(lambda *call: -call[2]),
    "another part": lambda served: served.model.__setitem__(1, nn.AvgPool2d(2).eval()),
    "another part of the same class": lambda served: served.model.__setitem__(
        1, nn.MaxPool2d(2, ceil_mode=True).eval()
    ),
    "a setting of a part": lambda served: narrower(served.model[1]),
    "another model": lambda served: setattr(served, "model", nn.Sequential(*net(), nn.Softmax(dim=1)).eval()),
    "other masks": lambda served: vars(served).__setitem__("masks", OTHERS),
    "another fill": lambda served: vars(served).__setitem__("fill", (1.0,)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_threat_40_a_kept_evaluator_serves_nothing_that_was_changed(change: Callable[[Any], Any]) -> None:
    model = net()
    served = defend(model, certified(model))
    served(IMAGES)
    change(served)
    for call in (served, served.decisions, lambda images: next(served.stream(images))):
        with pytest.raises(FingerprintMismatch, match="call defend again"):
            call(IMAGES)


def test_threat_40_other_masks_are_noticed_where_no_score_tells() -> None:
    model = net()
    model[3].weight.data.zero_()
    model[3].bias.data = torch.tensor([1.0, 3.0, 2.0])
    served = defend(model, certified(model))
    served(IMAGES)
    CHANGES["other masks"](served)
    with pytest.raises(FingerprintMismatch, match="call defend again"):
        served(IMAGES)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_module_bound_to_nothing_computes_with_what_it_is_now(change: Callable[[Any], Any]) -> None:
    """As a module that is made after the change."""
    served = defend(net(), MASKS, batch_size=4)
    served(IMAGES)
    change(served)
    fresh = DefendedModule(served.model, served.masks, fill=served.fill, batch_size=4)
    assert served.decisions(IMAGES) == fresh.decisions(IMAGES)
    assert served.fingerprint == fresh.fingerprint


def test_a_model_in_another_precision_than_its_contract_is_copied_anew_at_each_call(made: list[Any]) -> None:
    """What is written through .data into the model reaches the copy."""
    served: Any = DefendedModule(net(), MASKS, contract=NumericContract(dtype="float64", batch_size=4))
    served.float()
    before = served.decisions(IMAGES)
    served.model[3].bias.data += torch.tensor([1000.0, 0.0, 0.0])
    assert {answer.label for answer in served.decisions(IMAGES)} == {0} != {answer.label for answer in before}
    assert len(made) == 2


def test_training_mode_is_refused_at_each_call() -> None:
    served = defend(net(), MASKS)
    served(IMAGES)
    served.model[1].train()
    for call in (served, served.decisions, lambda images: list(served.stream(images))):
        with pytest.raises(InvalidInput, match="training mode"):
            call(IMAGES)


def test_other_threads_are_another_fingerprint_and_the_same_ones_again_are_served() -> None:
    served = defend(net(), MASKS)
    threads, before = torch.get_num_threads(), served.fingerprint
    served(IMAGES)
    try:
        torch.set_num_threads(threads + 1)
        assert served.fingerprint != before
    finally:
        torch.set_num_threads(threads)
    assert served.fingerprint == before


def test_a_call_with_odd_images_spoils_no_later_one() -> None:
    model = net()
    served = defend(model, certified(model))
    expected = served(IMAGES)
    for odd in (torch.zeros(1, 3, 6, 6), torch.zeros(1, 2, 5, 5)):
        with pytest.raises(InvalidInput):
            served(odd)
        assert (served(IMAGES) == expected).all()


def test_an_odd_first_image_spoils_no_stream() -> None:
    model = net()
    served = defend(model, certified(model))
    first, *others = served.stream([torch.zeros(3, 6, 6), *IMAGES], errors="yield")
    assert isinstance(first, Failed)
    assert others == served.decisions(IMAGES)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 16])
@pytest.mark.parametrize("open_images", [None, 1, 3])
def test_what_a_stream_compares_changes_no_answer(batch_size: int, open_images: int | None) -> None:
    model = net()
    result = certified(model, batch_size=batch_size)
    served = defend(model, result)
    assert list(served.stream(iter(IMAGES), open_images=open_images)) == defend(model, MASKS).decisions(IMAGES)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("name", ["a weight", "a hook", "a setting of a part", "another part of the same class"])
def test_threat_40_a_change_during_a_stream_stops_it_before_the_next_answer(name: str, batch_size: int) -> None:
    model = net()
    served = defend(model, certified(model, batch_size=batch_size))
    answers = served.stream(IMAGES, open_images=2)
    first = next(answers)
    CHANGES[name](served)
    after = []
    with pytest.raises(FingerprintMismatch):
        after += list(answers)
    assert first == defend(net(), MASKS).decisions(IMAGES[:1])[0]


class Flagged(nn.Module):
    """A network with a flag in a place that no glance looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = net()
        self.hidden = [False]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3)."""
        scores: torch.Tensor = self.inner(images)
        return -scores if self.hidden[0] else scores


class Scale(nn.Module):
    """A layer with a number in a place that no glance looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.by = [1.0]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.by[0] * images


@pytest.mark.parametrize("streams", [False, True])
def test_threat_40_reference_rows_go_through_the_front_of_a_split_network_again(streams: bool) -> None:
    model = nn.Sequential(Scale(), nn.Conv2d(2, 4, 2, stride=2), nn.Flatten(), nn.Linear(36, 3)).eval()
    for seed, value in enumerate(model.parameters()):
        value.data = whole(*value.shape, seed=seed)
    classifier = split(model, "1", batch_size=4)
    masks = classifier.cover(squares(size=1), 6, grid=(2, 2))
    labels = [answer.label for answer in defend(classifier, masks).decisions(IMAGES)]
    served = defend(classifier, certify(classifier, IMAGES, np.maximum(labels, 0), masks))

    def answers() -> list[Any]:
        return list(served.stream(IMAGES)) if streams else list(served.decisions(IMAGES))

    assert [answer.label for answer in answers()] == labels
    model[0].by[0] = -3.0  # type: ignore[operator]  # it is a list
    with pytest.raises(FingerprintMismatch, match="scores of the reference batch"):
        answers()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_threat_40_reference_rows_of_a_stream_show_what_a_glance_does_not(batch_size: int) -> None:
    model = Flagged().eval()
    served = defend(model, certified(model, batch_size=batch_size))
    answers, before = served.stream(IMAGES, open_images=1), glance(model)
    next(answers)
    model.hidden[0] = True
    assert glance(model) == before
    with pytest.raises(FingerprintMismatch, match="call defend again"):
        next(answers)


def test_threads_may_call_at_once() -> None:
    model = net()
    served = defend(model, certified(model))
    expected = served.decisions(IMAGES)

    def call(number: int) -> Any:
        if number % 3 == 0:
            return list(served.stream(IMAGES)) == expected
        return served.decisions(IMAGES[number % 6 :][:1]) == expected[number % 6 :][:1]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(24)))


def test_nothing_is_kept_of_images_or_of_earlier_models() -> None:
    model = net()
    served = defend(model, certified(model))
    image = IMAGES[0].clone()
    gone = [weakref.ref(image)]
    served.decisions(image[None])
    list(served.stream([image]))
    for _ in range(3):
        served._binding = None
        served.model = net()
        gone.append(weakref.ref(served.model))
        served(IMAGES)
    served.model = net()
    served(IMAGES)
    del image
    gc.collect()
    assert [reference() for reference in gone] == [None] * 4


def test_state_copies_and_pickles_are_those_of_a_module_that_was_never_called() -> None:
    model = net()
    fresh, served = defend(model, MASKS), defend(model, MASKS)
    expected = served(IMAGES)
    assert served.state_dict().keys() == fresh.state_dict().keys()
    assert [name for name, _ in served.named_modules()] == [name for name, _ in fresh.named_modules()]
    assert pickle.dumps(served) == pickle.dumps(fresh)
    for twin in (copy.deepcopy(served), copy.copy(served), pickle.loads(pickle.dumps(served))):  # noqa: S301  # our own bytes
        assert (twin(IMAGES) == expected).all()
    bound = defend(model, certified(model))
    bound(IMAGES)
    twin = copy.deepcopy(bound)
    assert (twin(IMAGES) == expected).all()
    twin.model[3].weight.data.add_(1)
    with pytest.raises(FingerprintMismatch):
        twin(IMAGES)
    assert (bound(IMAGES) == expected).all()


def test_a_compiled_model_is_compiled_once(made: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []

    def compile_noted(model: Any, **_: Any) -> Any:
        compiled.append(model)
        return model

    monkeypatch.setattr(torch, "compile", compile_noted)
    served = defend(net(), MASKS, contract=NumericContract(compiled=True, batch_size=4))
    expected = served(IMAGES)
    assert (served(IMAGES) == expected).all()
    assert (len(compiled), len(made)) == (1, 1)
    served.model[0].register_forward_hook(lambda *call: -call[2])  # torch does not look for new hooks
    served(IMAGES)
    served.model[1] = nn.AvgPool2d(2).eval()
    served(IMAGES)
    assert (len(compiled), len(made)) == (3, 3)


def test_split_and_local_classifiers_keep_theirs_too() -> None:
    torch.manual_seed(0)
    front: Any = nn.Sequential(nn.Conv2d(2, 3, 2, stride=2), nn.Flatten(), nn.Linear(27, 3)).eval()
    cells: Any = nn.Sequential(nn.Conv2d(2, 3, 2, stride=2)).eval()
    parts = split(front, "0", batch_size=4)
    whole_net = local(cells)
    for served in (
        defend(parts, parts.cover("squares(size=1)", 6, grid=(2, 2)), procedure=Detection(0.5)),
        defend(whole_net, receptive_fields(2, stride=2, image_size=6), procedure=Voting()),
    ):
        expected = served.decisions(IMAGES)
        kept = served._kept
        assert served.decisions(IMAGES) == list(served.stream(IMAGES)) == expected
        assert served._kept is kept is not None


def test_evidence_of_reference_rows_is_computed_at_each_call() -> None:
    """A kept evaluator that kept evidence too would compare it with itself."""
    cells: Any = nn.Sequential(nn.Conv2d(2, 3, 2, stride=2)).eval()
    served = defend(local(cells), receptive_fields(2, stride=2, image_size=6), procedure=Voting())
    first, second = served._evaluator(), served._evaluator()
    assert first._kept is not second._kept
    image = first.load(np.zeros((2, 6, 6), np.float32))
    first.submit([image] * first.batch_size, np.full((first.batch_size, 2), -1))()
    assert len(first._kept) == 1
    assert not len(second._kept)
    assert not len(served._evaluator()._kept)
