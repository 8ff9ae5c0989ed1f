"""Certification against the reference procedure and against the bare model, side by side in one run; prints ratios.

The reference is the paper's procedure as its authors run it: Algorithm 2 by one forward for every pair of masks on the
batch of all images, float32, no early exit, autograd left on. The bare model computes nothing but scores, in the batch
shape, dtype and memory format that maskcover chose. Images, weights and masks are the same for all.

By default on the CPU with EfficientNet-Lite0 and sixteen crops of the demo's photos; some 20 minutes on two cores. With
--timm NAME a timm model of random weights on random images, every row of which is evaluated: speed, and no verdicts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.demo.model import normalised, published
from maskcover_torch.demo.photos import photos
from maskcover_torch.evaluator import place_of
from maskcover_torch.numerics import contracted, pinned
from PIL import Image
from rich.console import Console
from rich.table import Table

import maskcover as mc
from maskcover.covering.containment import Containment
from maskcover.defense import DoubleMasking, Verdict
from maskcover.defense.procedure import certifying
from maskcover.engine.preparation import prepare_run
from maskcover.engine.queue import run_queries

# Variants of a photo: mirrored or not, and how much of its sides is left before it is resized again.
VARIANTS = ((False, 1.0), (True, 1.0), (False, 0.92), (True, 0.92))


def labelled() -> tuple[torch.Tensor, list[int]]:
    """Sixteen images with labels: four variants of four of the demo's photos, of which some are certified."""
    arrays, labels = [], []
    for photo in photos()[:4]:
        for mirrored, part in VARIANTS:
            margin = round(112 * (1 - part))
            image = Image.fromarray(np.rint(photo.pixels * 255).astype(np.uint8)).crop(
                (margin, margin, 224 - margin, 224 - margin)
            )
            pixels = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC))
            arrays.append(pixels[:, ::-1] if mirrored else pixels)
            labels.append(photo.label)
    stacked = torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy()).float() / 255
    return normalised(stacked), labels


def reference(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, masks: mc.MaskSet) -> torch.Tensor:
    """Whether each image has two-mask correctness (Definition 2)."""
    hidden = torch.from_numpy(np.asarray(masks)).to(images.device)
    right = torch.ones(len(images), dtype=torch.bool, device=images.device)
    for first in range(len(masks)):
        for second in range(first, len(masks)):
            both = (hidden[first] | hidden[second])[None, None]
            right &= model(torch.where(both, 0.0, images)).argmax(dim=1) == labels
    return right.cpu()


@dataclass(frozen=True)
class Subject:
    """The input of all procedures: a model, images, labels; with random weights, verdicts are not compared."""

    model: torch.nn.Module
    images: torch.Tensor
    labels: list[int]
    random: bool = False

    def some(self, rows: list[int]) -> Subject:
        return replace(self, images=self.images[rows], labels=[self.labels[row] for row in rows])


def subject_of(name: str | None, device: str) -> Subject:
    if name is None:
        return Subject(published().to(device), *labelled())
    import timm  # type: ignore[import-untyped]  # an optional package, of which one call is used

    torch.manual_seed(0)
    model, images = timm.create_model(name).eval().to(device), torch.randn(16, 3, 224, 224)
    with torch.inference_mode():
        return Subject(model, images, model(images.to(device)).argmax(dim=1).tolist(), random=True)


def seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def bare_rate(subject: Subject, batch: int, contract: mc.NumericContract) -> float:
    """Forwards a second of the model alone, in one shape, precision and memory format."""
    model = contracted(subject.model, contract)
    device, dtype = place_of(model)
    layout = torch.channels_last if contract.memory_format == "channels_last" else torch.contiguous_format
    rows = subject.images[:1].expand(batch, -1, -1, -1).to(device, dtype).contiguous(memory_format=layout)
    with pinned(contract, device):
        model(rows)
        rounds = max(2, int(10 / seconds(lambda: model(rows))))
        return rounds * batch / seconds(lambda: [model(rows) for _ in range(rounds)])


@dataclass(frozen=True)
class Outcome:
    certified: list[bool]
    forwards: int
    seconds: float
    batch: int


def certify(subject: Subject, masks: mc.MaskSet, contract: mc.NumericContract) -> Outcome:
    """A certification, timed without what happens once before it: compilation, the batch size, the probes."""
    classifier = TorchClassifier(subject.model, contract=contract)
    start = prepare_run(classifier, subject.images, masks, min_margin=classifier.margin)
    procedure, covers = DoubleMasking(exhaustive=subject.random), Containment.covering(masks)
    decide = certifying(procedure, np.array(subject.labels), covers, start.min_margin)
    verdicts_by_number: dict[int, Verdict] = {}
    spent = seconds(lambda: verdicts_by_number.update(run_queries(start.evaluator, subject.images, decide)))
    verdicts = [verdicts_by_number[number] for number in range(len(subject.images))]
    forwards = sum(verdict.evaluations for verdict in verdicts)
    return Outcome([verdict.certificate.certified for verdict in verdicts], forwards, spent, start.evaluator.batch_size)


CONTRACTS = {
    "float32": mc.NumericContract(memory_format="channels_last"),
    "float32, compiled": mc.NumericContract(memory_format="channels_last", compiled=True),
    "bfloat16": mc.NumericContract(memory_format="channels_last", dtype="bfloat16"),
    "bfloat16, compiled": mc.NumericContract(memory_format="channels_last", dtype="bfloat16", compiled=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masks", type=int, default=36)
    parser.add_argument("--timm", help="a timm model's name, such as vit_base_patch16_224")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--contracts", default="float32;float32, compiled;bfloat16", help=f"of: {'; '.join(CONTRACTS)}")
    options = parser.parse_args()
    masks = mc.cover(mc.squares(area="0.02"), masks=options.masks)
    subject = subject_of(options.timm, options.device)
    right: list[torch.Tensor] = []
    device = place_of(subject.model)[0]
    images, labels = subject.images.to(device), torch.tensor(subject.labels, device=device)
    reference_seconds = seconds(lambda: right.append(reference(subject.model, images, labels, masks)))
    whole = len(subject.images) * masks.evaluations
    title = (
        f"{masks}, {len(subject.images)} images on {torch.cuda.get_device_name() if device.type == 'cuda' else 'CPU'}"
    )
    table = Table("procedure", "images", "certified", "s per image", "ratio", "forwards/s", "of bare", title=title)
    each = reference_seconds / len(subject.images)
    table.add_row(
        "reference", "all", f"{int(right[0].sum())}", f"{each:.2f}", "1", f"{whole / reference_seconds:.1f}", ""
    )
    groups = {"all": list(range(len(subject.images)))}
    if not subject.random and right[0].any():
        groups["certifying"] = right[0].nonzero().flatten().tolist()
    for name in options.contracts.split(";"):
        contract = CONTRACTS[name.strip()]
        # Where a CPU has no instructions for it, half precision takes minutes an image: one is enough to see that.
        groups_now = {"the first": groups["certifying"][:1]} if contract.dtype and device.type == "cpu" else groups
        for group, rows in groups_now.items():
            outcome = certify(subject.some(rows), masks, contract)
            if contract.dtype is None and not subject.random:
                assert outcome.certified == right[0][rows].tolist(), "the verdicts differ"
            each_now, rate = outcome.seconds / len(rows), outcome.forwards / outcome.seconds
            alone = bare_rate(subject, outcome.batch, contract)
            table.add_row(
                f"maskcover, {name.strip()}, batch {outcome.batch}", group, f"{sum(outcome.certified)}",
                f"{each_now:.2f}", f"{each / each_now:.2f}×", f"{rate:.1f}", f"{rate / alone:.2f}",
            )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
