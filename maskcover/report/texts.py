"""The sentences of a report that are the same for every run: what a claim rests on, and what it does not say."""

from __future__ import annotations

from maskcover.defense.procedure import Procedure


def rests(procedure: Procedure, numerics: str, min_margin: float) -> tuple[str, ...]:
    """What the claim rests on.

    Args:
        procedure: The defence that was certified.
        numerics: How predictions repeat: "bitwise", "margin" or "not probed".
        min_margin: The margin that a prediction must exceed to count.
    """
    covered = (
        "The masks cover the regions: each region lies wholly inside at least one mask. This was decided exactly, in "
        "whole numbers, and again when this report was made."
        if procedure.needs_cover
        else "The defence does not need masks that cover the regions. Which masks contain which regions was decided "
        "exactly, in whole numbers."
    )
    repeats = {
        "bitwise": "When the model serves, it computes the same predictions, to the bit, as when it was certified. "
        "Tests before the run changed hidden pixels and the other images of a batch, and no score changed.",
        "not probed": "When the model serves, it computes the same predictions as when it was certified. The tests of "
        "this were switched off for the run: it is an assumption.",
    }.get(
        numerics,
        "When the model serves, its scores differ from those of the run by less than the margin allows: a prediction "
        f"counts only if its top score leads by more than {min_margin:g} of the largest score.",
    )
    return (
        covered,
        "The model was asked about each image with masks over it. An image is certified only if the labels that it "
        f"gave meet the condition of the defence ({procedure.words}), which is proved to be sufficient.",
        "Pixels under a mask do not reach the model: they are replaced before it sees them.",
        repeats,
        "What serves is what was certified: the same weights, masks, fill, numerics, library and device. The "
        "fingerprint below names them.",
        "The rows of the run are those that were written: each file carries digests, and a file that was damaged or "
        "edited is refused. Digests do not say who made the run.",
    )


def limits(frame: str) -> tuple[str, ...]:
    """What the claim does not say; `frame` is where regions are drawn, "input" or "source"."""
    elsewhere = (
        "on the model's input after preprocessing" if frame == "source" else "on the image before its preprocessing"
    )
    return (
        "That images without a certificate can be attacked: the condition is sufficient, not necessary.",
        "Anything about larger regions, several where one is claimed, regions of another shape, or regions drawn "
        f"{elsewhere}.",
        "Anything about another model, other weights, another fill, library or device.",
        "That other images behave like these. For a random sample of images the interval says how far the fraction may "
        "be off, with 95 % confidence, and nothing more.",
        "That the labels are right in the world: they are taken as given.",
        "Anything about attacks that change pixels outside of the region, or the camera in front of it: a region is a "
        "set of pixels.",
    )
