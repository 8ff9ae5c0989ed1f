"""The core alone, as after `pip install maskcover` without extras: cover, verify, certify, and the command line."""

import subprocess
import sys
import tempfile
from importlib.util import find_spec

import numpy as np

import maskcover as mc


def brightness(images: np.ndarray) -> np.ndarray:
    """Scores of two classes, dark and bright."""
    bright = images.mean(axis=(1, 2)) - 0.5
    return np.stack([-bright, bright], axis=1)


regions = mc.squares(size=2)
masks = mc.cover(regions, image_size=8, grid=(2, 2))
assert mc.verify(masks, regions)
assert not mc.verify(masks[1:], regions)

images = np.stack([np.full((8, 8), 0.1), np.full((8, 8), 0.9)])
result = mc.certify(brightness, images, [0, 1], masks, regions=regions, batch_size=4, fill=0.5)
assert result.certified.tolist() == [True, True]
assert np.asarray(result.defended).tolist() == [0, 1]

commands = (
    (0, "--version"),
    (0, "doctor", "--json"),
    (0, "cover", "squares(size=2)", "--image-size", "8", "--output", "cover.json"),
    (0, "verify", "cover.json"),
    (2, "verify", "nowhere.json"),
)
with tempfile.TemporaryDirectory() as folder:
    for code, *command in commands:
        ran = subprocess.run([sys.executable, "-I", "-m", "maskcover", *command], cwd=folder, check=False)
        assert ran.returncode == code, (command, ran.returncode)

extras = [name for name in ("torch", "PIL", "pyarrow") if find_spec(name)]
print(f"maskcover {mc.__version__}, Python {sys.version.split()[0]}, extras: {extras}")
