"""Named configurations: defences of the literature as values of built-in procedures, with their papers' defaults."""

from __future__ import annotations

from maskcover.defense.view_procedures import RobustMasking, Voting


def derandomized_smoothing(width: int = 4, threshold: float = 0.3, *, kind: str = "columns", stride: int = 1) -> Voting:
    """De-randomised smoothing: each view votes for every class with at least the threshold of confidence.

    Args:
        width: Width of a band, or side of a block, in pixels.
        threshold: The least confidence of a vote, from 0 to 1.
        kind: "columns", "rows" or "blocks".
        stride: Pixels from one view to the next.

    The defaults are those of the paper for CIFAR-10; for ImageNet it has columns 25 pixels wide and a threshold of 0.2.
    Source: Levine and Feizi, NeurIPS 2020.

    >>> str(derandomized_smoothing())
    "voting(shown='bands(width=4)', threshold=0.3)"
    >>> str(derandomized_smoothing(12, kind="blocks"))
    "voting(shown='blocks(size=12)', threshold=0.3)"
    """
    shape = f"blocks({width}" if kind == "blocks" else f"bands({width}, axis={kind!r}"
    return Voting(f"{shape}, stride={stride})", threshold)


def smoothed_vit(width: int = 19, *, stride: int = 10) -> Voting:
    """Smoothed ViT: columns vote for the class with their largest score.

    Args:
        width: Width of a column in pixels.
        stride: Pixels from one column to the next.

    The defaults are those of the paper for ImageNet, where a stride of 10 makes 23 columns of 224; its columns on
    CIFAR-10, enlarged to 224 pixels, are 4 pixels wide before that. For `maskcover.DropTokens`, which leaves out whole
    tokens, take a width and a stride that are multiples of the token, such as ``smoothed_vit(32, stride=16)``.
    Source: Salman et al., CVPR 2022.

    >>> str(smoothed_vit())
    "voting(shown='bands(width=19, stride=10)')"
    """
    return Voting(f"bands({width}, stride={stride})")


def clipped_bagnet() -> Voting:
    """Clipped BagNet: the cells of a local classifier give evidence of tanh(0.05 * score - 1), which is added up.

    For a classifier of `maskcover_torch.local`, whose views are its cells. Source: Zhang et al., 2020.

    >>> str(clipped_bagnet())
    "voting(evidence='tanh(0.05, -1)')"
    """
    return Voting(evidence="tanh(0.05, -1)")


def bagcert() -> Voting:
    """BagCert: the cells of a local classifier give evidence between 0 and 1, which is added up.

    For a classifier of `maskcover_torch.local` that was trained for it, see `maskcover_torch.training`. Source: Metzen
    and Yatsura, ICLR 2021.

    >>> str(bagcert())
    "voting(evidence='clip(0, 1)')"
    """
    return Voting(evidence="clip(0, 1)")


def patchguard(windows: str | None = None, *, threshold: float = 0.0, width: int | None = None) -> RobustMasking:
    """PatchGuard: robust masking of the cells of a local classifier (mask-BN), or of columns (mask-DS).

    Args:
        windows: The regions whose touched views are windows, as a text; by default those that are certified.
        threshold: The fraction of the evidence from which a window is taken out.
        width: The width of the columns in pixels, for mask-DS; the evidence of a column are then its confidences.

    The defaults are those of the paper for ImageNet: each heaviest window is taken out. Its columns are 25 pixels wide.
    Source: Xiang et al., USENIX Security 2021.

    >>> str(patchguard()), str(patchguard(width=25))
    ('robust_masking()', "robust_masking(shown='bands(width=25)', evidence='confidence')")
    """
    if width is None:
        return RobustMasking(threshold, windows=windows)
    return RobustMasking(threshold, f"bands({width})", windows, "confidence")
