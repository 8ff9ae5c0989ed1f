"""Every defence of the paper's Table 2, and later ones, on one data set with small networks trained here: one table.

Each defence is certified on the same test images against a 2×2 and a 5×5 patch, any rectangle of 2.4 % of the image,
and two 2×2 patches. A second table compares each with double masking, image by image; a third one shows what a patch
is before and after images are enlarged.

    python benchmarks/defences.py --data hf:../shared/data/cifar10-jpeg --out cifar
    python benchmarks/defences.py --data idx:/usr/share/datasets/fashion-mnist --out fashion

Networks, runs and tables lie in the folder --out; the same command continues after an interruption, and a finished
run answers `maskcover report OUT/runs/DEFENCE/REGIONS`.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from defences_data import Data, opened
from defences_networks import KINDS, Training, say, trained
from defences_table import (
    Cell,
    Frame,
    Line,
    Pair,
    defences_markdown,
    document,
    frames_markdown,
    pairs_markdown,
)
from maskcover_torch import IntervalClassifier, LocalClassifier, SplitClassifier, intervals, local, split
from torch import nn

import maskcover as mc
from maskcover.classifiers.evaluation import Evaluator, evaluator_of, observe
from maskcover.classifiers.registry import as_classifier
from maskcover.defense import Procedure, named
from maskcover.defense.procedure import answering
from maskcover.defense.table import Pending, PredictionTable
from maskcover.engine.queue import run_queries
from maskcover.errors import NotCovering
from maskcover.grid import Grid

REFERENCE = "5×5"
REGIONS = {
    "2×2": "squares(size=2)",
    REFERENCE: "squares(size=5)",
    "rectangles ≤ 2.4 %": "rectangles(area=0.024)",
    "two 2×2": "patches(squares(size=2), k=2)",
}
MASKS = 25  # at most, for every defence by masks: 325 predictions for an image that certifies
ROWS = 16  # masked predictions in a pass when it serves; cells and bounds have passes of one image
COUNTED, TIMED = 100, 20  # test images whose predictions are counted when it serves, and whose answers are timed


@dataclass(frozen=True)
class Defence:
    """A defence of the table.

    Args:
        name: In the table; its folder is made of it.
        network: The kind of network, see `defences_networks.KINDS`.
        procedure: The defence itself.
        classifier: Makes the classifier of a network in evaluation mode.
        reuses: Whether it has the network and the masks of the first defence, so that predictions of its runs can be
            used again; not for the reference, whose predictions are counted.
        note: A footnote.
    """

    name: str
    network: str
    procedure: Procedure
    classifier: Callable[[nn.Module, Data], Any] = lambda network, _: as_classifier(network, {})
    reuses: bool = False
    note: str = ""

    @property
    def slug(self) -> str:
        """The name as that of a folder."""
        return slug(self.name)


def of_cells(network: nn.Module, _: Data) -> Any:
    """The cells of a local network as a classifier."""
    return local(network.evidence)


ALERTS = (
    "Certified says that the answer on every attacked image is the label or an alert. An alert on a clean image counts "
    "as wrong."
)


def of_masked_cells(network: nn.Module, _: Data) -> Any:
    """The head of a network behind its front end, whose cells are masked."""
    return split(network, at="front" if hasattr(network, "front") else "evidence")


def of_bounds(network: nn.Module, data: Data, batch_size: int = 64) -> Any:
    """The certain labels of a small network, by interval bounds."""
    return intervals(network, data.pixels, batch_size=batch_size)


BOUNDS = "Predictions to certify are bounds under a mask in float64; the answer is that of the network alone."
HEADS = "The front end runs once an image; the predictions are those of the head. Masks hide cells."
CELLS = "The predictions are cells of one pass of the network, and the image as it is."
DEFENCES = (
    Defence("PatchCleanser, double masking", "cutout", mc.DoubleMasking()),
    Defence("challenger masking", "cutout", mc.ChallengerMasking(), reuses=True),
    Defence(
        "detection (Minority Reports)", "cutout", mc.Detection(0.5), reuses=True,
        note=ALERTS,
    ),
    Defence(
        "detection, alert below 0.5 (HiCert)", "cutout", mc.Detection(0.5, alert_below=0.5), reuses=True,
        note=ALERTS,
    ),
    Defence("de-randomised smoothing, columns", "columns", named.derandomized_smoothing()),
    Defence(
        "de-randomised smoothing, blocks", "blocks", named.derandomized_smoothing(12, kind="blocks", stride=4),
    ),
    Defence("Smoothed ViT", "transformer", named.smoothed_vit(4, stride=2)),
    Defence("Clipped BagNet", "clipped", named.clipped_bagnet(), of_cells, note=CELLS),
    Defence("BagCert", "bagcert", named.bagcert(), of_cells, note=CELLS),
    Defence("PatchGuard, mask-BN", "local", named.patchguard(), of_cells, note=CELLS),
    Defence("PatchGuard, mask-DS", "columns", named.patchguard(width=4)),
    Defence("PatchGuard++", "local", mc.Detection(0.5), of_masked_cells, note=f"{HEADS} {ALERTS}"),
    Defence("PatchCURE, double masking of cells", "split", mc.DoubleMasking(), of_masked_cells, note=HEADS),
    Defence("interval bounds", "small", mc.Intervals(), of_bounds, note=BOUNDS),
)  # fmt: skip


def slug(name: str) -> str:
    """A name as that of a folder."""
    return "-".join("".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name).split())


def masks_of(procedure: Procedure, classifier: Any, regions: str, side: int) -> tuple[mc.MaskSet, mc.RegionSet]:
    """The masks that the defence or its classifier names, or else a cover of the regions; and the regions there."""
    if isinstance(classifier, SplitClassifier):
        return classifier.cover(regions, side, masks=MASKS), classifier.regions(regions, side)
    own = procedure.own_masks(Grid.of(side))
    if own is None and isinstance(classifier, LocalClassifier):
        own = classifier.own_masks(Grid.of(side))
    return own or mc.cover(regions, image_size=side, masks=MASKS), mc.parse_regions(regions)


@dataclass(frozen=True)
class Bench:
    """The data, the options and the networks of one call."""

    data: Data
    options: argparse.Namespace
    networks: dict[str, nn.Module]

    def classifier(self, defence: Defence) -> Any:
        """The classifier of a defence."""
        return defence.classifier(self.networks[defence.network], self.data)

    def folder(self, defence: Defence, regions: str) -> Path:
        """The folder of a run."""
        return Path(self.options.out) / "runs" / defence.slug / slug(regions)

    def cell(self, defence: Defence, name: str) -> Cell:
        """Certify the test images against one region set, into a folder of its own."""
        images, regions = self.data.test.prepared(self.data.preprocessing), REGIONS[name]
        say(f"{defence.name} against {regions}")
        try:
            classifier = self.classifier(defence)
            masks, there = masks_of(defence.procedure, classifier, regions, self.data.side)
            earlier = self.folder(DEFENCES[0], name) if defence.reuses and name != REFERENCE else None
            begin = time.perf_counter()
            summary = mc.run(
                classifier, images, self.data.test.true_labels, masks, self.folder(defence, name),
                ids=self.data.test.ids, regions=there, procedure=defence.procedure, keep_tables=True,
                reuse=earlier,
            )  # fmt: skip
        except NotCovering as error:
            say(f"  none possible: {error}")
            return Cell(len(images), reason=str(error))
        if summary.errors:
            raise SystemExit(f"{summary.errors} of {summary.rows} images failed: see {self.folder(defence, name)}")
        say(f"  {summary.certified} of {summary.rows} certified, {time.perf_counter() - begin:.0f} s")
        predictions = None if earlier is not None else summary.evaluations / summary.rows
        return Cell(summary.rows, summary.certified, summary.defended, predictions)

    def line(self, defence: Defence) -> Line:
        """All cells of a defence."""
        cells = {name: self.cell(defence, name) for name in REGIONS}
        images = torch.stack([torch.as_tensor(image) for image in self.data.test.prepared(self.data.preprocessing)])
        with torch.inference_mode():
            labels = self.networks[defence.network](images).argmax(dim=1).numpy()
        right = int((labels == self.data.test.true_labels).sum())
        return Line(defence.name, defence.network, str(defence.procedure), right, cells, note=defence.note)


@dataclass(frozen=True)
class Served:
    """A defence as it serves, one image at a time: its evaluator, and its procedure with all that it takes."""

    procedure: Procedure
    evaluator: Evaluator

    @classmethod
    def of(cls, bench: Bench, defence: Defence) -> Served:
        """The defence of the reference run."""
        run = mc.open_run(bench.folder(defence, REFERENCE))
        classifier = bench.classifier(defence)
        batch_size = 1 if isinstance(classifier, IntervalClassifier | LocalClassifier) else ROWS
        if isinstance(classifier, IntervalClassifier):
            classifier = of_bounds(bench.networks[defence.network], bench.data, batch_size)
        own = getattr(classifier, "of_batch_size", None)
        evaluator = evaluator_of(
            classifier if own is None else own(batch_size), run.parts[0].masks,
            bench.data.test.prepared(bench.data.preprocessing)[0], batch_size=batch_size,
        )  # fmt: skip
        observe(evaluator, run.procedure.observation)
        return cls(run.procedure, evaluator)

    def predictions(self, images: list[Any]) -> float:
        """The mean number of predictions to answer."""
        answer = answering(self.procedure)

        def count(number: int, table: PredictionTable) -> int | Pending:
            pending = answer(number, table)
            return pending if isinstance(pending, Pending) else table.evaluations

        return fmean(made for _, made in run_queries(self.evaluator, images, count, views=self.procedure.views))

    def answer(self, image: Any) -> None:
        """Answer for one image."""
        list(run_queries(self.evaluator, [image], answering(self.procedure), views=self.procedure.views))


def costs(bench: Bench, lines: list[Line]) -> list[Line]:
    """The lines with the predictions and the milliseconds of an answer; all defences take turns on each image."""
    images = list(bench.data.test.prepared(bench.data.preprocessing))
    served = {
        defence.name: Served.of(bench, defence)
        for defence, line in zip(DEFENCES, lines, strict=True)
        if line.cells[REFERENCE].certified is not None
    }
    actions: dict[str, Callable[[Any], object]] = {name: defence.answer for name, defence in served.items()}
    for kind in {line.network for line in lines}:
        actions[f"network {kind}"] = _alone(bench.networks[kind])
    times: dict[str, list[float]] = {name: [] for name in actions}
    for image in [images[0], *images[:TIMED]]:  # the first image twice: what is made once is not timed
        for name, action in actions.items():
            begin = time.process_time()  # of one thread: other work on the machine counts less than by the clock
            action(image)
            times[name].append(1000 * (time.process_time() - begin))
    medians = {name: round(median(values[1:]), 3) for name, values in times.items()}
    return [
        replace(
            line, alone=medians[f"network {line.network}"], milliseconds=medians.get(line.name),
            serving=served[line.name].predictions(images[:COUNTED]) if line.name in served else None,
        )
        for line in lines
    ]  # fmt: skip


def _alone(network: nn.Module) -> Callable[[Any], object]:
    def action(image: Any) -> object:
        with torch.inference_mode():
            return network(torch.as_tensor(image)[None])

    return action


def against_the_first(bench: Bench, lines: list[Line]) -> list[Pair]:
    """Each defence compared with the first one where both are possible, image by image."""
    pairs = []
    for defence, line in zip(DEFENCES[1:], lines[1:], strict=True):
        for name, cell in line.cells.items():
            if cell.certified is not None:
                folders = bench.folder(DEFENCES[0], name), bench.folder(defence, name)
                counts = mc.compare(*folders).counts[2]
                pairs.append(Pair(
                    line.name, name, counts.only_first, counts.only_second, counts.difference, *counts.interval,
                    counts.p_value,
                ))  # fmt: skip
    return pairs


def frames(bench: Bench) -> list[Frame]:
    """An enlarged network against one patch in the frame of the source, and against patches of the input."""
    data, factor, size = bench.data, KINDS["enlarged"].enlarged, 5
    side = factor * data.side
    resize = mc.Resize((side, side), "bicubic")
    preprocessing = replace(data.preprocessing, steps=(resize,))
    network, dataset = bench.networks["enlarged"], data.test
    touched = _side(mc.through(mc.squares(size=size), resize, source=data.side), side)
    say(f"frames: a {size}×{size} patch of the source touches {touched}×{touched} pixels of {side}×{side}")
    folder = Path(bench.options.out) / "runs/frames"
    summary = mc.run_source(
        network, dataset, f"squares(size={size})", folder / "source", preprocessing=preprocessing,
        budget={"masks": MASKS},
    )  # fmt: skip
    attackers = [(f"{size}×{size} of {data.side}×{data.side}, before the resize", touched, summary)]
    for own in (factor * size, size):
        regions = f"squares(size={own})"
        masks = mc.cover(regions, image_size=side, masks=MASKS)
        summary = mc.run(
            network, dataset.prepared(preprocessing), dataset.true_labels, masks, folder / f"input-{own}",
            ids=dataset.ids, regions=regions,
        )  # fmt: skip
        attackers.append((f"{own}×{own} of {side}×{side}, after it", own, summary))
    return [
        Frame(name, f"{pixels}×{pixels}", summary.certified, summary.defended, summary.undefended, summary.rows)
        for name, pixels, summary in attackers
    ]


def _side(regions: mc.RegionSet, side: int) -> int:
    """The side of the largest box of a region set, in pixels."""
    return max(extent for term in regions.terms(Grid.of(side)) for shape in term.slots[0] for extent in extents(shape))


def extents(stencil: Any) -> tuple[int, ...]:
    """The sides of the box around a stencil."""
    (low, high) = stencil.cells.bounds[0]
    return tuple((high - low).tolist())


def report(bench: Bench, steps: dict[str, int], began: float) -> str:
    """Make all tables, write table.md and table.json into the folder, and return the Markdown."""
    lines = [bench.line(defence) for defence in DEFENCES]
    enlarged = frames(bench)
    lines = costs(bench, lines)
    pairs = against_the_first(bench, lines)
    options, data = bench.options, bench.data
    settings = {
        "side": data.side, "training_images": len(data.images), "test_images": len(data.test), "seed": options.seed,
        "minutes": options.minutes, "steps": steps, "torch": torch.__version__.partition("+")[0],
        "processor": platform.machine(), "seconds_of_this_call": round(time.perf_counter() - began),
    }  # fmt: skip
    text = "\n\n".join([
        f"{len(data.test):,} test images of {data.side}×{data.side}, drawn with seed {options.seed}; networks trained "
        f"for {options.minutes:g} minutes of CPU time each on {len(data.images):,} images.",
        defences_markdown(lines, REFERENCE),
        f"Certified, image by image, against {DEFENCES[0].name}:",
        pairs_markdown(pairs, DEFENCES[0].name),
        f"One network on images enlarged {KINDS['enlarged'].enlarged}×:",
        frames_markdown(enlarged),
    ])  # fmt: skip
    out = Path(options.out)
    (out / "table.md").write_text(text + "\n", encoding="utf-8")
    (out / "table.json").write_text(
        json.dumps(document(settings, lines, pairs, enlarged), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return text


def main(arguments: list[str] | None = None) -> str:
    """Train, certify, compare, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="as open_dataset reads it: hf:FOLDER, cifar10:FOLDER, idx:FOLDER")
    parser.add_argument("--out", required=True, help="folder for networks, runs and tables; the same command goes on")
    parser.add_argument("--minutes", type=float, default=5.0, help="CPU time to train each network")
    parser.add_argument("--images", type=int, default=500, help="test images to certify, drawn with the seed")
    parser.add_argument("--train", type=int, default=50_000, help="training images, the first ones")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    torch.set_num_threads(1)  # such small networks are slower in two
    out = Path(options.out)
    data = opened(options.data, options.train, options.images, options.seed, out / "training.npz")
    training = Training(data.images, data.labels, data.normalise, data.pixels, options.minutes, options.seed)
    kinds = [*dict.fromkeys(defence.network for defence in DEFENCES), "enlarged"]
    results = {kind: trained(kind, training, out / "networks") for kind in kinds}
    bench = Bench(data, options, {kind: network for kind, (network, _) in results.items()})
    text = report(bench, {kind: steps for kind, (_, steps) in results.items()}, began)
    print(text)
    return text


if __name__ == "__main__":
    main()
