"""Steps of a preprocessing, and which pixels of the source each output pixel depends on."""

from maskcover.regions.preprocessing.steps import (
    CenterCrop,
    Crop,
    Fit,
    Flip,
    Jpeg,
    Pad,
    ReceptiveField,
    Resize,
    Step,
    pull,
)

__all__ = ["CenterCrop", "Crop", "Fit", "Flip", "Jpeg", "Pad", "ReceptiveField", "Resize", "Step", "pull"]
