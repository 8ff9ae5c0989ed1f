"""Training for masks: it helps, it goes on after a kill with the same bits, and keeps nothing that it cannot trust."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.training import Cutout, FinetuneReport, RandomMasks, Recipe, finetune
from maskcover_torch.training.checkpoints import digest_of
from torch import nn

from maskcover import InvalidInput, ProbeFailed, RunStopped, certify, cover, squares
from maskcover.errors import NotCovering

SIDE = 8
MASKS = cover(squares(size=2), image_size=SIDE, grid=(3, 3))
RECIPE = Recipe(epochs=3, batch_size=16, lr=0.02, validation_images=20)

pytestmark = pytest.mark.usefixtures("one_thread")


class Net(nn.Module):
    """A small net with everything that has a state: batch statistics, and chance of its own."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(4)
            self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2))
            self.head = nn.Linear(4 * (SIDE - 2) ** 2, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.features(images).flatten(1))
        return scores


def stripes(count: int, seed: int) -> tuple[torch.Tensor, list[int]]:
    """Noisy pictures of three kinds: rows, columns, neither."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=generator)
    wave = torch.tensor([1.0, -1.0]).repeat(SIDE // 2)
    kinds = torch.stack([wave[:, None].expand(SIDE, SIDE), wave.expand(SIDE, SIDE), torch.zeros(SIDE, SIDE)])
    return (kinds[labels] + 0.3 * torch.randn((count, SIDE, SIDE), generator=generator))[:, None], labels.tolist()


TRAIN, VALIDATION = stripes(100, seed=0), stripes(30, seed=1)


def tuned(model: nn.Module, **changed: Any) -> FinetuneReport:
    options: dict[str, Any] = {"hiding": Cutout(size=4), "recipe": RECIPE} | changed
    return finetune(model, options.pop("train", TRAIN), options.pop("validation", VALIDATION), MASKS, **options)


def digest(model: nn.Module) -> str:
    return digest_of(model.state_dict())


class Killed(BaseException):
    """What ends a run in the middle, as a signal would."""


class Fatal:
    """Cutout that ends the run after so many steps."""

    def __init__(self, steps: int, end: Callable[[], None]) -> None:
        self.steps, self.end = steps, end

    def __str__(self) -> str:
        return str(Cutout(size=4))

    def __call__(self, images: torch.Tensor, generator: torch.Generator, progress: float = 0.0) -> torch.Tensor:
        self.steps -= 1
        if self.steps < 0:
            self.end()
        return Cutout(size=4)(images, generator, progress)


def killed() -> None:
    raise Killed


def test_training_helps_and_the_model_has_the_weights_of_the_best_epoch() -> None:
    model = Net()
    report = tuned(model)
    assert [one.number for one in report.epochs] == [0, 1, 2, 3]
    assert report.epochs[0].loss is None
    assert report.kept.certified > report.epochs[0].certified + 5
    assert report.kept.certified == max(one.certified for one in report.epochs)
    assert not any(module.training for module in model.modules())


def test_what_is_reported_is_what_certify_says() -> None:
    model = Net()
    report = tuned(model, recipe=replace(RECIPE, validation_images=1000, epochs=2))
    found = certify(model, *VALIDATION, MASKS, min_margin=1e-4)
    assert report.kept.images == 30
    assert report.kept.certified == found.certified.sum()
    assert report.kept.defended == (found.defended == found.labels).sum()
    assert report.kept.undefended == (found.undefended == found.labels).sum()


def test_the_model_as_given_may_be_the_best() -> None:
    model = Net()
    tuned(model, recipe=replace(RECIPE, epochs=6))
    before = digest(model)
    report = tuned(model, recipe=replace(RECIPE, optimizer="sgd", lr=1e3, momentum=0.0, schedule="constant"))
    assert report.kept.number == 0
    assert digest(model) == before


def test_the_last_epoch_can_be_kept(tmp_path: Path) -> None:
    model = Net()
    tuned(model, recipe=replace(RECIPE, epochs=6))
    wild = replace(RECIPE, optimizer="sgd", lr=1e3, momentum=0.0, schedule="constant", keep="last")
    report = tuned(model, recipe=wild, out=tmp_path)
    assert report.kept.number == 3
    assert report.kept.certified < max(one.certified for one in report.epochs)
    assert digest_of(torch.load(tmp_path / "weights.pt", weights_only=True)) == digest(model)


@pytest.mark.parametrize("steps", [0, 3, 6, 7, 17])
def test_a_run_that_was_killed_goes_on_to_the_same_bits(tmp_path: Path, steps: int) -> None:
    whole, resumed = Net(), Net()
    expected = tuned(whole)
    with pytest.raises(Killed):
        tuned(Net(), hiding=Fatal(steps, killed), out=tmp_path)
    found = tuned(resumed, out=tmp_path)
    assert digest(resumed) == digest(whole)
    assert [replace(one, seconds=0.0) for one in found.epochs] == [replace(one, seconds=0.0) for one in expected.epochs]


SCRIPT = """
import os, signal, sys, torch
torch.set_num_threads({threads})
torch.backends.mkldnn.enabled = {mkldnn}
from tests.adapters.test_training import Fatal, Net, tuned
tuned(Net(), hiding=Fatal({steps}, lambda: os.kill(os.getpid(), signal.SIGKILL)), out={out!r})
"""


def test_a_process_that_was_killed_goes_on_to_the_same_bits(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    out, root = tmp_path / "OUT", pytestconfig.rootpath
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "adapters")])}
    numerics = {"threads": torch.get_num_threads(), "mkldnn": torch.backends.mkldnn.enabled}
    command = [sys.executable, "-c", SCRIPT.format(steps=8, out=str(out), **numerics)]
    assert subprocess.run(command, env=environment, check=False, cwd=tmp_path).returncode == -signal.SIGKILL
    assert [path.name for path in out.iterdir()] == ["checkpoint.pt"]
    whole, resumed = Net(), Net()
    tuned(whole)
    tuned(resumed, out=out)
    assert digest(resumed) == digest(whole)
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.pt", "history.json", "weights.pt"]


def test_a_run_that_is_done_trains_no_more(tmp_path: Path) -> None:
    model, again = Net(), Net()
    report = tuned(model, out=tmp_path)
    assert tuned(again, hiding=Fatal(0, killed), out=tmp_path) == report
    assert digest(again) == digest(model)


def test_the_folder_holds_weights_for_load_state_dict_and_the_history(tmp_path: Path) -> None:
    model, other = Net(), Net()
    report = tuned(model, out=tmp_path / "a" / "b")
    other.load_state_dict(torch.load(tmp_path / "a/b/weights.pt", weights_only=True))
    assert digest(other) == digest(model)
    told = json.loads((tmp_path / "a/b/history.json").read_text())
    assert told == json.loads(json.dumps(report.document()))
    assert (told["kept"], told["config"]["recipe.epochs"]) == (report.kept.number, 3)


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"recipe": replace(RECIPE, lr=0.03)}, "recipe.lr: 0.02 before, 0.03 now"),
        ({"recipe": replace(RECIPE, epochs=4)}, "recipe.epochs: 3 before, 4 now"),
        ({"hiding": Cutout(size=5)}, "hiding: .*size=4.* before, .*size=5.* now"),
        ({"hiding": RandomMasks(MASKS)}, "hiding: "),
        ({"min_margin": 1e-3}, "certify.margin: 0.0001 before, 0.001 now"),
        ({"train": stripes(100, seed=3)}, "train.digest"),
        ({"validation": stripes(20, seed=1)}, "validation.count: 30 before, 20 now"),
        ({"source": {"data": "elsewhere"}}, "source.data: None before, elsewhere now"),
    ],
)
def test_another_training_in_the_same_folder_is_refused(
    tmp_path: Path, changed: dict[str, Any], difference: str
) -> None:
    with pytest.raises(Killed):
        tuned(Net(), hiding=Fatal(8, killed), out=tmp_path)
    content = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(InvalidInput, match=difference):
        tuned(Net(), out=tmp_path, **changed)
    assert (tmp_path / "checkpoint.pt").read_bytes() == content


def test_other_weights_or_another_net_are_another_training(tmp_path: Path) -> None:
    tuned(Net(), out=tmp_path, recipe=replace(RECIPE, epochs=1))
    other = Net()
    with torch.no_grad():
        other.head.bias[0] += 1e-6
    with pytest.raises(InvalidInput, match="weights: sha256"):
        tuned(other, out=tmp_path, recipe=replace(RECIPE, epochs=1))
    with pytest.raises(InvalidInput, match="architecture: sha256"):
        tuned(nn.Sequential(Net()), out=tmp_path, recipe=replace(RECIPE, epochs=1))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        tuned(Net(), hiding=Fatal(8, killed), out=tmp_path)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    document = torch.load(path, weights_only=True)
    document["state"]["learner"]["optimizer"]["state"][0]["exp_avg"][0] += 1e-3
    torch.save(document, path)
    edited = path.read_bytes()
    for content in (b"", b"not a checkpoint", whole[: len(whole) // 2], edited):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"checkpoint\.pt is (no checkpoint|damaged).*delete it"):
            tuned(Net(), out=tmp_path)


def test_a_changed_byte_of_a_checkpoint_changes_no_result(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        tuned(Net(), hiding=Fatal(15, killed), out=tmp_path)
    path, whole = tmp_path / "checkpoint.pt", Net()
    content = path.read_bytes()
    tuned(whole)
    for place in np.linspace(0, len(content) - 1, 40).astype(int).tolist():
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        resumed = Net()
        try:
            tuned(resumed, out=tmp_path)
        except InvalidInput:
            continue
        assert digest(resumed) == digest(whole)


class Harmful:
    """A pickle that runs a command when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    torch.save({"state": Harmful(tmp_path / "harmed")}, tmp_path / "checkpoint.pt")
    with pytest.raises(InvalidInput, match="is no checkpoint"):
        tuned(Net(), out=tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(pickle.dumps(Harmful(tmp_path / "harmed")))
    with pytest.raises(InvalidInput, match="is no checkpoint"):
        tuned(Net(), out=tmp_path)
    assert not (tmp_path / "harmed").exists()


def test_a_loss_that_is_no_number_stops_the_run_with_the_weights_before_it(tmp_path: Path) -> None:
    images, labels = TRAIN
    broken = images.clone()
    broken[50] = torch.nan
    model = Net()
    head = model.head.weight.clone()
    with pytest.raises(RunStopped, match=r"the loss became nan after .* take a smaller lr than 0\.02"):
        tuned(model, train=(broken, labels), out=tmp_path, hiding=Cutout(size=1))
    assert bool(model.head.weight.isfinite().all())
    assert not torch.equal(model.head.weight, head)
    assert not any(module.training for module in model.modules())
    assert not (tmp_path / "weights.pt").exists()


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, optimizer="sgd", schedule="constant"), replace(RECIPE, amp="auto"),
        replace(RECIPE, amp="bfloat16"), replace(RECIPE, batch_size=1000, lr=0.1),
    ],
    ids=["sgd", "auto", "bfloat16", "one step an epoch"],
)  # fmt: skip
def test_other_recipes_train_too(recipe: Recipe) -> None:
    report = tuned(Net(), recipe=recipe)
    losses = [one.loss for one in report.epochs if one.loss is not None]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("amp", "device", "has_bfloat16", "dtype"),
    [
        ("off", "cpu", True, None), ("auto", "cpu", False, torch.bfloat16), ("bfloat16", "cpu", False, torch.bfloat16),
        ("off", "cuda", True, None), ("auto", "cuda", True, torch.bfloat16), ("auto", "cuda", False, torch.float16),
        ("float16", "cuda", True, torch.float16),
    ],
)  # fmt: skip
def test_the_precision_of_steps_is_one_that_the_device_has(
    amp: Any, device: str, has_bfloat16: bool, dtype: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    assert Recipe(amp=amp).amp_dtype(torch.device(device)) == dtype


def test_the_learning_rate_falls_along_a_cosine() -> None:
    cosine, constant = Recipe(lr=2.0), Recipe(lr=2.0, schedule="constant")
    assert [round(cosine.rate(progress), 6) for progress in (0.0, 0.5, 1.0)] == [2.0, 1.0, 0.0]
    assert [constant.rate(progress) for progress in (0.0, 0.5, 1.0)] == [2.0, 2.0, 2.0]


def test_how_images_come_does_not_matter() -> None:
    images, labels = TRAIN
    digests = set()
    for given, workers in ((images, 0), (images, 2), (list(images), 0), (images.numpy(), 0), (images.numpy(), 3)):
        model = Net()
        tuned(model, train=(given, np.array(labels)), workers=workers)
        digests.add(digest(model))
    assert len(digests) == 1


def test_every_step_has_a_full_batch_and_each_epoch_another_order() -> None:
    seen: list[torch.Tensor] = []

    def watching(images: torch.Tensor, _: torch.Generator, __: float = 0.0) -> torch.Tensor:
        seen.append(images[:, 0, 0, 0])
        return images

    tuned(Net(), hiding=watching, recipe=replace(RECIPE, epochs=2))
    assert [len(batch) for batch in seen] == [16] * 12
    first, second = torch.cat(seen[:6]), torch.cat(seen[6:])
    assert len(set(first.tolist())) == len(set(second.tolist())) == 96
    assert not torch.equal(first, second)


def test_the_schedule_hears_how_far_training_has_come() -> None:
    heard: list[float] = []

    def listening(images: torch.Tensor, _: torch.Generator, progress: float = 0.0) -> torch.Tensor:
        heard.append(progress)
        return images

    tuned(Net(), hiding=listening, recipe=replace(RECIPE, epochs=2))
    assert heard == [step / 12 for step in range(12)]


def test_torchs_chance_is_left_as_it_was_and_does_not_matter() -> None:
    digests = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        model = Net()
        tuned(model)
        assert torch.equal(torch.get_rng_state(), before)
        digests.add(digest(model))
    assert len(digests) == 1


def test_another_seed_is_another_training() -> None:
    one, two = Net(), Net()
    tuned(one)
    tuned(two, recipe=replace(RECIPE, seed=1))
    assert digest(one) != digest(two)


def test_a_classifier_is_trained_by_its_model_and_certified_with_its_fill(tmp_path: Path) -> None:
    plain, wrapped = Net(), Net().eval()
    expected = finetune(plain, TRAIN, VALIDATION, MASKS, recipe=RECIPE, fill=0.5)
    found = finetune(
        TorchClassifier(wrapped, fill=0.5, batch_size=8), TRAIN, VALIDATION, MASKS, recipe=RECIPE, out=tmp_path
    )
    assert digest(wrapped) == digest(plain)
    assert [one.certified for one in found.epochs] == [one.certified for one in expected.epochs]
    assert found.config["certify.fill"] == "(0.5,)"
    assert "batch_size=8" in found.config["certify.contract"]


def test_only_free_parameters_change() -> None:
    model = Net()
    model.features.requires_grad_(False)
    before = digest_of(list(model.features.parameters()))
    head = model.head.weight.clone()
    tuned(model)
    assert digest_of(list(model.features.parameters())) == before
    assert not torch.equal(model.head.weight, head)


def frozen() -> nn.Module:
    return Net().requires_grad_(False)


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def forward(self, images: torch.Tensor) -> Any:
        return self.net(images), 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train": (torch.zeros(0, 1, SIDE, SIDE), [])}, "train holds no images"),
        ({"validation": ([], [])}, "validation holds no images"),
        ({"train": TRAIN[0]}, r"train must be a pair \(images, labels\)"),
        ({"train": (5, [0])}, r"train must be a pair \(images, labels\)"),
        ({"train": (TRAIN[0], TRAIN[1][:-1])}, "expected 100 whole numbers from 0 as true labels"),
        ({"train": (TRAIN[0], [-1] * 100)}, "whole numbers from 0"),
        ({"train": (TRAIN[0], [0.5] * 100)}, "whole numbers from 0"),
        ({"train": (TRAIN[0], [7] * 100)}, "labels go up to 7, but the model has 3 classes"),
        ({"train": (torch.zeros(4, 1, 9, 9), [0] * 4)}, "the masks are for images of shape"),
        ({"validation": (torch.zeros(4, 1, 9, 9), [0] * 4)}, "the masks are for images of shape"),
        ({"train": (torch.zeros(4, 1, SIDE, SIDE, dtype=torch.uint8), [0] * 4)}, "images of floats"),
        ({"train": ([*TRAIN[0], torch.zeros(3, SIDE, SIDE)] * 2, [*TRAIN[1], 0] * 2)}, "the same number of channels"),
        ({"hiding": Cutout(size=SIDE + 1)}, "squares of 9 px do not fit"),
        ({"recipe": replace(RECIPE, amp="float16")}, "needs a GPU"),
        ({"out": "/dev/null/folder"}, "cannot write to the folder"),
        ({"fill": (0.0, 1.0)}, "fill has 2 values"),
        ({"regions": "squares(size=3)"}, "nothing can be certified with these masks"),
    ],
)
def test_bad_input_is_refused_in_words(changed: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidInput, NotCovering), match=message):
        tuned(Net(), **changed)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (frozen(), "no parameter to train"),
        (Two(), "one tensor of scores"),
        ("a net", "expected a torch.nn.Module; got str"),
    ],
)
def test_models_that_cannot_be_trained_are_refused(model: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        tuned(model)


def test_probes_stop_a_training_whose_certificates_would_be_worth_nothing() -> None:
    class Leaning(Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) + images.nan_to_num().mean()

    with pytest.raises(ProbeFailed):
        tuned(Leaning())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1; got 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"validation_images": True}, "validation_images must be a whole number"),
        ({"optimizer": "adam"}, "optimizer must be one of adamw, sgd; got 'adam'"),
        ({"schedule": "linear"}, "schedule must be one of cosine, constant"),
        ({"keep": "best"}, "keep must be one of certified, last"),
        ({"amp": True}, "amp must be one of off, auto, bfloat16, float16"),
        ({"lr": float("nan")}, "lr must be a finite number from 0; got nan"),
        ({"lr": -1.0}, "lr must be"),
        ({"lr": "0.1"}, "lr must be"),
        ({"momentum": 1.0}, "momentum must be a finite number from 0 to below 1"),
        ({"weight_decay": float("inf")}, "weight_decay must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Recipe(**changed)
