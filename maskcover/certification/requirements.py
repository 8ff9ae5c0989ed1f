"""What a certification needs before it starts: masks that cover, labels that fit, and numerics that serve."""

from __future__ import annotations

from collections.abc import Sized

import numpy as np
import numpy.typing as npt

from maskcover.covering.containment import Containment
from maskcover.defense.procedure import Procedure
from maskcover.engine.preparation import PreparedRun, RequiredNumerics
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet


def bound(procedure: Procedure, masks: MaskSet, regions: RegionSet | str | None) -> tuple[Procedure, Containment]:
    """The procedure with all that it takes from masks and regions, and the test of which masks cover the regions.

    The masks are those of the test: with the levels of the procedure's first round, if it has one.

    Raises:
        NotCovering, InvalidInput: As for `containment_for`.
    """
    covers = containment_for(procedure, masks, regions)
    return procedure.against(covers.regions), covers


def containment_for(procedure: Procedure, masks: MaskSet, regions: RegionSet | str | None) -> Containment:
    """Make the test of which selections of the masks cover the regions; all together must, if the procedure needs it.

    Raises:
        NotCovering: the masks do not cover, and the message shows a region that they miss; or the procedure can
            certify no image with them.
        InvalidInput: the procedure names other masks; no regions are named or claimed, or they do not fit the image.
    """
    if not isinstance(masks, MaskSet):
        raise InvalidInput(
            "expected a MaskSet, such as cover(squares(size=32)), bands(4, image_size=224), or own_masks(grid) of a "
            f"local classifier; got {type(masks).__name__}"
        )
    covers = Containment.covering(masks, regions) if procedure.needs_cover else Containment.of(masks, regions)
    procedure.expect_masks(masks)
    covers = Containment(procedure.masks_with_levels(masks, covers.regions), covers.regions)
    procedure.expect_use(covers)
    return covers


def bits_for(
    procedure: Procedure, numerics: RequiredNumerics | None, min_margin: float | None
) -> RequiredNumerics | None:
    """The numerics to ask for: "bitwise" for a procedure that needs bits and has no margin, else as the user typed."""
    if not procedure.requires_bits:
        return numerics
    if numerics == "margin":
        raise InvalidInput(_no_margin(procedure))
    return "bitwise" if min_margin is None else numerics


def require_bits(procedure: Procedure, start: PreparedRun) -> Procedure:
    """Return the procedure; raise `InvalidInput` if it needs bits and the run has a margin instead."""
    if procedure.requires_bits and start.min_margin:
        raise InvalidInput(_no_margin(procedure))
    return procedure


def _no_margin(procedure: Procedure) -> str:
    return (
        f"{procedure.words} compares numbers such as confidences with a threshold, and a margin of scores does not "
        "allow for changes of those; leave the margin out, and use a batch_size of 1 if the probes then stop the run"
    )


def count_of(images: object) -> int:
    """The number of images; raise `InvalidInput` unless they have a length and an index."""
    if not isinstance(images, Sized) or not hasattr(images, "__getitem__"):
        raise InvalidInput(f"expected images with a length and an index, such as a list; got {type(images).__name__}")
    return len(images)


def checked_labels(labels: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """The true labels as int64; raise `InvalidInput` unless they are `count` class numbers."""
    true = np.asarray(labels)
    if true.shape != (count,) or (true.dtype.kind not in "iu" and count):
        raise InvalidInput(
            f"certificates are about true labels: expected {count} whole numbers, one for each image; "
            f"got {true.dtype} of shape {true.shape}"
        )
    if (true < 0).any():
        raise InvalidInput(f"labels are class numbers from 0; got {int(true.min())}")
    return true.astype(np.int64)
