"""The commands that reproduce the paper's Tables 2 to 5 on ImageNet, ImageNette and CIFAR-10; for a machine with a GPU.

By default they are printed; with --run they are executed, one after another, and what was interrupted goes on. Each
prints clean, defended and certified accuracy; "undefended" is Table 3. For Table 4 the paper drew 500 images of each
data set, from a seed that it does not name; here they are all, or the first --limit.

DATA has the folders imagenet and imagenette, as they are distributed (val/n01440764/…), and cifar10, with its batches.
Patches on CIFAR's images, before they are enlarged, are certified too: a table of our own. CHECKPOINTS has a state
dict for each data set, model and training, such as
imagenet/vit-plain.pth and cifar10/resmlp-cutout.pth; `maskcover finetune` makes them (its weights.pt).

Every command computes on the GPU if there is one, and says so; --device names another. To use several GPUs, start the
printed commands under torchrun: each of its ranks takes its own GPU and its own part of a run.
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
REGIONS = {
    **{f"square-{area}": f"squares(area={area})" for area in ("0.01", "0.02", "0.03", "0.004", "0.024")},
    "rectangles-0.01": "rectangles(area=0.01)",
    "two-squares-0.01": "patches(squares(area=0.01), k=2)",
}
PHOTOS = ("square-0.01", "square-0.02", "square-0.03")
PATCHES = {"imagenette": PHOTOS, "imagenet": PHOTOS, "cifar10": ("square-0.004", "square-0.024")}
# How many classes the checkpoints have.
DATA: dict[str, tuple[str, ...]] = {
    "imagenet": ("--split", "val"),
    "imagenette": ("--split", "val", "--classes", "10", "--option", "num_classes=10"),
    "cifar10": ("--option", "num_classes=10"),
}
# Mean and standard deviation, as timm has them.
SCALES = {"resnet": ("0.5", "0.5"), "vit": ("0.5", "0.5"), "resmlp": ("0.485,0.456,0.406", "0.229,0.224,0.225")}
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
    frame: str = "input"

    def masks(self, out: Path) -> Path:
        return out / "masks" / f"{self.patch}.json"

    def cover(self, out: Path) -> list[str]:
        """The paper's 6×6 masks for one square, our own for the rest."""
        grid = ["--grid", "6x6"] if self.patch.startswith("square") else []
        return ["maskcover", "cover", REGIONS[self.patch], *grid, "--output", str(self.masks(out))]

    def certify(self, options: argparse.Namespace) -> list[str]:
        name = self.patch if self.frame == "input" else f"{self.patch}-on-the-source"
        run = options.out / self.data / f"{self.model}-{self.training}" / name
        weights = options.checkpoints / self.data / f"{self.model}-{self.training}.pth"
        return [
            "maskcover", "certify", "--model", f"timm:{MODELS[self.model]}", "--weights", str(weights),
            *DATA[self.data], *self.preprocessing(), "--data", self.opened(options.data), *self.defence(options.out),
            "--min-margin", "0.0001", "--at-least", "0", "--out", str(run),
        ]  # fmt: skip

    def preprocessing(self) -> list[str]:
        """timm's preprocessing; but CIFAR is enlarged as a whole, not cropped, and timm's ResNet would take 448×448."""
        if self.data != "cifar10" and self.model != "resnet":
            return []
        mean, std = SCALES[self.model]
        return ["--override-preprocessing", "--input-size", "224", "--mean", mean, "--std", std]

    def defence(self, out: Path) -> list[str]:
        """The options for the masks; in the source frame, masks are made for what a patch becomes on the input."""
        if self.frame == "input":
            return ["--masks", str(self.masks(out))]
        return ["--regions", REGIONS[self.patch], "--frame", self.frame]

    def opened(self, folder: Path) -> str:
        """The value of --data."""
        return f"cifar10:{folder / self.data}" if self.data == "cifar10" else str(folder / self.data)


def cells() -> list[Cell]:
    """All of Tables 2 (with 3), 4 and 5, and CIFAR in the source frame. Shared cells are one run."""
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
    own = [
        Cell("CIFAR-10, patches on the source images", "cifar10", model, "cutout", patch, "source")
        for model in MODELS
        for patch in PATCHES["cifar10"]
    ]
    return [*two, *four, *five, *own]


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
    parser.add_argument("--limit", type=int, help="use the first N images of each data set")
    parser.add_argument("--device", help="cpu, cuda or cuda:1; by default the GPU if there is one")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="print the commands (the default)")
    how.add_argument("--run", action="store_true", help="execute them")
    options = parser.parse_args(arguments)
    limit = [] if options.limit is None else ["--limit", str(options.limit)]
    device = [] if options.device is None else ["--device", options.device]
    covers = {cell.masks(options.out): cell.cover(options.out) for cell in cells() if cell.frame == "input"}
    if options.run:
        (options.out / "masks").mkdir(parents=True, exist_ok=True)
    commands = []
    for title, table in [
        (f"mkdir -p {shlex.quote(str(options.out / 'masks'))}", list(covers.values())),
        *((f"# {cell.table}", [cell.certify(options) + limit + device]) for cell in cells()),
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
