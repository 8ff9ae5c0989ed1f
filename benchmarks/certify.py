"""Certification against the reference procedure and against the bare model, side by side in one run; prints ratios.

The reference is the paper's procedure as its authors run it: Algorithm 2 by one forward for every pair of masks on the
batch of all images, float32, no early exit, autograd left on. The bare model computes nothing but scores, in the batch
shape and dtype that maskcover chose and in its fastest memory format. Images, weights and masks are the same for all.

"rows" are all rows that the model computed in a certification, over the predictions that decisions asked for: probes,
timing of batch sizes, reference scores and padding are what is above 1. "failing" are the predictions of images that do
not certify, over the least possible, which is worked out from the whole tables of the reference (`least_predictions`).

By default on the CPU with EfficientNet-Lite0 and sixteen crops of the demo's photos; some 20 minutes on two cores. With
--folder the photos in it, named NAME_LABEL.jpg, as the package foolbox ships them. With --timm NAME a timm model of
random weights on random images, every row of which is evaluated: speed, and no verdicts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import networkx as nx  # type: ignore[import-untyped]  # it has no types
import numpy as np
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.demo.model import normalised, published
from maskcover_torch.demo.photos import framed, photos
from maskcover_torch.evaluator import place_of
from maskcover_torch.numerics import contracted, pinned
from PIL import Image
from rich.console import Console
from rich.table import Table

import maskcover as mc
from maskcover.cells import IntArray
from maskcover.covering.containment import Containment
from maskcover.defense import DoubleMasking, Verdict
from maskcover.defense.double import lowest_label
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


def from_folder(folder: Path, count: int) -> tuple[torch.Tensor, list[int]]:
    """The first images of a folder whose file names end in their label, such as imagenet_00_243.jpg."""
    paths = sorted(folder.glob("*_*.jpg"))[:count]
    arrays = [framed(np.asarray(Image.open(path).convert("RGB"))) for path in paths]
    stacked = torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy())
    return normalised(stacked), [int(path.stem.rsplit("_", 1)[1]) for path in paths]


def reference(model: torch.nn.Module, images: torch.Tensor, masks: mc.MaskSet) -> IntArray:
    """The labels under each pair of masks, int64 (images, masks, masks), by one forward for each pair."""
    hidden = torch.from_numpy(np.asarray(masks)).to(images.device)
    labels = torch.empty((len(images), len(masks), len(masks)), dtype=torch.int64)
    for first in range(len(masks)):
        for second in range(first, len(masks)):
            both = (hidden[first] | hidden[second])[None, None]
            labels[:, first, second] = labels[:, second, first] = (
                model(torch.where(both, 0.0, images)).argmax(dim=1).cpu()
            )
    return labels.numpy()


def least_predictions(table: IntArray, label: int) -> int:
    """The least number of predictions for the verdict of an image that fails, where every mask is needed.

    All one-mask predictions and the bare one always come first. If they are all the label, one pair refutes the
    certificate. Else Algorithm 1 must refute, with one pair each, the disagreers before the first whose row is
    unanimous, of which it needs the whole row; a pair of two disagreers may refute both (a maximum matching).
    """
    single = table.diagonal()
    disagreers = np.flatnonzero(single != lowest_label(single))
    if not len(disagreers):
        return len(table) + 1 + int((single == label).all())
    unanimous = [mask for mask in disagreers.tolist() if (table[mask] == single[mask]).all()][:1]
    pairs = [(mask, other) for mask in unanimous for other in range(len(table)) if other != mask]
    refuted = {other for mask, other in pairs if table[mask, other] != single[other]}
    open_rows = [mask for mask in disagreers.tolist() if mask < [*unanimous, len(table)][0] and mask not in refuted]
    both = nx.Graph()
    both.add_edges_from(
        (first, second) for first, second in combinations(open_rows, 2)
        if table[first, second] not in (single[first], single[second])
    )  # fmt: skip
    return len(table) + 1 + len(pairs) + len(open_rows) - len(nx.max_weight_matching(both, maxcardinality=True))


@dataclass(frozen=True)
class Subject:
    """The input of all procedures: a model, images, labels; with random weights, verdicts are not compared."""

    model: torch.nn.Module
    images: torch.Tensor
    labels: list[int]
    random: bool = False

    def some(self, rows: list[int]) -> Subject:
        return replace(self, images=self.images[rows], labels=[self.labels[row] for row in rows])


class Counted(torch.nn.Module):
    """A model that counts the rows it computes, copies of it included."""

    rows: ClassVar = [0]

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The scores of the model."""
        self.rows[0] += len(images)
        scores: torch.Tensor = self.model(images)
        return scores


def subject_of(name: str | None, device: str, folder: Path | None, count: int) -> Subject:
    if name is None:
        return Subject(published().to(device), *(labelled() if folder is None else from_folder(folder, count)))
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
    """Forwards a second of the model alone, in one shape and precision, in the faster memory format."""
    formats = ("contiguous", "channels_last")
    return max(_bare_rate(subject, batch, replace(contract, memory_format=layout)) for layout in formats)


def _bare_rate(subject: Subject, batch: int, contract: mc.NumericContract) -> float:
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
    forwards: list[int]
    rows: int
    seconds: float
    batch: int
    layout: str


def certify(subject: Subject, masks: mc.MaskSet, contract: mc.NumericContract) -> Outcome:
    """A certification, timed without what happens once before it: compilation, the batch size, the probes.

    Its rows count all of that but compilation; of a compiled model they are not counted.
    """
    Counted.rows[0] = 0
    classifier = TorchClassifier(
        subject.model if contract.compiled else Counted(subject.model).eval(), contract=contract
    )
    start = prepare_run(classifier, subject.images, masks, min_margin=classifier.margin)
    procedure, covers = DoubleMasking(exhaustive=subject.random), Containment.covering(masks)
    decide = certifying(procedure, np.array(subject.labels), covers, start.min_margin)
    verdicts_by_number: dict[int, Verdict] = {}
    spent = seconds(lambda: verdicts_by_number.update(run_queries(start.evaluator, subject.images, decide)))
    verdicts = [verdicts_by_number[number] for number in range(len(subject.images))]
    forwards, layout = [verdict.evaluations for verdict in verdicts], start.evaluator.identity()["memory_format"]
    certified = [verdict.certificate.certified for verdict in verdicts]
    return Outcome(certified, forwards, Counted.rows[0], spent, start.evaluator.batch_size, layout)


CONTRACTS = {
    "float32": mc.NumericContract(),
    "float32, compiled": mc.NumericContract(compiled=True),
    "bfloat16": mc.NumericContract(dtype="bfloat16"),
    "bfloat16, compiled": mc.NumericContract(dtype="bfloat16", compiled=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masks", type=int, default=36)
    parser.add_argument("--timm", help="a timm model's name, such as vit_base_patch16_224")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--contracts", default="float32;float32, compiled;bfloat16", help=f"of: {'; '.join(CONTRACTS)}")
    parser.add_argument("--folder", type=Path, help="a folder of photos named NAME_LABEL.jpg")
    parser.add_argument("--images", type=int, default=8, help="number of photos of that folder")
    options = parser.parse_args()
    masks = mc.cover(mc.squares(area="0.02"), masks=options.masks)
    subject = subject_of(options.timm, options.device, options.folder, options.images)
    tables: list[IntArray] = []
    device = place_of(subject.model)[0]
    images = subject.images.to(device)
    reference_seconds = seconds(lambda: tables.append(reference(subject.model, images, masks)))
    right = np.array([bool((table == label).all()) for table, label in zip(tables[0], subject.labels, strict=True)])
    least = np.array(list(map(least_predictions, tables[0], subject.labels)))
    whole = len(subject.images) * masks.evaluations
    title = (
        f"{masks}, {len(subject.images)} images on {torch.cuda.get_device_name() if device.type == 'cuda' else 'CPU'}"
    )
    columns = (
        "procedure", "images", "certified", "s per image", "ratio", "forwards/s", "of bare", "rows", "failing"
    )  # fmt: skip
    table = Table(*columns, title=title)
    each = reference_seconds / len(subject.images)
    rate = f"{whole / reference_seconds:.1f}"
    table.add_row("reference", "all", f"{right.sum()}", f"{each:.2f}", "1", rate, "", "", "")
    groups = {"all": list(range(len(subject.images)))}
    if not subject.random and right.any():
        groups["certifying"] = np.flatnonzero(right).tolist()
    for name in options.contracts.split(";"):
        contract = CONTRACTS[name.strip()]
        # Where a CPU has no instructions for it, half precision takes minutes an image: one is enough to see that.
        slow = contract.dtype and device.type == "cpu"
        for group, numbers in ({"the first": groups["all"][:1]} if slow else groups).items():
            outcome = certify(subject.some(numbers), masks, contract)
            if contract.dtype is None and not subject.random:
                assert outcome.certified == right[numbers].tolist(), "the verdicts differ"
            table.add_row(name.strip(), group, *figures(subject, contract, outcome, each, least[numbers]))
    Console(width=140).print(table)


def figures(
    subject: Subject, contract: mc.NumericContract, outcome: Outcome, each: float, least: IntArray
) -> list[str]:
    """The cells of one row of the table; `each` are the seconds of the reference for an image."""
    each_now, predictions = outcome.seconds / len(outcome.certified), sum(outcome.forwards)
    rate, failing = predictions / outcome.seconds, ~np.array(outcome.certified)
    costs = np.array(outcome.forwards)[failing]
    return [
        f"{sum(outcome.certified)}",
        f"{each_now:.2f} ({outcome.batch} rows, {outcome.layout})",
        f"{each / each_now:.2f}×",
        f"{rate:.1f}",
        f"{rate / bare_rate(subject, outcome.batch, contract):.2f}",
        f"{outcome.rows:,} / {predictions:,} = {outcome.rows / predictions:.3f}" if outcome.rows else "",
        f"{costs.mean():.1f} / {least[failing].mean():.1f} = {costs.sum() / least[failing].sum():.2f}"
        if failing.any() and not subject.random else "",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
