"""`certify` and `predict`: decisions over many images, driven by one engine."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from functools import lru_cache
from typing import Any, TypeVar, get_args

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from maskcover.cells import BoolArray, IntArray
from maskcover.covering import verify
from maskcover.defense.adapters import as_classifier
from maskcover.defense.certificates import Certificate, Covers, all_pairs, row_certificate
from maskcover.defense.double_masking import Defended, double_masking
from maskcover.defense.engine import Decide, Images, settle
from maskcover.defense.evaluation import Evaluator, evaluator
from maskcover.defense.labels import UNSEEN
from maskcover.defense.readiness import ready
from maskcover.defense.results import CertificationResult, Rule, Verdict, verdict
from maskcover.defense.table import NO_MASK, Pending, PredictionTable
from maskcover.defense.waves import next_wave
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions

T = TypeVar("T")


def certify(
    model: object,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    *,
    regions: RegionSet | str | None = None,
    rule: Rule = "rows",
    exhaustive: bool = False,
    margin: float | None = None,
    probes: bool = True,
    progress: bool = False,
    **options: Any,
) -> CertificationResult:
    """Certify images: find those on which no attack within the regions can change the defended prediction.

    Args:
        model: A model that an installed adapter knows (a torch module, say), or a `MaskedClassifier`.
        images: The images as the model takes them, one each; anything with a length and an index.
        labels: The true labels, whole numbers from 0, one for each image: certificates are about labels.
        masks: The mask set; must cover the regions.
        regions: What the attacker may overwrite, or its text; by default what the masks claim to cover.
        rule: "rows" for the row certificate (design §7), "all-pairs" for the paper's Algorithm 2.
        exhaustive: Decide every row, for the whole map of certified placements, also of images that fail.
        margin: By default predictions have to hold to the bit: if a probe sees the same view of an image scored
            differently at another place of a batch, or among other rows, the run stops. With a margin a prediction
            counts as right only if its score leads the next by more than this share of the largest absolute score, and
            the probes may see changes of half of that. `numerics` of the result says on which of the two it stands.
        probes: Try out on the first image what certificates rest on (`maskcover.defense.probe`), before anything else.
        progress: Show a progress bar on stderr.
        **options: For the adapter, such as ``batch_size=16`` or ``fill=0.5``.

    Returns:
        Verdicts, and arrays `certified`, `defended`, `undefended` of length n.

    Raises:
        NotCovering: the masks do not cover the regions; the message shows a region that they miss.
        ProbeFailed: the classifier was seen to break what a certificate rests on.
        InvalidInput: labels that do not fit the images or the classes, a model nobody knows, and the like.

    >>> import maskcover as mc
    >>> class Dark:                                    # calls an image 1 when most of what it sees is dark
    ...     batch_size = 4
    ...     def scores(self, images, hidden):
    ...         dark = np.array([(image < 0.5)[~hide].mean() for image, hide in zip(images, hidden)])
    ...         return np.stack([1 - dark, dark], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> result = certify(Dark(), np.zeros((1, 12, 12)), [1], masks)
    >>> result.certified, result.defended, result.undefended
    (array([ True]), array([1]), array([1]))
    """
    classifier = as_classifier(model, options)
    regions, covers = covering(masks, regions)
    checked_rule(rule, exhaustive=exhaustive)
    true = checked_labels(labels, counted(images))
    start = ready(classifier, images, masks, margin=margin, probes=probes)
    decide = certifying(true, covers, rule, start.margin, exhaustive=exhaustive)
    verdicts = _in_order(settle(start.evaluator, images, decide), len(true), progress, "certifying")
    return CertificationResult(
        masks, regions, rule, start, None if classifier is model else dict(options), tuple(verdicts)
    )


def certifying(
    labels: IntArray, covers: Covers, rule: Rule, margin: float, *, exhaustive: bool = False
) -> Decide[Verdict]:
    """The decision procedure of a certification, for the engine: a table to its verdict, or what it must see first."""

    def decide(number: int, table: PredictionTable) -> Verdict | Pending:
        if table.undefended == UNSEEN:
            # Every image is seen as it is, and under each mask; these come first, and in one go.
            return Pending(np.repeat(np.arange(NO_MASK, len(table.unions.ids)), 2).reshape(-1, 2))
        label = int(labels[number])
        if table.classes is not None and label >= table.classes:
            raise InvalidInput(f"image {number} has the label {label}, but the classifier has {table.classes} classes")
        certificate = _certificate(table.firm(margin), label, rule, covers, exhaustive=exhaustive)
        if isinstance(certificate, Pending):
            return next_wave(table, certificate)
        defended = double_masking(table.matrix)
        if isinstance(defended, Pending):
            return next_wave(table, defended)
        return verdict(table, label, certificate, defended)

    return decide


def predict(
    model: object,
    images: Images,
    masks: MaskSet,
    *,
    progress: bool = False,
    **options: Any,
) -> list[Defended]:
    """The defended predictions (Algorithm 1) of images, each with its case; arguments as for `certify`.

    A label of −1 means that the classifier gave no unique finite top score where Algorithm 1 needed one.
    """
    counted(images)
    return predict_with(evaluator(as_classifier(model, options), masks), images, progress=progress)


def predict_with(asked: Evaluator, images: Images, *, progress: bool = False) -> list[Defended]:
    """`predict` with an evaluator that is there already."""

    def decide(_: int, table: PredictionTable) -> Defended | Pending:
        decision = double_masking(table.matrix)
        return next_wave(table, decision) if isinstance(decision, Pending) else decision

    return _in_order(settle(asked, images, decide), len(images), progress, "predicting")


def _certificate(table: IntArray, label: int, rule: Rule, covers: Covers, *, exhaustive: bool) -> Certificate | Pending:
    if rule == "rows":
        return row_certificate(table, label, covers, exhaustive=exhaustive)
    return all_pairs(table, label, covering=covers(np.ones(len(table), dtype=np.bool_)))


def counted(images: object) -> int:
    """How many images there are, if they are something with a length and an index."""
    if not isinstance(images, Sized) or not hasattr(images, "__getitem__"):
        raise InvalidInput(f"expected images with a length and an index, such as a list; got {type(images).__name__}")
    return len(images)


def covering(masks: MaskSet, regions: RegionSet | str | None) -> tuple[RegionSet, Covers]:
    """The regions, and which selections of the masks cover them; the masks as a whole must (Algorithm 2, line 2)."""
    report = verify(masks, regions)
    if not report:
        raise NotCovering(f"nothing can be certified with these masks: {report}")
    known = parse_regions(report.regions)

    @lru_cache(maxsize=4096)
    def selection_covers(selected: bytes) -> bool:
        chosen = np.frombuffer(selected, dtype=np.bool_)
        kept = tuple(mask for mask, keep in zip(masks, chosen, strict=True) if keep)
        return bool(verify(MaskSet(masks.grid, kept), known))

    def covers(selected: BoolArray) -> bool:
        return bool(selected.all()) or selection_covers(selected.tobytes())

    return known, covers


def checked_rule(rule: Rule, *, exhaustive: bool) -> Rule:
    """The rule, if it is one and fits."""
    if rule not in get_args(Rule) or (exhaustive and rule != "rows"):
        raise InvalidInput(f"rule must be one of {get_args(Rule)}, and 'rows' with exhaustive; got {rule!r}")
    return rule


def checked_labels(labels: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """The true labels as int64, if they are so many class numbers."""
    true = np.asarray(labels)
    if true.shape != (count,) or (true.dtype.kind not in "iu" and count):
        raise InvalidInput(
            f"certificates are about true labels: expected {count} whole numbers, one for each image; "
            f"got {true.dtype} of shape {true.shape}"
        )
    if (true < 0).any():
        raise InvalidInput(f"labels are class numbers from 0; got {int(true.min())}")
    return true.astype(np.int64)


def _in_order(decisions: Iterator[tuple[int, T]], count: int, progress: bool, task: str) -> list[T]:
    found = dict(tqdm(decisions, total=count, desc=task, unit="image", disable=not progress))
    return [found[number] for number in range(count)]
