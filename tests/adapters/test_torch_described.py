"""What can be seen of a module besides its weights is named in the fingerprint, in the same words everywhere."""

from __future__ import annotations

import copy
import functools
import io
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import transformers
from maskcover_torch.described import described
from maskcover_torch.identity import architecture_digest, weights_digest
from torch import nn

from maskcover import FingerprintMismatch, InvalidInput, certify, cover, defend, run, squares

pytestmark = pytest.mark.usefixtures("one_thread")
MASKS = cover(squares(size=1), image_size=4, grid=(2, 2))
IMAGES = torch.arange(64.0).reshape(2, 2, 4, 4).remainder(7)


def doubled(scores: torch.Tensor) -> torch.Tensor:
    return scores * 2


class Layer(nn.Module):
    """A layer of whole numbers, with everything that modules carry beside their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 3)
        with torch.no_grad():
            self.linear.weight.copy_(torch.arange(96.0).reshape(3, 32).remainder(5))
            self.linear.bias.copy_(torch.arange(3.0))
        self.scale, self.adapted, self.mode = 1.0, False, "plain"
        self.shift = torch.zeros(3)
        self.table = np.zeros(3, np.float32)
        hidden = nn.Linear(3, 3)
        for one in hidden.parameters():
            nn.init.constant_(one, 1.0)
        self.parts = [hidden, (nn.Identity(),)]
        self.partial = functools.partial(torch.clamp, min=-1e6)
        self.function: Callable[[torch.Tensor], torch.Tensor] = doubled
        self.own = [self.linear]
        self.settings = Namespace(power=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores = self.own[0](images.flatten(1)) * self.scale + self.shift + torch.from_numpy(self.table)
        return self.function(self.partial(scores)) if not self.adapted else -scores


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(Layer(), nn.Identity()).eval()


def hook(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
    return -output


def pre_hook(_module: nn.Module, inputs: Any) -> Any:
    return (-inputs[0],)


def flipped(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1)[:, :3]


def closing(factor: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda scores: scores * factor


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a forward hook": (lambda one: one[1].register_forward_hook(hook), r"hook .*\.hook: forward hook of 1 "),
    "a pre-hook": (lambda one: one[0].linear.register_forward_pre_hook(pre_hook), "pre-hook of 0.linear "),
    "a hook of the whole": (lambda one: one.register_forward_hook(hook), "forward hook of the model "),
    "another forward": (lambda one: setattr(one[0], "forward", flipped), "attribute forward: sha256"),
    "a number": (lambda one: setattr(one[0], "scale", 2.0), r"attribute scale: 2\.0, not 1\.0"),
    "a flag": (lambda one: setattr(one[0], "adapted", True), "attribute adapted: True, not False"),
    "a text": (lambda one: setattr(one[0], "mode", "other"), "attribute mode: 'other', not 'plain'"),
    "a plain tensor": (lambda one: one[0].shift.add_(1), "attribute shift: sha256"),
    "an array": (lambda one: one[0].table.__setitem__(1, 5), "attribute table: sha256"),
    "weights of a module in a list": (lambda one: one[0].parts[0].weight.mul_(-1), "attribute parts: sha256"),
    "a module in a tuple in a list": (lambda one: one[0].parts.__setitem__(1, (nn.ReLU(),)), "attribute parts"),
    "an argument of a partial function": (
        lambda one: setattr(one[0], "partial", functools.partial(torch.clamp, min=0.0)), "attribute partial",
    ),
    "a function": (lambda one: setattr(one[0], "function", closing(2.0)), "attribute function: sha256"),
    "which module is meant": (lambda one: setattr(one[0], "own", [one[1]]), "attribute own"),
    "a setting": (lambda one: setattr(one[0].settings, "power", 2), "attribute settings: sha256"),
    "a new attribute": (lambda one: setattr(one[0], "extra", 1), "attribute extra: 1, not -"),
    "an attribute of torch's own module": (lambda one: setattr(one[1], "extra", 1), "attributes of torch"),
    "a setting of torch's that it does not print": (
        lambda one: one.append(nn.MultiheadAttention(4, 1, batch_first=True)), "attributes of torch",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "named"), CHANGES.values(), ids=CHANGES)
def test_a_change_that_can_be_seen_is_named_and_not_served(change: Callable[[Any], object], named: str) -> None:
    result = certify(model(), IMAGES, [0, 1], MASKS, batch_size=2)
    assert defend(model(), result).fingerprint == result.fingerprint
    changed = model()
    with torch.no_grad():
        change(changed)
    with pytest.raises(FingerprintMismatch, match=named):
        defend(changed.eval(), result)


@contextmanager
def everywhere(register: Any, function: Any) -> Iterator[None]:
    handle = register(function)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize(
    ("register", "function", "named"),
    [
        (nn.modules.module.register_module_forward_hook, hook, "forward hook of every module"),
        (nn.modules.module.register_module_forward_pre_hook, pre_hook, "forward pre-hook of every module"),
    ],
)
def test_a_hook_on_every_module_is_named(register: Any, function: Any, named: str) -> None:
    result = certify(model(), IMAGES, [0, 1], MASKS, batch_size=2)
    with everywhere(register, function), pytest.raises(FingerprintMismatch, match=named):
        defend(model(), result)
    defend(model(), result)


def test_what_a_hook_carries_is_part_of_it() -> None:
    def hooked(factor: float) -> nn.Module:
        found = model()
        found.register_forward_hook(lambda *passed: passed[-1] * factor)
        return found

    result = certify(hooked(1.0), IMAGES, [0, 1], MASKS, batch_size=2)
    assert defend(hooked(1.0), result).fingerprint == result.fingerprint
    with pytest.raises(FingerprintMismatch, match="hook"):
        defend(hooked(-1.0), result)


def test_the_code_of_a_class_and_of_what_it_calls_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    result = certify(model(), IMAGES, [0, 1], MASKS, batch_size=2)
    with monkeypatch.context() as patched:
        patched.setattr(Layer, "forward", lambda _, images: images.flatten(1)[:, :3])
        with pytest.raises(FingerprintMismatch, match=r"code: sha256:\w+ Python 3"):
            defend(model(), result)
    assert defend(model(), result).fingerprint == result.fingerprint


class Heads(nn.Module):
    """Two heads, one the opposite of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Layer()

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.layer(images)
        return {"main": scores, "other": -scores}


def test_which_output_is_taken_is_part_of_it(tmp_path: Path) -> None:
    result = certify(Heads().eval(), IMAGES, [0, 1], MASKS, batch_size=2, output="main")
    assert dict(result.fingerprint.entries)["output"] == "main"
    defend(Heads().eval(), result)
    with pytest.raises(FingerprintMismatch, match="output: other, not main"):
        defend(Heads().eval(), result, output="other")
    run(Heads().eval(), IMAGES, [0, 1], MASKS, tmp_path / "run", batch_size=2, output="main")
    with pytest.raises(InvalidInput, match=r"fingerprint\.output: main before, other now"):
        run(Heads().eval(), IMAGES, [0, 1], MASKS, tmp_path / "run", batch_size=2, output="other")


def test_an_output_by_place_is_another_one_than_by_name() -> None:
    one, other = (certify(Heads().eval(), IMAGES, [0, 1], MASKS, batch_size=2, output=name) for name in ("main", 0))
    assert one.verdicts == other.verdicts
    assert one.fingerprint != other.fingerprint
    assert "output" not in described(model())


def words(module: nn.Module) -> dict[str, str]:
    return {"weights": weights_digest(module), "architecture": architecture_digest(module), **described(module)}


SMALL: dict[str, Any] = {
    "image_size": 16, "patch_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 8, "num_labels": 3,
}  # fmt: skip
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "torch": model,
    "torch's transformer": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
    "torch's cells": lambda: nn.LSTM(4, 4).eval(),
    **{
        f"timm's {name}": functools.partial(timm.create_model, name, num_classes=4)
        for name in ("test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_byobnet", "test_nfnet")
    },
    "timm's vision transformer with turned places": lambda: timm.create_model(
        "eva02_tiny_patch14_224", num_classes=4, img_size=28, depth=1
    ),
    "timm's windows": lambda: timm.create_model(
        "swin_tiny_patch4_window7_224", img_size=56, depths=(1, 1), num_classes=4
    ),
    "transformers' vision transformer": lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL)),
    "transformers' network": lambda: transformers.ResNetForImageClassification(
        transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], num_labels=3)
    ),
    "transformers' windows": lambda: transformers.SwinForImageClassification(
        transformers.SwinConfig(image_size=16, patch_size=2, embed_dim=8, depths=[1], num_heads=[1], window_size=4)
    ),
}


@pytest.fixture(params=NETWORKS.values(), ids=list(NETWORKS), scope="module")
def network(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = request.param().eval()
    return made


def images_of(module: nn.Module) -> torch.Tensor | None:
    """Images that a network of pictures takes."""
    config = getattr(module, "config", None) or getattr(module, "default_cfg", None)
    if config is None:
        return None
    size = getattr(getattr(module, "patch_embed", None), "img_size", None) or (32, 32)
    side = config.image_size if hasattr(config, "image_size") else size[0]
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_saving_loading_copying_and_computing_change_no_word(network: nn.Module) -> None:
    before = words(network)
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    images = images_of(network)
    if images is not None:
        with torch.inference_mode():
            network(images)
            loaded(images)
    for one in (network, loaded, copy.deepcopy(network)):
        assert words(one) == before


def test_what_transformers_saves_and_loads_has_the_same_words(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL)).eval()
    network.save_pretrained(tmp_path / "one")
    one = transformers.ViTForImageClassification.from_pretrained(tmp_path / "one").eval()
    assert words(one) == words(network)
    one.save_pretrained(tmp_path / "two")
    assert words(transformers.ViTForImageClassification.from_pretrained(tmp_path / "two").eval()) == words(network)


class Counting(nn.Module):
    """Keeps a record of what passes, in every way that modules do, and a flag that it does not set."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.last, self.seen, self.flag = 0, torch.zeros(1), [0], True
        self.then: Callable[[torch.Tensor], object] = closing_over([])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.seen.append(len(images))
        self.then(images)
        return self.kept(images.flatten(1)[:, :3])

    def kept(self, scores: torch.Tensor) -> torch.Tensor:
        self.last = scores
        return scores


def closing_over(seen: list[Any]) -> Callable[[torch.Tensor], object]:
    return lambda images: seen.append(images.shape)


def test_a_record_of_what_has_passed_is_no_setting() -> None:
    counting = Counting().eval()
    before = described(counting)
    counting(IMAGES)
    assert described(counting) == before
    counting.flag = False
    assert {name for name, text in described(counting).items() if before[name] != text} == {"attribute flag"}


def test_a_setting_of_a_configuration_is_seen() -> None:
    torch.manual_seed(0)
    network = transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL)).eval()
    before = words(network)
    network.config.num_attention_heads = 4
    assert {name for name, text in words(network).items() if before[name] != text} == {"attribute config"}


PROGRAM = """
import torch, timm, transformers
from tests.adapters.test_torch_described import NETWORKS, words
for name, made in NETWORKS.items():
    if name in {names!r}:
        torch.manual_seed(0)
        print(name, sorted(words(made().eval()).items()))
"""
NAMES = ("torch", "timm's test_vit", "timm's windows", "transformers' vision transformer")


def test_fresh_processes_use_the_same_words() -> None:
    root = str(Path(__file__).parent.parent.parent)
    found = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM.replace("{names!r}", repr(NAMES))],
            capture_output=True, text=True, check=True, cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found[0].count("\n") == len(NAMES)
    assert found[0] == found[1]


def test_what_carries_a_module_counts_by_its_hooks_alone() -> None:
    carried: list[Callable[[], Any]] = [
        lambda: torch.compile(model(), backend="eager"),
        lambda: nn.DataParallel(model(), device_ids=[]),
    ]
    for made in carried:
        outer = made()
        assert described(outer) == described(made())
        assert not any(name.startswith(("attribute dynamo", "attribute forward", "hook")) for name in described(outer))
        outer.register_forward_hook(hook)
        assert any(name.startswith("hook") for name in described(outer))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_traced_module_counts_by_its_code_the_same_after_saving(tmp_path: Path) -> None:
    def traced(sign: float) -> Any:
        module = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).eval()
        for one in module.parameters():
            nn.init.constant_(one, 1.0)
        times = Times(torch.tensor([sign, 1.0, 1.0]))
        return torch.jit.trace(nn.Sequential(module, times).eval(), IMAGES)  # type: ignore[no-untyped-call]

    one, other = traced(1.0), traced(-1.0)
    assert words(one) != words(other)
    one.save(tmp_path / "one.pt")
    assert words(torch.jit.load(tmp_path / "one.pt")) == words(traced(1.0)) == words(one)  # type: ignore[no-untyped-call]


class Times(nn.Module):
    """Multiplies by a tensor that is no buffer, which a trace keeps as a constant."""

    def __init__(self, factor: torch.Tensor) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return scores * self.factor
