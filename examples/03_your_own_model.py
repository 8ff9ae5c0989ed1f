"""Two ways to bring a model of your own: any Python object with two members, or a torch module as it is.

Runs in seconds on the 8×8 digits that scikit-learn ships.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import maskcover as mc


class MaskedLinear:
    """The whole protocol: a fixed batch size, and scores of images with some pixels hidden."""

    batch_size = 256

    def __init__(self, model: LinearDiscriminantAnalysis, fill: float) -> None:
        self.model, self.fill = model, fill

    def scores(self, images: Sequence[npt.NDArray[np.float64]], hidden: npt.NDArray[np.bool_]) -> npt.ArrayLike:
        # Selection, never multiplication: whatever the attacker wrote under the mask must vanish.
        shown = np.where(hidden, self.fill, np.stack(images))
        return self.model.decision_function(shown.reshape(len(shown), -1))


def torch_twin(model: LinearDiscriminantAnalysis) -> torch.nn.Module:
    """The same classifier as a torch module on images of shape (1, 8, 8)."""
    layer = torch.nn.Linear(64, 10)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(model.coef_))
        layer.bias.copy_(torch.from_numpy(model.intercept_))
    return torch.nn.Sequential(torch.nn.Flatten(), layer).eval()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", type=int, default=50, help="digits to certify")
    count = parser.parse_args(arguments).test
    data = load_digits()
    images, labels = data.images / 16.0, data.target
    fitted = LinearDiscriminantAnalysis().fit(images[count:].reshape(len(images) - count, -1), labels[count:])

    # A sticker of one pixel, anywhere, on an image of 64 pixels.
    masks = mc.cover(mc.squares(size=1), image_size=8, grid=(8, 8))

    result = mc.certify(MaskedLinear(fitted, fill=0.0), images[:count], labels[:count], masks)
    print("any Python object:", result)

    # A torch module needs no wrapper. `defend` gives a module; its argmax is the defended label.
    module = torch_twin(fitted)
    batch = torch.tensor(images[:count, None], dtype=torch.float32)
    twin = mc.certify(module, batch, labels[:count], masks, batch_size=256)
    print("a torch module:   ", twin)
    defended = mc.defend(module, masks, batch_size=256)
    assert (defended(batch).argmax(dim=1).numpy() == twin.defended).all()


if __name__ == "__main__":
    main()
