"""The loop of a server: images a second and latency of every defence, beside the undefended network, in one run.

All rows take turns on each image, so that other work on the machine meets all of them; ratios are to the undefended
network in the same run. A row whose feature is not there is left out, and says why.

    python benchmarks/serve.py --subject fashion --out OUT --data idx:/usr/share/datasets/fashion-mnist
    python benchmarks/serve.py --subject clothes --images 40 --threads 1
    python benchmarks/serve.py --subject lite0
    python benchmarks/serve.py --subject timm:vit_base_patch16_224 --device cuda --dtype bfloat16 --compiled
    python benchmarks/serve.py --subject timm:resnet50 --device cuda --memory-format channels_last

`fashion` trains two small networks, half a minute each, into the folder --out. `clothes` is the small network of the
demo with its images, which are in the package. `timm:NAME` has random weights and random images: speed, and no labels.
On a GPU --compiled uses CUDA graphs. The last column is the part of the matrix rate that the device reaches here in a
large product of the same precision.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np
import torch
from defences_data import opened
from defences_networks import Training, say, trained
from maskcover_torch import split
from maskcover_torch.demo import clothes
from maskcover_torch.demo.model import normalised, published
from maskcover_torch.demo.photos import photos
from maskcover_torch.numerics import contracted
from torch.utils.flop_counter import FlopCounterMode

import maskcover as mc
from maskcover.defense import Procedure
from maskcover.errors import MaskcoverError

ROWS = 16  # masked predictions in a batch, unless --batch says otherwise


class Missing(Exception):
    """A row cannot be measured here; the text says why."""


@dataclass(frozen=True)
class Subject:
    """A network on its device, the images that it serves (channels, height, width), and the patch to defend against.

    `split_network` and `layer` are for the row of split networks: a network and the layer behind its front end.
    `token` is the side of a token in pixels, for vision transformers.
    """

    name: str
    network: torch.nn.Module
    images: list[torch.Tensor]
    regions: str
    masks: int
    contract: mc.NumericContract
    split_network: torch.nn.Module | None = None
    layer: str = ""
    token: int | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """(height, width) of the images."""
        return tuple(self.images[0].shape[1:])

    def cover(self, **budget: Any) -> mc.MaskSet:
        """Masks that cover the regions; by default the number of masks of the subject."""
        return mc.cover(self.regions, image_size=self.size, **(budget or {"masks": self.masks}))


def masked(procedure: Callable[[Subject], Procedure]) -> Callable[[Subject], Any]:
    """A row that serves the network with the masks of the subject, bound to a certification."""

    def made(subject: Subject) -> Any:
        return bound(subject, subject.network, subject.cover(), procedure(subject))

    return made


def bound(subject: Subject, model: Any, masks: mc.MaskSet, procedure: Procedure, **options: Any) -> Any:
    """The defended model, bound to the certification of one image: with a label that is wrong, so that it is short."""
    image = subject.images[0]
    if isinstance(model, torch.nn.Module):
        options |= {"contract": subject.contract}
        with torch.inference_mode():
            label = int(contracted(model, subject.contract)(cast_to(model, subject, image)).argmax())
    else:
        label = 0
    wrong = [1 if label == 0 else 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = mc.certify(model, [image], wrong, masks, procedure=procedure, **options)
        return mc.defend(model, result)


def cast_to(model: torch.nn.Module, subject: Subject, image: torch.Tensor) -> torch.Tensor:
    """A batch of one image where and as the network computes."""
    first = next(contracted(model, subject.contract).parameters())
    return image[None].to(first)


def unbound(subject: Subject) -> Any:
    """Double masking that is bound to no certification: what its checks cost is the difference."""
    return mc.defend(subject.network, subject.cover(), contract=subject.contract)


def by_levels(subject: Subject) -> Procedure:
    """Double masking with a first level of four masks."""
    return mc.DoubleMasking(first_round=subject.cover(grid=(2, 2)))


def of_columns(subject: Subject) -> Any:
    """Votes of columns, de-randomised smoothing."""
    width = max(4, subject.size[1] // 12)
    procedure = mc.Voting(f"bands(width={width}, axis='columns')")
    masks = procedure.own_masks(subject.cover(grid=(2, 2)).grid)
    assert masks is not None
    return bound(subject, subject.network, masks, procedure, regions=subject.regions)


def of_dropped_tokens(subject: Subject) -> Any:
    """Votes of columns of tokens; hidden tokens are left out."""
    if subject.token is None:
        raise Missing("only vision transformers have tokens")
    procedure = mc.Voting(f"bands(width={subject.token}, axis='columns', stride={subject.token})")
    masks = procedure.own_masks(subject.cover(grid=(2, 2)).grid)
    assert masks is not None
    return bound(subject, subject.network, masks, procedure, regions=subject.regions, fill=mc.DropTokens(subject.token))


def of_split_network(subject: Subject) -> Any:
    """Double masking of the cells behind a front end."""
    if subject.split_network is None:
        raise Missing("no network here has a local front end")
    classifier = split(subject.split_network, at=subject.layer, batch_size=subject.contract.batch_size)
    masks = classifier.cover(subject.regions, subject.size, masks=subject.masks)
    return bound(subject, classifier, masks, mc.DoubleMasking())


# One line a row; each makes a defended module with `stream` and `explain_cost`, or raises `Missing`.
DEFENCES: dict[str, Callable[[Subject], Any]] = {
    "double masking": masked(lambda _: mc.DoubleMasking()),
    "double masking, not bound": unbound,
    "challenger masking": masked(lambda _: mc.ChallengerMasking()),
    "double masking, pairs first": masked(lambda _: mc.DoubleMasking(first_round="pairs")),
    "challenger masking, pairs first": masked(lambda _: mc.ChallengerMasking(first_round="pairs")),
    "double masking, levels": masked(by_levels),
    "votes of columns": of_columns,
    "votes of columns, dropped tokens": of_dropped_tokens,
    "split network, double masking": of_split_network,
}


class Undefended:
    """The network alone, with the methods of a defended module that are measured."""

    def __init__(self, subject: Subject) -> None:
        self._network = contracted(subject.network, subject.contract)
        self._rows = subject.contract.batch_size or ROWS
        self._first = next(self._network.parameters())

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self._network(images.to(self._first)).argmax(dim=1).cpu()

    def stream(self, images: Sequence[torch.Tensor]) -> list[int]:
        """The labels, in batches of as many images as others have masked predictions."""
        chunks = (images[first : first + self._rows] for first in range(0, len(images), self._rows))
        return [label for chunk in chunks for label in self(torch.stack(list(chunk))).tolist()]


@dataclass
class Row:
    """A row of the table: seconds of single calls, images a second of a stream, and predictions where views agree."""

    name: str
    served: Any
    latencies: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    rate: float = 0.0

    @property
    def percentiles(self) -> tuple[float, float]:
        """The 50th and the 95th percentile of the latency, in seconds."""
        cuts = quantiles(self.latencies, n=20, method="inclusive")
        return cuts[9], cuts[18]

    @property
    def predictions(self) -> tuple[int, int, int]:
        """Predictions to answer: of an image whose views agree, at most; and the batches of the former."""
        if isinstance(self.served, Undefended):
            return 1, 1, 1
        cost = self.served.explain_cost()
        return cost.agreeing, cost.at_most, cost.batches


def rows_of(subject: Subject) -> tuple[list[Row], dict[str, str]]:
    """All rows that can be made here, and why the others cannot."""
    rows, missing = [Row("undefended", Undefended(subject))], dict[str, str]()
    for name, make in DEFENCES.items():
        say(f"{subject.name}: {name}")
        try:
            rows.append(Row(name, make(subject)))
        except Missing as error:
            missing[name] = str(error)
        except MaskcoverError as error:
            missing[name] = f"refused: {str(error).partition('.')[0]}"
    return rows, missing


def measure(rows: list[Row], images: list[torch.Tensor]) -> None:
    """Time each row: single images in turns, then the same images as a stream."""
    for row in rows:
        row.served(images[0][None])  # compiles, and makes what is made once
    for image in images:
        for row in rows:
            begin, spent = time.perf_counter(), time.process_time()
            row.served(image[None])
            row.latencies.append(time.perf_counter() - begin)
            row.processor.append(time.process_time() - spent)
    for row in rows:
        begin = time.perf_counter()
        count = len(list(row.served.stream(images)))
        row.rate = count / (time.perf_counter() - begin)


def matrix_rate(device: str, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product."""
    side = 8192 if device.startswith("cuda") else 1024
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))

    def seconds(times: int) -> float:
        begin = time.perf_counter()
        for _ in range(times):
            product = left @ right
        product[0, 0].item()  # a GPU has computed only then
        return time.perf_counter() - begin

    seconds(2)
    return 10 * 2 * side**3 / seconds(10)


def operations(subject: Subject) -> int:
    """Floating-point operations of one forward of one image."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        contracted(subject.network, subject.contract)(cast_to(subject.network, subject, subject.images[0]))
    return int(counter.get_total_flops())


def table(subject: Subject, rows: list[Row], missing: dict[str, str], device: str) -> str:
    """The Markdown of one subject."""
    dtype = getattr(torch, subject.contract.dtype or "float32")
    rate, each = matrix_rate(device, dtype), operations(subject)
    base = rows[0]
    version = torch.__version__.partition("+")[0]
    lines = [
        f"{subject.name}, {len(subject.images)} images, {subject.masks} masks for {subject.regions}, batches of "
        f"{subject.contract.batch_size}, {settings(subject.contract)}, on {card(device)}, "
        f"{torch.get_num_threads()} threads, torch {version}; a forward has {each / 1e9:.2f} GFLOP, the matrix rate is "
        f"{rate / 1e9:,.0f} GFLOP/s.",
        "",
        "| defence | predictions (views agree / at most) | batches | p50 ms | p95 ms | p50, ratio | CPU, ratio "
        "| images/s | ratio | of the matrix rate, at least |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        (agreeing, most, batches), (middle, late) = row.predictions, row.percentiles
        processor = np.median(row.processor) / np.median(base.processor)
        part = "–" if "split" in row.name else f"{row.rate * agreeing * each / rate:.0%}"
        lines.append(
            f"| {row.name} | {agreeing} / {most:,} | {batches} | {1e3 * middle:.1f} | {1e3 * late:.1f} "
            f"| {middle / base.percentiles[0]:.1f}× | {processor:.1f}× | {row.rate:.2f} "
            f"| 1/{base.rate / row.rate:.1f} | {part} |"
        )
    return "\n".join([*lines, *(f"- {name}: left out, {why}." for name, why in missing.items())])


def settings(contract: mc.NumericContract) -> str:
    """The settings of a contract that speed depends on."""
    words = [contract.dtype or "float32", contract.memory_format or "the model's own memory format"]
    return ", ".join([*words, *(["compiled"] if contract.compiled else [])])


def card(device: str) -> str:
    """The name of the device."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})"


def of_fashion(options: argparse.Namespace, contract: mc.NumericContract) -> Subject:
    """Two small networks trained on Fashion-MNIST or CIFAR-10, and test images."""
    out = Path(options.out)
    data = opened(options.data, options.train, options.images, 0, out / "training.npz")
    training = Training(data.images, data.labels, data.normalise, data.pixels, options.minutes, 0)
    plain, cut = (trained(kind, training, out / "networks")[0].to(options.device) for kind in ("cutout", "split"))
    images = [torch.as_tensor(image) for image in data.test.prepared(data.preprocessing)]
    masks = options.masks or 25
    return Subject("small networks", plain, images, "squares(size=5)", masks, contract, cut, "front")


def of_clothes(options: argparse.Namespace, contract: mc.NumericContract) -> Subject:
    """The demo's small network of grey 28×28 images, with the images of the package."""
    images = list(clothes.images())[: options.images]
    network = clothes.trained().to(options.device)
    return Subject("the demo's small network", network, images, clothes.REGIONS, options.masks or 25, contract)


def of_lite0(options: argparse.Namespace, contract: mc.NumericContract) -> Subject:
    """EfficientNet-Lite0 with its published weights, and the demo's photos."""
    pixels = torch.from_numpy(np.stack([photo.pixels for photo in photos()]).transpose(0, 3, 1, 2).copy()).float()
    images = list(normalised(pixels))[: options.images]
    network = published().to(options.device)
    return Subject("EfficientNet-Lite0", network, images, "squares(area=0.02)", options.masks or 36, contract)


def of_timm(options: argparse.Namespace, contract: mc.NumericContract) -> Subject:
    """A model of timm with random weights, and random images."""
    import timm  # type: ignore[import-untyped]  # an optional package, of which one call is used

    torch.manual_seed(0)
    name = options.subject.removeprefix("timm:")
    network = timm.create_model(name).eval().to(options.device)
    # As the model's own preprocessing would give them: what lies outside its range is refused.
    mean, std = (torch.tensor(network.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    images = list((torch.rand(options.images, 3, 224, 224) - mean) / std)
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    return Subject(
        name, network, images, "squares(area=0.02)", options.masks or 36, contract,
        token=None if patch is None else int(patch[0]),
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> str:
    """Measure one subject, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subject", default="lite0", help="fashion, clothes, lite0 or timm:NAME")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--masks", type=int, help="at most; by default 25 for small images, else 36")
    parser.add_argument("--batch", type=int, default=ROWS)
    parser.add_argument("--dtype", help="such as bfloat16; by default that of the weights")
    parser.add_argument("--memory-format", choices=("contiguous", "channels_last"))
    parser.add_argument("--compiled", action="store_true", help="torch.compile; on a GPU with CUDA graphs")
    parser.add_argument("--threads", type=int, help="of torch, on a CPU")
    parser.add_argument("--data", help="fashion: as open_dataset reads it, such as idx:FOLDER")
    parser.add_argument("--out", help="fashion: folder for the networks")
    parser.add_argument("--minutes", type=float, default=0.5, help="fashion: CPU time to train each network")
    parser.add_argument("--train", type=int, default=20_000, help="fashion: training images")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    contract = mc.NumericContract(
        batch_size=options.batch, dtype=options.dtype, memory_format=options.memory_format, compiled=options.compiled
    )
    kinds = {"fashion": of_fashion, "clothes": of_clothes, "lite0": of_lite0}
    subject = kinds.get(options.subject, of_timm)(options, contract)
    rows, missing = rows_of(subject)
    measure(rows, subject.images)
    text = table(subject, rows, missing, options.device)
    print(text)
    return text


if __name__ == "__main__":
    main()
