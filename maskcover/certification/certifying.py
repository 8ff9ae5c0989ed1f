"""`certify` and `predict`: decisions over many images, driven by one engine."""

from __future__ import annotations

from collections.abc import Sized
from math import inf
from typing import Any, TypeVar
from warnings import warn

import numpy as np
import numpy.typing as npt

from maskcover.certification.answering import in_order, predict_with
from maskcover.certification.binding import Binding, Certified, as_certified_classifier
from maskcover.certification.results import CertificationResult
from maskcover.classifiers.evaluation import Images, evaluator_of, names_of, observe
from maskcover.classifiers.options import renamed
from maskcover.classifiers.registry import as_classifier
from maskcover.covering.containment import Containment
from maskcover.data.labels import expect_matching
from maskcover.defense.answers import Answer
from maskcover.defense.detection import DetectionCurve, Levels, detection_levels
from maskcover.defense.procedure import Procedure, certifying, checked_against, first_look
from maskcover.defense.procedures import Method, Rule, confidences
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import NONE, PreparedRun, RequiredNumerics, prepare_run, preprocessing_of
from maskcover.engine.queue import run_queries
from maskcover.errors import InvalidInput, NotBound
from maskcover.masks import MaskSet, Views
from maskcover.regions import RegionSet

T = TypeVar("T")


def certify(
    model: object,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    *,
    regions: RegionSet | str | None = None,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    rule: Rule | None = None,
    exhaustive: bool = False,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
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
        procedure: The defence, such as ``DoubleMasking(rule="all-pairs")``, ``ChallengerMasking()`` or
            ``Detection(threshold=0.9)``, or its text; by default double masking. A certificate of detection says that
            the answer is the label or an alert.
        method, threshold, rule, exhaustive: The same in another way: "double", "challenger" or "detect", and the
            arguments of that procedure.
        margin: With a margin a prediction counts as right only if its score leads the next by more than this fraction
            of the largest absolute score (of its own row, or that the probes saw if this is larger), and the probes may
            see changes of half of that. Without probes each row is measured by itself alone.
        numerics: By default predictions have to hold to the bit. If they do not, because this machine rounds
            differently at other places of a batch, a margin of at least a hundred times what the probes saw takes over,
            with a warning. "bitwise" insists on bits, "margin" takes a margin even where bits hold. If hidden pixels or
            other rows of the batch change a score, the run stops. `numerics` of the result says on what it stands.
        probes: Try out on some images what certificates rest on (`maskcover.engine.probe`), before anything else.
        progress: Show progress bars on stderr.
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
    min_margin = renamed(options, "margin", "min_margin", min_margin)
    classifier = as_classifier(model, options)
    defence = procedure_of(procedure, method, threshold, rule, exhaustive)
    covers = containment_for(defence, masks, regions)
    true = checked_labels(labels, counted(images))
    wish = bits_for(defence, numerics, min_margin)
    start = prepare_run(
        classifier, images, masks, min_margin=min_margin, numerics=wish, probes=probes, progress=progress
    )
    decide = certifying(expected(defence, start), true, covers, start.min_margin)
    expect_matching(images, true, start.evaluator.classes, names_of(classifier))
    observe(start.evaluator, defence.observation)
    verdicts = in_order(
        run_queries(start.evaluator, images, decide, views=defence.views), len(true), progress, "certifying"
    )
    start.expect_unchanged()
    used = None if classifier is model else dict(options)
    chosen = getattr(images, "chosen", None)
    return CertificationResult(masks, covers.regions, defence, start, used, tuple(verdicts), chosen)


def containment_for(procedure: Procedure, masks: MaskSet, regions: RegionSet | str | None) -> Containment:
    """Which selections of the masks cover the regions; all masks together must, where the procedure needs a cover.

    Raises:
        NotCovering: they do not; the message shows a region that they miss.
        InvalidInput: no regions are named or claimed, or they do not fit the image.
    """
    if procedure.needs_cover:
        return Containment.covering(masks, regions)
    return Containment.of(masks, regions)


def bits_for(
    procedure: Procedure, numerics: RequiredNumerics | None, min_margin: float | None
) -> RequiredNumerics | None:
    """The numerics to ask for: "bitwise" for a procedure that no margin can carry over, else as typed."""
    if not procedure.needs_bits:
        return numerics
    if numerics == "margin":
        raise InvalidInput(_no_margin(procedure))
    return "bitwise" if min_margin is None else numerics


def expected(procedure: Procedure, start: PreparedRun) -> Procedure:
    """The procedure, if the numerics that the probes found carry it."""
    if procedure.needs_bits and start.min_margin:
        raise InvalidInput(_no_margin(procedure))
    return procedure


def _no_margin(procedure: Procedure) -> str:
    return (
        f"{procedure.words} compares numbers such as confidences with a threshold, which a margin of scores does not "
        "carry over to where the model serves; leave the margin out, and take a batch_size of 1 if the probes then "
        "stop the run"
    )


def predict(
    model: object,
    images: Images,
    masks: MaskSet | CertificationResult | Certified,
    *,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    progress: bool = False,
    **options: Any,
) -> list[Answer]:
    """The defended predictions of images, each with how it came about; arguments as for `certify`.

    Args:
        model, images, procedure, method, threshold, progress, options: As for `certify`.
        masks: The result of a certification, or what a run certified (`maskcover.runs.certified`): then its masks,
            defence, batch size and options are taken, and what predicts must be what was certified, as for `defend`.
            Or a mask set: then nothing is probed or compared, batches have 16 rows where no `batch_size` is named, and
            the answers are bound to no certification, of which the first call warns (`NotBound`).

    A label of −1 means that the classifier gave no unique finite top score where the defence needed one.

    Raises:
        FingerprintMismatch: what predicts, or what the images went through, is not what was certified.
    """
    counted(images)
    if isinstance(masks, CertificationResult | Certified):
        known = Certified.of(masks)
        known.expect_procedure(procedure, method, threshold)
        classifier = as_certified_classifier(model, known, options)
        told = preprocessing_of(images)
        seen = known.preprocessing if told == NONE else told
        evaluator = evaluator_of(classifier, known.masks, batch_size=known.batch_size)
        return list(Binding(known).served(evaluator, images, seen, progress=progress))
    evaluator = evaluator_of(as_classifier(model, options), masks)
    warn(
        "these answers are bound to no certification: give predict the result of certify instead of the masks, or call "
        "defend(model, result)",
        NotBound,
        stacklevel=2,
    )
    return predict_with(evaluator, images, procedure_of(procedure, method, threshold), progress=progress)


def detection_curve(
    model: object,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    *,
    regions: RegionSet | str | None = None,
    probes: bool = True,
    progress: bool = False,
    **options: Any,
) -> DetectionCurve:
    """What each threshold of detection buys: clean and certified shares, from one-mask predictions made once.

    Arguments, and errors, are those of `certify`. The paper's Figure 9.
    """
    covers = Containment.covering(masks, regions)
    true = checked_labels(labels, counted(images))
    classifier = as_classifier(model, options)
    start = prepare_run(
        classifier, images, masks, min_margin=None, numerics="bitwise", probes=probes, progress=progress
    )
    expect_matching(images, true, start.evaluator.classes, names_of(classifier))

    def decide(number: int, table: PredictionTable) -> Levels | Pending:
        label = checked_against(int(true[number]), table, number)
        if look := first_look(table):
            return look
        if table.broken:
            return Levels(inf, -inf)  # an error, as for `certify`: neither right nor certified at any threshold
        return detection_levels(table.undefended, table.one_mask, confidences(table), label, covers)

    found = run_queries(start.evaluator, images, decide, views=Views.SINGLE_MASKS)
    levels = in_order(found, len(true), progress, "detecting")
    expect_matching(images, true, start.evaluator.classes, names_of(classifier))
    start.expect_unchanged()
    return DetectionCurve(tuple(levels))


def counted(images: object) -> int:
    """How many images there are, if they are something with a length and an index."""
    if not isinstance(images, Sized) or not hasattr(images, "__getitem__"):
        raise InvalidInput(f"expected images with a length and an index, such as a list; got {type(images).__name__}")
    return len(images)


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
