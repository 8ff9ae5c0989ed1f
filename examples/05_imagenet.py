"""The commands that reproduce the paper's Tables 2 to 5 on ImageNet, ImageNette and CIFAR-10; for a machine with a GPU.

By default they are printed; with --run they are executed, one after another, and what was interrupted goes on. Each
prints clean, defended and certified accuracy; "undefended" is Table 3. For Table 4 the paper drew 500 images of each
data set, from a seed that it does not name; here they are all, or the first --limit.

DATA has the folders imagenet and imagenette, each with a part val that has a subfolder of images for each class, and
cifar10 as it comes. CHECKPOINTS has a state dict for each data set, model and training, such as imagenet/vit-plain.pth
and cifar10/resmlp-cutout.pth; `maskcover finetune` makes them (its weights.pt).
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MODELS = {
    "resnet": "resnetv2_50x1_bit.goog_in21k_ft_in1k",
    "vit": "vit_base_patch16_224",
    "resmlp": "resmlp_24_224",
}
HALF, IMAGENET = ("0.5,0.5,0.5", "0.5,0.5,0.5"), ("0.485,0.456,0.406", "0.229,0.224,0.225")
SCALES = {"resnet": HALF, "vit": HALF, "resmlp": IMAGENET}  # mean and standard deviation, as timm has them
REGIONS = {
    **{f"square-{share}": f"squares(area={share})" for share in ("0.01", "0.02", "0.03", "0.004", "0.024")},
    "rectangles-0.01": "rectangles(area=0.01)",
    "two-squares-0.01": "patches(squares(area=0.01), k=2)",
}
PHOTOS = ("square-0.01", "square-0.02", "square-0.03")
PATCHES = {"imagenette": PHOTOS, "imagenet": PHOTOS, "cifar10": ("square-0.004", "square-0.024")}
TABLE_4 = ("rectangles-0.01", "square-0.01", "two-squares-0.01", "square-0.02")
TABLE_5 = {"imagenette": "square-0.02", "imagenet": "square-0.02", "cifar10": "square-0.024"}


@dataclass(frozen=True)
class Cell:
    """One pair of numbers, clean and robust accuracy, of a table."""

    table: str
    data: str
    model: str
    training: str
    patch: str

    def masks(self, out: Path) -> Path:
        return out / "masks" / f"{self.patch}.json"

    def cover(self, out: Path) -> list[str]:
        """The paper's 6×6 masks for one square, our own for the rest."""
        grid = ["--grid", "6x6"] if self.patch.startswith("square") else []
        return ["maskcover", "cover", REGIONS[self.patch], *grid, "--output", str(self.masks(out))]

    def certify(self, options: argparse.Namespace) -> list[str]:
        run = options.out / self.data / f"{self.model}-{self.training}" / self.patch
        weights = options.checkpoints / self.data / f"{self.model}-{self.training}.pth"
        return [
            "maskcover", "certify", "--model", f"timm:{MODELS[self.model]}", "--weights", str(weights),
            *self.classes(), *self.preprocessing(), "--data", str(options.data / self.data),
            "--split", "test" if self.data == "cifar10" else "val", "--masks", str(self.masks(options.out)),
            "--margin", "0.0001", "--at-least", "0", "--out", str(run),
        ]  # fmt: skip

    def classes(self) -> list[str]:
        """The data sets of ten classes have models of ten classes."""
        return [] if self.data == "imagenet" else ["--classes", "10", "--option", "num_classes=10"]

    def preprocessing(self) -> list[str]:
        """timm's own, but for CIFAR-10, which the paper does not crop, and for the ResNet, which is 448×448 in timm."""
        if self.data != "cifar10" and self.model != "resnet":
            return []
        mean, std = SCALES[self.model]
        return ["--override-preprocessing", "--input-size", "224", "--mean", mean, "--std", std]


def cells() -> list[Cell]:
    """All of Tables 2 (with 3), 4 and 5. Cells that several tables share are one run."""
    two = [
        Cell("Tables 2 and 3", data, model, "cutout", patch)
        for data, patches in PATCHES.items()
        for model in MODELS
        for patch in patches
    ]
    four = [Cell("Table 4", data, "vit", "cutout", patch) for data in PATCHES for patch in TABLE_4]
    five = [
        Cell("Table 5", data, model, training, patch)
        for data, patch in TABLE_5.items()
        for model in MODELS
        for training in ("plain", "cutout")
    ]
    return [*two, *four, *five]


def execute(command: list[str]) -> None:
    """Run a command; exit codes 1 and 3 are answers, such as images that could not be read."""
    code = subprocess.run([sys.executable, "-m", *command], check=False).returncode  # noqa: S603  # our own commands
    if code not in (0, 1, 3):
        raise SystemExit(f"stopped with exit code {code} at: {shlex.join(command)}")


def main(arguments: list[str] | None = None) -> list[list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("DATA"))
    parser.add_argument("--checkpoints", type=Path, default=Path("CHECKPOINTS"))
    parser.add_argument("--out", type=Path, default=Path("RUNS"), help="folder of masks and runs")
    parser.add_argument("--limit", type=int, help="only the first so many images of each data set")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="print the commands (the default)")
    how.add_argument("--run", action="store_true", help="execute them")
    options = parser.parse_args(arguments)
    limit = [] if options.limit is None else ["--limit", str(options.limit)]
    covers = {cell.masks(options.out): cell.cover(options.out) for cell in cells()}
    if options.run:
        (options.out / "masks").mkdir(parents=True, exist_ok=True)
    commands = []
    for title, table in [
        (f"mkdir -p {shlex.quote(str(options.out / 'masks'))}", list(covers.values())),
        *((f"# {cell.table}", [cell.certify(options) + limit]) for cell in cells()),
    ]:
        print(title)
        for command in table:
            print(shlex.join(command), flush=True)
            if options.run:
                execute(command)
        commands += table
    return commands


if __name__ == "__main__":
    main()
