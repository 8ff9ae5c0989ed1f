"""Two checkouts of maskcover side by side: CPU time of the same certifications, in turn, each in a process of its own.

    python benchmarks/versions.py BEFORE AFTER

Both must understand the calls below. What is compared is time of the process, since machines are shared; the figure is
the ratio of the medians.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

ROUNDS = 5
CODE = """
import json, resource, warnings
warnings.simplefilter("ignore")
import numpy as np, torch
import maskcover as mc
from maskcover_torch.demo.model import normalised, published
from maskcover_torch.demo.photos import photos
torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.AvgPool2d(16), torch.nn.Flatten(), torch.nn.Linear(4, 3)).eval()
small = torch.randn(40, 1, 32, 32) + 2
labels = net(small).argmax(1).tolist()
photo = photos()[1]
pixels = normalised(torch.from_numpy(photo.pixels.transpose(2, 0, 1)[None].copy()).float())
squares = mc.cover(mc.squares(size=8), image_size=32)
shapes = mc.cover(mc.rectangles(area=0.02), image_size=32)
paper = mc.cover(mc.squares(area="0.02"), masks=36)
cases = {
    "40 small images, 36 masks": (net, small, labels, squares, 64, False),
    "6 small images, 81 masks, exhaustive": (net, small[:6], labels[:6], shapes, 64, True),
    "EfficientNet-Lite0, one photo, 36 masks, exhaustive": (published(), pixels, [photo.label], paper, 16, True),
}
times = {}
for name, (model, images, true, masks, batch, exhaustive) in cases.items():
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    mc.certify(model, images, true, masks, batch_size=batch, exhaustive=exhaustive, probes=False)
    times[name] = resource.getrusage(resource.RUSAGE_SELF).ru_utime - begin
print(json.dumps(times))
"""


def times(checkout: str) -> dict[str, float]:
    """CPU seconds of each case in a checkout."""
    environment = {"PYTHONPATH": f"{checkout}:{checkout}/adapters"}
    command = [sys.executable, "-c", CODE]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=checkout, env=environment)  # noqa: S603
    seconds: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return seconds


def main() -> None:
    before, after = (str(Path(path).resolve()) for path in sys.argv[1:3])
    runs = [(times(before), times(after)) for _ in range(ROUNDS)]
    for name in runs[0][0]:
        old, new = (median(run[side][name] for run in runs) for side in (0, 1))
        print(f"{name}: {old:.2f} s before, {new:.2f} s after, ratio {new / old:.3f}")


if __name__ == "__main__":
    main()
