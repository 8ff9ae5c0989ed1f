"""Number of masks and first rounds: images certified, and masked predictions to certify and to serve, for one network.

Every prediction is made once for all mask sets and all first rounds. "Views agree" are the images whose labels under
single masks are all the same: double masking answers them after its first round.

    python benchmarks/first_rounds.py --data idx:/usr/share/datasets/fashion-mnist --training cutout --out fashion
    python benchmarks/first_rounds.py --data hf:../shared/data/cifar10-jpeg --training plain --out cifar
    python benchmarks/first_rounds.py --photos FOLDER --out photos

With --data a small network is trained first, see `defences_networks`. With --photos the network is EfficientNet-Lite0,
trained by others without masks, and the images are those of FOLDER named as "imagenet_00_243.jpg", whose label is 243:
the twenty photos in the package foolbox (the extra `bench`). With --choose N, `choose` chooses by N other test images
instead of a table.
The same command continues a training, and reads figures that it finds in the folder.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from defences_data import opened
from defences_networks import Training, say, trained
from PIL import Image

import maskcover as mc
from maskcover.certification import exact_interval
from maskcover.certification.choosing_first_rounds import default_first_rounds
from maskcover.choosing.candidates import candidates_of
from maskcover.choosing.halving import Group
from maskcover.classifiers.registry import as_classifier
from maskcover.data import Dataset
from maskcover.defense import DoubleMasking
from maskcover.defense.first_rounds import FirstRound

HEADER = (
    "masks", "first round", "clean (95 %)", "certified", "of the masks'", "to certify", "to serve", "ratio",
    "to serve, views agree", "ratio",
)  # fmt: skip
MARGIN = 1e-4  # a full batch may be rounded differently at different rows; every prediction needs a larger margin


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with labelled images (n, channels, height, width), and what the attacker may overwrite."""

    name: str
    network: torch.nn.Module
    images: torch.Tensor
    labels: npt.NDArray[np.int64]
    regions: str


@dataclass(frozen=True)
class Figures:
    """The outcomes of one mask set with one first round, an entry for each image."""

    masks: int
    name: str
    first_round: str
    certified: list[bool]
    right: list[bool]
    serving: list[int]
    certifying: list[int]


def small_subject(options: argparse.Namespace) -> Subject:
    """A small network that is trained here, and test images; with --choose, others than without it."""
    data = opened(options.data, options.train, options.images, options.seed, options.out / "training.npz")
    training = Training(data.images, data.labels, data.normalise, data.pixels, options.minutes, options.seed)
    network, _ = trained(options.training, training, options.out)

    images = others(data.test, options) if options.choose else data.test
    pixels = np.stack([images[number] for number in range(len(images))])
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
    tensor = data.normalise(torch.from_numpy(np.ascontiguousarray(pixels)))
    return Subject(f"{options.data}, {options.training}", network, tensor, images.true_labels, options.regions)


def others(taken: Dataset, options: argparse.Namespace) -> Dataset:
    """Test images for `choose`, none of which is among those that are taken."""
    every, ids = mc.open_dataset(options.data, split="test"), set(taken.ids)
    numbers = [number for number, name in enumerate(every.ids) if name not in ids]
    return every.part(np.random.default_rng(options.seed).choice(numbers, options.choose, replace=False).tolist())


def photo_subject(options: argparse.Namespace) -> Subject:
    """EfficientNet-Lite0 with labelled photos, those of the demo among them."""
    from maskcover_torch.demo.model import network, normalised
    from maskcover_torch.demo.photos import framed, photos

    paths = sorted(options.photos.glob("imagenet_*.jpg"))
    if not paths:
        raise SystemExit(f'{options.photos} has no files such as "imagenet_00_243.jpg", whose label is 243')
    arrays = [framed(np.asarray(Image.open(path).convert("RGB"))) for path in paths]
    labels = [int(path.stem.rpartition("_")[2]) for path in paths]
    arrays += [photo.pixels for photo in photos()]
    labels += [photo.label for photo in photos()]
    if options.mirrored:
        arrays, labels = arrays + [array[:, ::-1] for array in arrays], labels * 2
    images = normalised(torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy()))
    name = f"EfficientNet-Lite0, {len(paths)} photos and the demo's{', each mirrored too' if options.mirrored else ''}"
    return Subject(name, network(), images, np.array(labels), options.regions)


def measured(subject: Subject, grids: list[int], batch_size: int) -> list[Figures]:
    """The figures of k×k masks for each k, with no first round and with each default one."""
    regions, side = mc.parse_regions(subject.regions), subject.images.shape[-1]
    candidates, names = [], []
    for k in grids:
        masks = mc.cover(regions, side, grid=(k, k))
        first_rounds: tuple[FirstRound | None, ...] = (None, *default_first_rounds(masks, regions))
        procedures = [DoubleMasking(first_round=first_round) for first_round in first_rounds]
        candidates += candidates_of(regions, masks.grid, [masks], procedures)
        names += [(f"{k}×{k}", str(first_round)) for first_round in first_rounds]
    classifier = as_classifier(subject.network, {"batch_size": batch_size})
    group = Group.prepared(
        classifier, candidates, subject.images, subject.labels, True, {"min_margin": MARGIN, "numerics": "margin"}
    )
    group.extend(subject.images, subject.labels, np.arange(len(subject.labels)), progress=True)
    say(f"{group.predictions:,} masked predictions")
    return [
        Figures(
            len(each.candidate.masks), name, first_round, each.certified.tolist(), each.right.tolist(),
            each.serving.tolist(), each.certifying.tolist(),
        )
        for (name, first_round), each in zip(names, group.assessments, strict=True)
    ]  # fmt: skip


def automatic(subject: Subject, grids: list[int], batch_size: int) -> dict[str, str]:
    """The first round that "auto" chooses by the first images, for each k."""
    side = subject.images.shape[-1]
    chosen = {}
    for k in grids:
        masks = mc.cover(subject.regions, side, grid=(k, k))
        choice = mc.choose_first_round(subject.network, subject.images, masks, batch_size=batch_size)
        best = next(figures for figures in choice.figures if figures.same == 1)
        chosen[f"{k}×{k}"] = str(best.first_round)
    return chosen


def choice_of(subject: Subject, grids: list[int], batch_size: int) -> mc.Choice:
    """What `choose` makes of the same mask sets and first rounds, within no budget."""
    return mc.choose(
        subject.network, subject.images, subject.labels, subject.regions,
        candidates=[f"grid({k}, {k})" for k in grids], procedures=["double_masking(first_round='auto')"],
        batch_size=batch_size, min_margin=MARGIN, progress=True,
    )  # fmt: skip


def percent(flags: npt.NDArray[np.bool_]) -> str:
    low, high = exact_interval(int(flags.sum()), len(flags))
    return f"{flags.mean():.1%} ({low:.1%} to {high:.1%})"


def lines(every: list[Figures], auto: dict[str, str]) -> Iterator[list[str]]:
    """The cells of the table, a row for each mask set and first round."""
    for figures in every:
        plain = next(other for other in every if other.name == figures.name and other.first_round == "None")
        agree = np.array(plain.serving) == plain.masks
        certified, before = np.array(figures.certified), np.array(plain.certified)
        serving, cost = np.array(figures.serving), np.array(plain.serving)
        mark = " (auto)" if auto.get(figures.name) == figures.first_round else ""
        kept = f"{(certified & before).sum()} of {before.sum()}"
        yield [
            figures.name, ("none" if figures is plain else figures.first_round) + mark,
            percent(np.array(figures.right)), f"{certified.sum()} of {len(certified)}", kept,
            f"{np.mean(figures.certifying):.1f}", f"{serving.mean():.2f}", f"{serving.mean() / cost.mean():.2f}",
            f"{serving[agree].mean():.2f}" if agree.any() else "–",
            f"{serving[agree].mean() / plain.masks:.2f}" if agree.any() else "–",
        ]  # fmt: skip


def as_default(every: list[Figures], auto: dict[str, str]) -> Iterator[str]:
    """Whether "auto" is good enough to be the default, by the three conditions, for each mask set."""
    for name, first_round in auto.items():
        plain, chosen = (
            next(other for other in every if other.name == name and other.first_round == text)
            for text in ("None", first_round)
        )
        right, low_high = np.mean(chosen.right), exact_interval(sum(plain.right), len(plain.right))
        before = np.array(plain.certified)
        kept = (before & np.array(chosen.certified)).sum() / max(1, before.sum())
        ratio = sum(chosen.serving) / sum(plain.serving)
        conditions = (low_high[0] <= right <= low_high[1], bool(kept >= 0.97), ratio <= 0.5)
        yield (
            f"{name}, auto takes {first_round}: clean accuracy {right:.1%}, within the interval: {conditions[0]}; "
            f"certified images kept {kept:.1%}, at least 97 %: {conditions[1]}; predictions to serve, ratio "
            f"{ratio:.2f}, at most half: {conditions[2]}"
        )


def markdown(title: str, rows: list[list[str]], remarks: list[str]) -> str:
    table = [f"| {' | '.join(cells)} |" for cells in (HEADER, ["---"] * len(HEADER), *rows)]
    return "\n".join([f"### {title}", *table, "", *(f"- {remark}" for remark in remarks), ""])


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", help="a data set with training images, such as hf:FOLDER or idx:FOLDER")
    source.add_argument("--photos", type=Path, help="a folder of photos with their ImageNet label in the file name")
    parser.add_argument("--out", type=Path, required=True, help="a folder for networks and figures")
    parser.add_argument("--training", choices=["plain", "cutout"], default="cutout")
    parser.add_argument("--train", type=int, default=20000, help="training images")
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU minutes of training")
    parser.add_argument("--images", type=int, default=300, help="test images, drawn with the seed")
    parser.add_argument("--choose", type=int, default=0, metavar="N", help="let `choose` choose by N other test images")
    parser.add_argument("--mirrored", action="store_true", help="count each photo twice, as it is and mirrored")
    parser.add_argument("--regions", help="by default squares(size=5), and squares(size=32) for photos")
    parser.add_argument("--grids", type=int, nargs="+", default=[2, 3, 4, 5, 6], help="masks along each axis")
    parser.add_argument("--batch-size", type=int, help="by default 256, and 16 for photos")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.regions = options.regions or ("squares(size=32)" if options.photos else "squares(size=5)")
    options.batch_size = options.batch_size or (16 if options.photos else 256)
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parsed(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # on a busy machine threads that wait for each other take longer than one
    name = "photos" if options.photos else options.training
    kept = options.out / f"{name}-figures.json"
    if options.choose:
        print(choice_of(small_subject(options), options.grids, options.batch_size))
        return
    if not kept.exists():
        subject = photo_subject(options) if options.photos else small_subject(options)
        begin = time.process_time()
        every = measured(subject, options.grids, options.batch_size)
        document: dict[str, Any] = {
            "title": f"{subject.name}, {len(subject.labels)} images, {subject.regions}",
            "figures": [asdict(figures) for figures in every], "auto": {},
        }  # fmt: skip
        kept.write_text(json.dumps(document), encoding="utf-8")  # what took long is not lost
        document["auto"] = automatic(subject, options.grids, options.batch_size)
        kept.write_text(json.dumps(document), encoding="utf-8")
        say(f"{time.process_time() - begin:.0f} s of CPU time")
    document = json.loads(kept.read_text(encoding="utf-8"))
    every = [Figures(**figures) for figures in document["figures"]]
    print(markdown(document["title"], list(lines(every, document["auto"])), list(as_default(every, document["auto"]))))


if __name__ == "__main__":
    main()
