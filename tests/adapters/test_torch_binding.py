"""What a fingerprint does not name may change what a model computes: its scores tell (threats.md, 39 and 40)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.glance import glance
from torch import nn

from maskcover import (
    FingerprintMismatch,
    InvalidInput,
    NumericContract,
    certify,
    cover,
    defend,
    predict,
    replay,
    run,
    squares,
)
from maskcover.certification import CertificationResult
from maskcover.errors import NotBound, ReadOnly

pytestmark = pytest.mark.usefixtures("one_thread")

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
IMAGES = torch.randint(-3, 4, (6, 2, 6, 6), generator=torch.Generator().manual_seed(0)).float()


def whole(*shape: int, seed: int = 0) -> torch.Tensor:
    """Small whole numbers: sums of products of such are exact in whatever order they are added."""
    return torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(seed)).float()


def doubled(scores: torch.Tensor) -> torch.Tensor:
    """A function of a module, to be edited."""
    return scores * 2


def turned(scores: torch.Tensor) -> torch.Tensor:
    """The same with another body."""
    return scores.roll(1, dims=1)


def scaled(factor: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that keeps a number in its closure."""
    return lambda scores: scores * factor


class Odd(nn.Module):
    """A network with everything that computes and is no parameter: whole numbers throughout, so that sums are exact."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(72, 3)
        self.head.weight.data, self.head.bias.data = whole(3, 72), whole(3)
        self.lora = False
        self.pool = "sum"
        self.shift = torch.zeros(3)
        self.layers = [nn.Linear(3, 3, bias=False).eval()]
        self.layers[0].weight.data = torch.eye(3)
        self.act = partial(torch.mul, other=torch.tensor(1.0))
        self.last, self.edited = scaled(1.0), doubled

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 3)."""
        scores: torch.Tensor = self.layers[0](self.head(images.flatten(1)))
        scores = self.act(scores + self.shift)
        scores = scores.roll(1, dims=1) if self.lora else scores
        return self.edited(self.last(scores if self.pool == "sum" else -scores))


def hooked(model: Any) -> Any:
    return model.register_forward_hook(lambda *call: call[2].roll(1, dims=1)).remove


def pre_hooked(model: Any) -> Any:
    return model.register_forward_pre_hook(lambda _, given: (-given[0],)).remove


def hooked_everywhere(model: Any) -> Any:
    return nn.modules.module.register_module_forward_hook(
        lambda module, _, out: out.roll(1, dims=1) if module is model else None
    ).remove


def hooked_before_everything(model: Any) -> Any:
    def negated(module: nn.Module, given: Any) -> Any:
        return (-given[0],) if module is model else None

    return nn.modules.module.register_module_forward_pre_hook(negated).remove


def replaced(model: Any) -> None:
    own = type(model).forward
    model.forward = lambda images: own(model, images).roll(1, dims=1)


def in_the_list(model: Any) -> None:
    model.layers[0].weight.data = torch.eye(3).roll(1, dims=0)


def in_the_closure(model: Any) -> None:
    model.last.__closure__[0].cell_contents = -1.0


def another_body(model: Any) -> Any:
    kept, model.edited.__code__ = model.edited.__code__, turned.__code__
    return lambda: setattr(doubled, "__code__", kept)


def written_into(model: Any) -> None:
    model.shift.data.copy_(torch.tensor([100.0, 0.0, -100.0]))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a flag": lambda model: setattr(model, "lora", True),
    "a text": lambda model: setattr(model, "pool", "mean"),
    "a hook": hooked,
    "a hook before": pre_hooked,
    "a hook on all modules": hooked_everywhere,
    "a hook before all modules": hooked_before_everything,
    "another forward": replaced,
    "a plain tensor": lambda model: setattr(model, "shift", torch.tensor([100.0, 0.0, -100.0])),
    "a plain tensor, written into": written_into,
    "a module in a list": in_the_list,
    "a partial": lambda model: setattr(model, "act", partial(torch.mul, other=torch.tensor(-1.0))),
    "a closure": in_the_closure,
    "an edited function": another_body,
}


@pytest.fixture(params=list(CHANGES.values()), ids=list(CHANGES))
def change(request: pytest.FixtureRequest) -> Iterator[Callable[[Any], None]]:
    """A way to change a model, undone where it reaches beyond the model."""
    with ExitStack() as undone:

        def changed(model: Any) -> None:
            undo = request.param(model)
            if undo is not None:
                undone.callback(undo)

        yield changed


def labels_of(model: Any) -> list[int]:
    return [max(0, one.label) for one in predict(model, IMAGES, MASKS, batch_size=4)]


def certified(model: Any, **options: Any) -> CertificationResult:
    return certify(model, IMAGES, labels_of(model), MASKS, **({"batch_size": 4} | options))


def test_threat_39_what_no_fingerprint_names_is_not_served(change: Callable[[Any], None]) -> None:
    model = Odd().eval()
    result = certified(model)
    assert result.numerics == "bitwise"
    assert defend(model, result).decisions(IMAGES) == predict(model, IMAGES, result)
    change(model)
    assert labels_of(model) != result.defended.tolist()
    for served in (lambda: defend(model, result), lambda: predict(model, IMAGES, result)):
        with pytest.raises(FingerprintMismatch, match="not what was certified"):
            served()


def test_threat_40_what_is_changed_after_defend_is_not_served_at_the_next_call(change: Callable[[Any], None]) -> None:
    model = Odd().eval()
    result = certified(model)
    served, plain = defend(model, result), defend(Scores(model), certify(Scores(model), NUMBERS, result.labels, MASKS))
    expected = served(IMAGES)
    for _ in range(3):
        assert (served(IMAGES) == expected).all()
        assert plain(NUMBERS) == result.defended.tolist()
    change(model)
    for call, images in ((served, IMAGES), (served.decisions, IMAGES[:1]), (plain, NUMBERS[:1])):
        with pytest.raises(FingerprintMismatch, match="call defend again"):
            call(images)


def test_threat_39_a_run_does_not_go_on_and_a_replay_tells(change: Callable[[Any], None], tmp_path: Path) -> None:
    model = Odd().eval()
    labels = labels_of(model)
    done = run(model, IMAGES, labels, MASKS, tmp_path, batch_size=4, shard_size=2, shard=(0, 2))
    assert not done.complete
    assert not replay(tmp_path, model, IMAGES, labels, batch_size=4).differences
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    change(model)
    with pytest.raises(InvalidInput, match="another configuration"):
        run(model, IMAGES, labels, MASKS, tmp_path, batch_size=4, shard_size=2)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert replay(tmp_path, model, IMAGES, labels, batch_size=4).differences


class Scores:
    """The same network as a plain classifier that says nothing of itself."""

    batch_size = 4

    def __init__(self, model: Any) -> None:
        self.model = model

    def scores(self, images: Any, hidden: Any) -> Any:
        """Scores of arrays, 0 where they are hidden."""
        shown = np.where(hidden[:, None], np.float32(0.0), np.stack(images))
        with torch.inference_mode():
            return self.model(torch.from_numpy(shown)).numpy()


NUMBERS = [image.numpy() for image in IMAGES]


def others(model: Any) -> dict[str, torch.Tensor]:
    """State of the same form with other numbers."""
    return {name: value + 1 for name, value in model.state_dict().items()}


def through_data(model: Any) -> None:
    for value in model.state_dict().values():
        value.data.add_(1.0)


def one_bit(model: Any) -> None:
    """In a weight that no image shows: of a pixel that is hidden, or by too little to turn a score."""
    model.head.weight.data.view(torch.int32)[0, 0] ^= 1


AFTER: dict[str, Callable[[Any], Any]] = {
    "through .data": lambda served: through_data(served.model),
    "one bit through .data": lambda served: one_bit(served.model),
    "from numpy": lambda served: served.model.head.bias.detach().numpy().__iadd__(1.0),
    "another .data": lambda served: setattr(served.model.head.bias, "data", whole(3, seed=5)),
    "load_state_dict": lambda served: served.model.load_state_dict(others(served.model)),
    "load_state_dict of the defended": lambda served: served.load_state_dict(others(served)),
    "half": lambda served: served.half(),
    "double": lambda served: served.double(),
    "a step": lambda served: torch.optim.SGD(_with_gradients(served), lr=1.0).step(),
    "another module": lambda served: setattr(served, "model", Odd().eval().double()),
}


def _with_gradients(model: Any) -> list[Any]:
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    return list(model.parameters())


@pytest.mark.parametrize("alter", AFTER.values(), ids=AFTER)
def test_threat_40_weights_changed_after_defend_are_not_served(alter: Callable[[Any], Any]) -> None:
    model = Odd().eval()
    served = defend(model, certified(model))
    served(IMAGES)
    alter(served)
    with pytest.raises(FingerprintMismatch, match="call defend again"):
        served(IMAGES)


def test_threat_40_other_threads_are_not_served_or_not_taken() -> None:
    model, threads = Odd().eval(), torch.get_num_threads()
    result = certified(model)
    served = defend(model, result)
    try:
        torch.set_num_threads(threads + 1)
        if served.fingerprint == result.fingerprint:  # pinned to what was certified
            assert served(IMAGES).argmax(dim=1).tolist() == result.defended.tolist()
        else:
            with pytest.raises(FingerprintMismatch, match="threads"):
                served(IMAGES)
    finally:
        torch.set_num_threads(threads)
    assert served(IMAGES).argmax(dim=1).tolist() == result.defended.tolist()


@pytest.mark.parametrize("name", ["masks", "procedure", "preprocessing", "fill", "contract"])
def test_threat_40_what_the_defence_is_cannot_be_set(name: str) -> None:
    model = Odd().eval()
    for served in (defend(model, certified(model)), defend(model, MASKS)):
        kept = getattr(served, name)
        with pytest.raises(ReadOnly, match=f"{name} is part of the defence.*defend"):
            setattr(served, name, kept)
        assert getattr(served, name) is kept


def test_loading_the_same_weights_and_copying_are_no_changes() -> None:
    model = Odd().eval()
    result = certified(model)
    served = defend(model, result)
    expected = served(IMAGES)
    served.load_state_dict(copy.deepcopy(served.state_dict()))
    assert (served(IMAGES) == expected).all()
    assert (copy.deepcopy(served)(IMAGES) == expected).all()
    plain = defend(nn.Sequential(nn.Flatten(), model.head).eval(), MASKS)
    assert (pickle.loads(pickle.dumps(plain))(IMAGES) == plain(IMAGES)).all()  # noqa: S301  # our own bytes


def test_a_module_that_was_made_from_masks_alone_is_free_to_change() -> None:
    model = Odd().eval()
    served = defend(model, MASKS, batch_size=4)
    before = served(IMAGES)
    model.lora = True
    assert not (served(IMAGES) == before).all()


@pytest.mark.parametrize("count", [0, 1, 2, 6])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 9, 16])
def test_what_is_compared_beside_the_images_changes_no_answer(batch_size: int, count: int) -> None:
    """Rows of the reference image fill batches up, or come in one more; the answers are those of the bare defence."""
    model = Odd().eval()
    result = certified(model, batch_size=batch_size)
    bare = defend(model, MASKS, batch_size=batch_size)
    assert defend(model, result).decisions(IMAGES[:count]) == bare.decisions(IMAGES[:count])
    assert predict(TorchClassifier(model), IMAGES[:count], result) == bare.decisions(IMAGES[:count])


def test_predictions_without_a_result_say_so_and_bound_ones_do_not(recwarn: pytest.WarningsRecorder) -> None:
    model = Odd().eval()
    result = certified(model)
    recwarn.clear()
    predict(model, IMAGES, result)
    assert not recwarn.list
    with pytest.warns(NotBound, match="bound to no certification"):
        predict(model, IMAGES, MASKS)


def test_predictions_are_bound_to_the_options_and_the_defence_of_the_result() -> None:
    model = nn.Sequential(nn.Flatten(), Odd().head).eval()
    result = certified(model, fill=1.0, method="challenger", contract=NumericContract(dtype="float64"))
    assert [one.label for one in predict(model, IMAGES, result)] == result.defended.tolist()
    with pytest.raises(FingerprintMismatch, match="fill"):
        predict(model, IMAGES, result, fill=2.0)
    with pytest.raises(InvalidInput, match="leave procedure, method and threshold out"):
        predict(model, IMAGES, result, method="double")


class Prepared(list[torch.Tensor]):
    """Images that say what they have gone through."""

    preprocessing = "halved"


def test_predictions_of_images_prepared_otherwise_are_refused() -> None:
    model = Odd().eval()
    result = certified(model)
    with pytest.raises(FingerprintMismatch, match="preprocessing: 'halved', not none"):
        predict(model, Prepared(IMAGES), result)
    prepared = certify(model, Prepared(IMAGES), result.labels, MASKS, batch_size=4)
    assert predict(model, Prepared(IMAGES), prepared) == predict(model, IMAGES, prepared)


def test_a_glance_sees_every_tensor_hook_and_mode() -> None:
    """Of what it does not see, flags and closures, the rows that are compared at each call see the effect."""
    model: Any = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout()).eval()
    seen = [glance(model)]
    assert glance(model) == seen[0]
    with torch.no_grad():
        model[0].weight.add_(1)
    seen.append(glance(model))
    with torch.no_grad():
        model[0].weight.copy_(model[0].weight.flip(0))  # the sum stays
    seen.append(glance(model))
    model[1].running_mean.data.add_(1)
    seen.append(glance(model))
    model[1].num_batches_tracked.data.add_(1)
    seen.append(glance(model))
    model[2].train()
    seen.append(glance(model))
    model[2].register_forward_hook(lambda *_: None)
    seen.append(glance(model))
    model[0].extra = torch.ones(1, dtype=torch.bool)
    seen.append(glance(model))
    model[0].extra.data.logical_not_()
    seen.append(glance(model))
    assert len(set(seen)) == len(seen)


def test_threat_40_rows_of_weights_that_change_places_are_noticed() -> None:
    """The sum of all weights stays, and so do the scores of what wins on the known rows."""
    head = nn.Linear(72, 4)
    model = nn.Sequential(nn.Flatten(), head).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.copy_(torch.randint(-3, 4, value.shape, generator=torch.Generator().manual_seed(1)))
        head.bias[0] = 10_000
    served = defend(model, certify(model, IMAGES, [0] * 6, MASKS))
    served(IMAGES)
    head.weight.data[[1, 3]] = head.weight.data[[3, 1]]
    with pytest.raises(FingerprintMismatch, match="weights"):
        served(IMAGES)


@pytest.mark.filterwarnings("ignore")  # torch calls sparse tensors a prototype
def test_what_is_written_into_a_sparse_tensor_is_noticed() -> None:
    """Its bytes are not read at a glance: torch's own count tells."""
    model = nn.Linear(2, 2)
    model.register_buffer("few", torch.eye(2).to_sparse())
    before = glance(model)
    assert glance(model) == before
    model.get_buffer("few").mul_(2)
    assert glance(model) != before
