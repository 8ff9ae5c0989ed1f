"""Between the image that the attacker paints on and the model's input: what each step of a preprocessing can spread."""

from maskcover.regions.preprocessing.steps import CenterCrop, Crop, Fit, Flip, Jpeg, Pad, Resize, Step, pull

__all__ = ["CenterCrop", "Crop", "Fit", "Flip", "Jpeg", "Pad", "Resize", "Step", "pull"]
