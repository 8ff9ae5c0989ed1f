"""`choose`: tries mask sets, procedures and fills on validation images, and picks the best within a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.certification.certifying import bits_for, checked_labels, count_of
from maskcover.choosing.budget import Budget, Over, budget_of
from maskcover.choosing.candidates import Candidate, candidates_of, grid_of, listed
from maskcover.choosing.halving import Group, Rounds, nothing_affordable
from maskcover.choosing.ranking import affordable, cross_fitted, ranked
from maskcover.choosing.result import Choice, ChoosingImages
from maskcover.classifiers.evaluation import HidesCells, Images, MaskedClassifier
from maskcover.classifiers.registry import as_classifier
from maskcover.defense import ChallengerMasking, DoubleMasking, Procedure
from maskcover.engine.preparation import RequiredNumerics
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions
from maskcover.runs.pixels import Watched


def choose(
    model: object,
    images: Images,
    labels: npt.ArrayLike,
    regions: RegionSet | str,
    *,
    serving: float | None = None,
    milliseconds: float | None = None,
    certifying: float | None = None,
    over: Over = "mean",
    candidates: Iterable[MaskSet | str] | None = None,
    procedures: Iterable[Procedure | str] = (DoubleMasking(), ChallengerMasking()),
    fills: Iterable[Any] | None = None,
    image_size: Any = None,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    probes: bool = True,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> Choice:
    """Choose the mask set, procedure and fill that certify most of some validation images within a budget.

    Every certificate is exact, as in `certify`: a candidate that does not cover the regions is refused, and each
    verdict is that of `certify` with this candidate alone. A prediction that several candidates need, under equal
    unions of masks, is made once. Candidates start on 32 images, and the number doubles; one is given up when another
    costs no more and has a certified fraction whose 95 % interval lies wholly above, or when it cannot keep within the
    budget.

    Of the candidates within the budget the one with most certified images wins; ties go to the one with most right
    answers, then to the cheaper one. Its figures on these images are optimistic: `Choice.optimism` says by how much,
    and `Choice.certify` certifies it on other images.

    Args:
        model, images, labels, min_margin, numerics, probes: As for `certify`; validation images, at least one.
        regions: What the attacker may overwrite, or its text.
        serving: The budget: masked predictions an image when serving clean images.
        milliseconds: Or: milliseconds an image when serving, one image at a time, measured on this machine. A batch
            that an image does not fill takes as long as a full one, so a small ``batch_size`` may help.
        certifying: Or: masked predictions an image when certifying. Without a budget all candidates are ranked.
        over: The budget holds for the "mean" of the images, or for the image that costs "most". An attacked image may
            cost more than every clean one.
        candidates: Mask sets, or texts such as ``"grid(4, 4)"``, ``"masks(20)"``, ``"max_mask_area(0.1)"`` or
            ``"masks(36, multiplicity=2)"``; "defaults" stands for those that are tried if nothing is named.
        procedures: Procedures or their texts. ``"double_masking(first_round='auto')"`` stands for double masking
            without a first round and with each of the default ones, see `choose_first_round`.
        fills: Values of hidden pixels to try, or `DropTokens`, as the adapter's option ``fill``; by default only the
            one of `options`.
        image_size: The size of the images, if neither a mask set, nor the model, nor an image's shape tells it.
        seed: The order of the images in the rounds and folds.
        progress: Show progress bars on stderr.
        **options: For the adapter, as for `certify`.

    Raises:
        NotCovering: a candidate does not cover the regions; the message shows a region that it misses.
        InvalidInput: two budgets, no candidate within the budget, and whatever `certify` refuses.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> texts = ["grid(2, 2)", "grid(3, 3)"]
    >>> choice = mc.choose(brightness, images, [0, 1], "squares(size=3)", serving=5, candidates=texts, fill=0.5)
    >>> print(choice.winner.candidate, choice.winner.certified_fraction)
    grid(2, 2), double_masking() 1.0
    """
    budget = budget_of(serving, milliseconds, certifying, over)
    filled = _distinct([None] if fills is None else fills)
    if fills is not None and "fill" in options:
        raise InvalidInput("name the values of hidden pixels once: with fill=, or several with fills=")
    classifiers = {fill: as_classifier(model, options | ({} if fill is None else {"fill": fill})) for fill in filled}
    return choose_among(
        classifiers, images, labels, regions, budget=budget, candidates=candidates, procedures=procedures,
        image_size=image_size, min_margin=min_margin, numerics=numerics, probes=probes, seed=seed, progress=progress,
        options=None if any(classifier is model for classifier in classifiers.values()) else options,
    )  # fmt: skip


def _expect_pixels(classifier: MaskedClassifier) -> None:
    """Raise `InvalidInput` for a classifier whose masks do not hide pixels, or which takes its own masks alone."""
    if isinstance(classifier, HidesCells):
        raise InvalidInput(
            "choose tries masks that hide pixels, and this classifier hides cells; make masks with its cover(regions, "
            "size), and compare them on validation images with certify"
        )
    if hasattr(classifier, "own_masks"):
        raise InvalidInput(
            "there are no masks to choose: this classifier answers for the masks of its own cells alone; compare "
            "procedures with certify on validation images"
        )


def choose_among(
    classifiers: Mapping[Any, MaskedClassifier],
    images: Images,
    labels: npt.ArrayLike,
    regions: RegionSet | str,
    *,
    budget: Budget | None,
    candidates: Iterable[MaskSet | str] | None = None,
    procedures: Iterable[Procedure | str] = (DoubleMasking(), ChallengerMasking()),
    image_size: Any = None,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    probes: bool = True,
    seed: int = 0,
    progress: bool = False,
    source: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Choice:
    """`choose` with a classifier for each fill, a budget as a value, and a description of the data."""
    true, region_set = checked_labels(labels, count_of(images)), parse_regions(regions)
    if not len(true):
        raise InvalidInput("expected at least one image to choose with; got none")
    classifier = next(iter(classifiers.values()))
    _expect_pixels(classifier)
    named = None if candidates is None else listed(candidates)
    preprocessing = getattr(classifier, "preprocessing", None) or getattr(images, "preprocessing", None)
    grid = grid_of(named, preprocessing, images[0], image_size)
    tried = candidates_of(region_set, grid, named, procedures, classifiers)
    required = _numerics(tried, numerics, min_margin)
    watched = Watched(images)
    groups = [
        Group.prepared(own, [candidate for candidate in tried if candidate.fill == fill], watched, true, progress, {
            "min_margin": min_margin, "numerics": required, "probes": probes,
        })
        for fill, own in classifiers.items()
    ]  # fmt: skip
    rounds = Rounds(groups, watched, true, budget, np.random.default_rng(seed).permutation(len(true)), progress)
    rounds.all_images()
    for group in groups:
        group.start.expect_unchanged()
    assessments = [assessment for group in groups for assessment in group.assessments]
    ranking = ranked(assessments, budget)
    if not affordable(ranking[0], budget):
        raise InvalidInput(nothing_affordable(assessments, budget))
    digests = tuple(watched.digests[number] for number in range(len(true)))
    return Choice(
        region_set, budget, ranking, tuple(rounds.dropped), cross_fitted(ranking, budget),
        ChoosingImages(digests, source or _source(images), getattr(images, "chosen", None)),
        sum(group.predictions for group in groups), rounds.separate_predictions,
        "; ".join(dict.fromkeys(group.start.stands_on for group in groups)), options, min_margin,
    )  # fmt: skip


def _source(images: Images) -> str | None:
    """The description of the data set that images come from, if they are of one."""
    text = getattr(getattr(images, "dataset", images), "source", None)
    return text if isinstance(text, str) else None


def _distinct(fills: Iterable[Any]) -> list[Any]:
    """The fills, each once, in their order."""
    try:
        return list(dict.fromkeys(fills))
    except TypeError as error:
        raise InvalidInput(
            f"fills= expects numbers, or tuples of numbers for the channels; got {fills!r:.80}"
        ) from error


def _numerics(
    candidates: Sequence[Candidate], numerics: RequiredNumerics | None, min_margin: float | None
) -> RequiredNumerics | None:
    """The numerics to ask for: those of the procedure that asks for most."""
    needed = [candidate.procedure for candidate in candidates if candidate.procedure.requires_bits]
    if needed and min_margin:
        raise InvalidInput(
            f"{needed[0].words} needs predictions that repeat to the bit; leave min_margin out, or this procedure"
        )
    return bits_for(needed[0] if needed else candidates[0].procedure, numerics, min_margin)
