"""What modules return, and the forms in which they come: found where there is one way to read it, else refused."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.outputs import Picked, scores_of

from maskcover import InvalidInput, MaskSet, certify, cover, defend, squares
from maskcover.certification import attack
from tests.networks import Eighths, eighths, exact, whole

pytestmark = pytest.mark.usefixtures("one_thread")
MASKS: MaskSet = cover(squares(size=1), 6, grid=(2, 2))
IMAGES = whole(3, 2, 6, 6, seed=1)


@dataclass
class Output:
    logits: torch.Tensor
    hidden: torch.Tensor | None = None


@dataclass
class Scores:
    scores: torch.Tensor


Named = namedtuple("Named", ["logits", "auxiliary"])  # as torchvision makes them


class Net(torch.nn.Module):
    """A linear layer whose scores come in some form."""

    def __init__(self, form: Callable[[torch.Tensor], Any] | None = None) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(72, 4)
        exact(self)
        self.form = form

    def forward(self, images: torch.Tensor) -> Any:
        scores = self.linear(eighths(images).flatten(1))
        return scores if self.form is None else self.form(scores)


FOUND: dict[str, Callable[[torch.Tensor], Any]] = {
    "a tensor": lambda scores: scores,
    "a tuple of one": lambda scores: (scores,),
    "a list of one": lambda scores: [scores],
    "a dict of logits": lambda scores: {"auxiliary": -scores, "logits": scores},
    "a dict of one": lambda scores: OrderedDict(out=scores),
    "a named tuple with auxiliary heads": lambda scores: Named(scores, -scores),
    "a dataclass": lambda scores: Output(scores, -scores),
    "a dataclass of one": Scores,
}


@pytest.mark.parametrize("form", FOUND.values(), ids=FOUND)
def test_scores_are_found_where_there_is_one_way_to_read_them(form: Callable[[torch.Tensor], Any]) -> None:
    model = Net(form).eval()
    bare = certify(Net().eval(), IMAGES, [0, 1, 2], MASKS, batch_size=2)
    result = certify(model, IMAGES, [0, 1, 2], MASKS, batch_size=2)
    assert result.verdicts == bare.verdicts
    assert defend(model, result)(IMAGES).argmax(dim=1).tolist() == bare.defended.tolist()


@pytest.mark.parametrize(
    ("form", "output"),
    [
        (lambda scores: (-scores, scores), 1),
        (lambda scores: {"auxiliary": -scores, "main": scores}, "main"),
        (lambda scores: Named(-scores, scores), "auxiliary"),
        (lambda scores: (-scores, {"logits": scores}), -1),
    ],
)
def test_scores_are_taken_where_the_user_says(form: Callable[[torch.Tensor], Any], output: str | int) -> None:
    bare = certify(Net().eval(), IMAGES, [0, 1, 2], MASKS, batch_size=2)
    result = certify(Net(form).eval(), IMAGES, [0, 1, 2], MASKS, batch_size=2, output=output)
    assert result.verdicts == bare.verdicts
    assert defend(Net(form).eval(), result)(IMAGES).argmax(dim=1).tolist() == bare.defended.tolist()


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (lambda scores: (scores, scores), "0: shape .* 1: shape"),
        (lambda scores: {"main": scores, "auxiliary": scores}, "main: shape"),
        (lambda _: {"main": "text"}, "main: str"),
        (lambda _: "text", "got str"),
        (lambda _: {}, "got dict"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_its_entries(
    form: Callable[[torch.Tensor], Any], named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        certify(Net(form).eval(), IMAGES, [0, 1, 2], MASKS)


@pytest.mark.parametrize("output", ["logits", 2, -3])
def test_an_output_that_is_not_there_is_refused_with_those_that_are(output: str | int) -> None:
    model = Picked(Net(lambda scores: {"main": scores, "auxiliary": scores}).eval(), output)
    with pytest.raises(InvalidInput, match=r"no output .* main: shape \(3, 4\), auxiliary"):
        model(IMAGES)


def test_another_number_of_classes_than_before_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\(3, 5\)"):
        scores_of(torch.zeros(3, 4), 3, 5)


def traced(model: torch.nn.Module) -> torch.nn.Module:
    return torch.jit.trace(model, IMAGES[:2])  # type: ignore[no-any-return, no-untyped-call]  # torch has no types here


def scripted_whole(model: torch.nn.Module) -> torch.nn.Module:
    linear = model.get_submodule("linear")
    return torch.jit.script(torch.nn.Sequential(Eighths(), torch.nn.Flatten(), linear).eval())


def exported(model: torch.nn.Module) -> torch.nn.Module:
    return torch.export.export(model, (IMAGES[:2],)).module()


FORMS: dict[str, Callable[[torch.nn.Module], torch.nn.Module]] = {
    "channels last": lambda model: model.to(memory_format=torch.channels_last),
    "compiled": lambda model: torch.compile(model, backend="eager"),  # type: ignore[dict-item, return-value]
    "data parallel": lambda model: torch.nn.DataParallel(model, device_ids=[]).eval(),
    "sequential": lambda model: torch.nn.Sequential(model).eval(),
    "traced": traced,
    "scripted": scripted_whole,
    "exported": exported,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("made", FORMS.values(), ids=FORMS)
def test_modules_in_every_form_are_certified_and_served(made: Callable[[torch.nn.Module], torch.nn.Module]) -> None:
    bare = certify(Net().eval(), IMAGES, [0, 1, 2], MASKS, batch_size=2)
    model = made(Net().eval())
    result = certify(model, IMAGES, [0, 1, 2], MASKS, batch_size=2)
    assert result.certified.tolist() == bare.certified.tolist()
    assert defend(model, result)(IMAGES).argmax(dim=1).tolist() == result.defended.tolist()


def test_a_classifier_is_attacked_as_its_model_is() -> None:
    found = attack(TorchClassifier(Net().eval()), IMAGES, [0, 1, 2], MASKS, steps=2, batch_size=8)
    assert len(found.outcomes) == 3


class DropPath(torch.nn.Module):
    """Leaves out an image's whole branch at random, as timm's layer of that name does."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return scores * scores.new_empty((len(scores), 1)).bernoulli_(0.9) if self.training else scores


LAYERS = {"dropout": torch.nn.Dropout(), "batch statistics": torch.nn.BatchNorm1d(4), "drop path": DropPath()}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_module_exported_in_training_mode_is_refused(layer: torch.nn.Module) -> None:
    model = torch.nn.Sequential(Net(), layer)
    with pytest.raises(InvalidInput, match=r"training mode; .*export it again"):
        certify(exported(model.train()), IMAGES, [0, 1, 2], MASKS, batch_size=2)
    assert len(certify(exported(model.eval()), IMAGES, [0, 1, 2], MASKS, batch_size=2)) == 3
