"""From a region set to a verified mask set, and what a set that does not cover looks like. Seconds; needs no model."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import maskcover as mc


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=224)
    size = parser.parse_args(arguments).image_size

    # The attacker: any rectangle of at most 1 % of the image, of any shape, anywhere.
    regions = mc.rectangles(area=0.01)
    print(regions.describe(size))

    # The defence: as few masks as we know how, none hiding more than a tenth of the image.
    masks = mc.cover(regions, size, max_mask_area=0.1)
    print(masks)
    report = mc.verify(masks, regions)
    print(report)
    assert report

    # Without its last mask the set misses something, and the report says what.
    report = mc.verify(masks[:-1], regions)
    print(report)
    assert not report

    # Hand-made masks are checked the same way: here the paper's stride with a mask one pixel too small.
    starts = (0, 33, 66, 99, 132, 160)
    scratch = mc.MaskSet.from_boxes([(top, left, 63, 63) for top in starts for left in starts], image_size=224)
    print(mc.verify(scratch, mc.squares(size=32)))

    # Files carry the claim and a digest.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cover.json"
        masks.save(path)
        assert mc.MaskSet.load(path) == masks

    # Two stickers at once: the masks are unions, equal ones are merged.
    two = mc.cover(mc.patches(mc.squares(area=0.01), k=2), size)
    print(f"{len(two)} masks, {two.evaluations} two-mask evaluations; {mc.verify(two)}")


if __name__ == "__main__":
    main()
