"""`certify`, `predict` and `detection_curve`: decisions over many images, made by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, overload
from warnings import warn

import numpy as np
import numpy.typing as npt

from maskcover.certification.answering import in_order, predict_with, unbound
from maskcover.certification.answers import AnswersResult, expect_reader, numbers_of_answers
from maskcover.certification.binding import Binding, Certified, as_certified_classifier
from maskcover.certification.choosing_first_rounds import settled
from maskcover.certification.multilabel import MultiLabelResult, certify_labels
from maskcover.certification.requirements import (
    bits_for,
    bound,
    checked_labels,
    containment_for,
    count_of,
    require_bits,
)
from maskcover.certification.results import Certification, CertificationResult
from maskcover.classifiers.evaluation import Images, MaskedClassifier, evaluator_of, expect_regions, names_of
from maskcover.classifiers.masked_answers import MaskedAnswers, as_reader
from maskcover.classifiers.options import renamed
from maskcover.classifiers.registry import as_classifier, options_for_labels
from maskcover.data.labels import expect_matching
from maskcover.defense.answers import Answer
from maskcover.defense.detection import ERROR_LEVELS, DetectionCurve, Levels, detection_levels
from maskcover.defense.procedure import Procedure, certifying, checked_against, equip, first_look
from maskcover.defense.procedures import Detection, Method, Rule, confidences
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import NONE, RequiredNumerics, prepare_run, preprocessing_of
from maskcover.engine.queue import run_queries
from maskcover.errors import InvalidInput, NotBound
from maskcover.masks import MaskSet, Views
from maskcover.regions import RegionSet

__all__ = [
    "Task",
    "bits_for",
    "bound",
    "certify",
    "checked_labels",
    "checked_task",
    "classifier_for",
    "containment_for",
    "count_of",
    "detection_curve",
    "output_of",
    "predict",
    "require_bits",
    "true_labels",
]
Task = Literal["labels", "answers", "multilabel"]
"""The kind of output that is certified."""


@overload
def certify(
    model: object,
    images: Images,
    labels: Any,
    masks: MaskSet,
    *,
    task: Literal["labels", "answers"] | None = None,
    **options: Any,
) -> CertificationResult: ...
@overload
def certify(
    model: object, images: Images, labels: Any, masks: MaskSet, *, task: Literal["multilabel"], **options: Any
) -> MultiLabelResult: ...
def certify(
    model: object,
    images: Images,
    labels: Any,
    masks: MaskSet,
    *,
    task: Task | None = None,
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
    thresholds: float | Sequence[float] | None = None,
    keep_scores: bool = False,
    **options: Any,
) -> CertificationResult | MultiLabelResult:
    """Certify images: find those on which no attack within the regions can change the defended prediction.

    Args:
        model: A model that an installed adapter knows (a torch module, say), or a `MaskedClassifier`.
        images: The images as the model takes them, one each; anything with a length and an index.
        labels: The true labels, whole numbers from 0, one for each image: certificates are about labels. With
            ``task="answers"`` the true answers, such as texts or tuples. With ``task="multilabel"`` a bool array of
            shape (images, classes), or for each image a list of names of classes that the classifier knows.
        masks: The mask set; must cover the regions.
        task: "labels" for class numbers; "answers" for a function from images to answers of any kind, or a
            `maskcover.MaskedAnswers`, with an `AnswersResult`; "multilabel" for several labels an image, with a
            `MultiLabelResult`. By default labels or answers, as the model is.
        regions: What the attacker may overwrite, or its text; by default what the masks claim to cover.
        procedure: The defence, such as ``DoubleMasking(rule="all-pairs")``, ``ChallengerMasking()`` or
            ``Detection(threshold=0.9)``, or its text; by default double masking. A certificate of detection says that
            the answer is the label or an alert.
        method, threshold, rule, exhaustive: The same in another way: "double", "challenger" or "detect", and the
            arguments of that procedure.
        min_margin: A prediction counts as right only if its score exceeds the next by more than this fraction of the
            largest absolute score (of its own row, or of all rows in the probes if that is larger), and scores may
            change in the probes by half of that. Without probes each row is measured by itself alone.
        numerics: By default predictions must repeat to the bit. If they do not, because this machine rounds
            differently at other places of a batch, a margin of at least a hundred times the differences in the probes
            replaces bits, with a warning. "bitwise" insists on bits, "margin" uses a margin even where bits are equal.
            If hidden pixels or other rows of the batch change a score, the run stops. `numerics` of the result says
            which of the two its certificates rely on.
        probes: Test first, on some images, what certificates rely on (`maskcover.engine.probe`).
        progress: Show progress bars on stderr.
        thresholds: Only for "multilabel": a class is present where its score is at least this number, one for all
            classes or one for each. By default 0, which is a probability of one half where scores are logits.
        keep_scores: Only for "multilabel": make all masked predictions and keep their scores, for other thresholds and
            average precision.
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
    if task == "multilabel":
        return certify_labels(
            model, images, labels, masks, procedure_of(procedure, method, threshold, rule, exhaustive),
            thresholds=thresholds, regions=regions, min_margin=min_margin, numerics=numerics, probes=probes,
            progress=progress, keep_scores=keep_scores, options=options,
        )  # fmt: skip
    if thresholds is not None or keep_scores:
        raise InvalidInput('thresholds and keep_scores are for several labels; type task="multilabel" with them')
    classifier = classifier_for(checked_task(task), model, options)
    defence = procedure_of(procedure, method, threshold, rule, exhaustive)
    if isinstance(masks, MaskSet) and count_of(images):
        defence, masks = settled(defence, classifier, images, masks, regions)
    defence, covers = bound(defence, masks, regions)
    masks = covers.masks
    true = true_labels(labels, count_of(images), classifier)
    required = bits_for(defence, numerics, min_margin)
    start = prepare_run(
        classifier, images, masks, min_margin=min_margin, numerics=required, probes=probes, progress=progress
    )
    expect_regions(classifier, covers.regions, start.example)
    decide = certifying(require_bits(defence, start), true, covers, start.min_margin)
    expect_matching(images, true, start.evaluator.classes, names_of(classifier))
    equip(start.evaluator, defence)
    verdicts = in_order(
        run_queries(start.evaluator, images, decide, views=defence.views), len(true), progress, "certifying"
    )
    start.expect_unchanged()
    used = None if classifier is model else dict(options)
    sample = getattr(images, "chosen", None)
    result = CertificationResult(masks, covers.regions, defence, start, used, tuple(verdicts), sample)
    return AnswersResult.of(result, classifier) if isinstance(classifier, MaskedAnswers) else result


def checked_task(task: object) -> Task | None:
    """Return a task; raise `InvalidInput` if there is none of this name."""
    if task not in (None, *get_args(Task)):
        raise InvalidInput(f"task must be one of {', '.join(get_args(Task))}, or be left out; got {task!r}")
    return task  # type: ignore[return-value]  # it is one


def output_of(task: Task | None, classifier: MaskedClassifier) -> Task:
    """What is certified where a classifier is asked for a task: None is as the classifier is.

    Raises:
        InvalidInput: the classifier gives something else.
    """
    expect_reader(task, classifier)
    if task is not None:
        return task
    return "answers" if isinstance(classifier, MaskedAnswers) else "labels"


def classifier_for(task: Task | None, model: object, options: Mapping[str, Any]) -> MaskedClassifier:
    """The classifier of a model for a task; see `as_classifier` and `as_reader`."""
    if task == "answers":
        return as_reader(model, options)
    if task == "multilabel":
        options = options_for_labels(model, options)
    classifier = as_classifier(model, options)
    expect_reader(task, classifier)
    return classifier


def true_labels(labels: Any, count: int, classifier: MaskedClassifier) -> npt.NDArray[np.int64]:
    """The true labels as int64 (count,): class numbers, or the numbers of answers."""
    if isinstance(classifier, MaskedAnswers):
        return numbers_of_answers(labels, count, classifier)
    return checked_labels(labels, count)


def predict(
    model: object,
    images: Images,
    masks: MaskSet | Certification | Certified,
    *,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    progress: bool = False,
    **options: Any,
) -> list[Answer]:
    """The defended predictions of images, each with the case that led to it; arguments as for `certify`.

    Args:
        model, images, procedure, method, threshold, progress, options: As for `certify`.
        masks: The result of a certification, or of a run (`maskcover.runs.certified`): then its masks, defence, batch
            size and options are used, and the model must be the certified one, as for `defend`. Or a mask set: then
            nothing is probed or compared, batches have 16 rows unless `batch_size` is given, and the answers are bound
            to no certification: the first call warns of that (`NotBound`).

    A label of −1 means that the classifier gave no unique finite top score where the defence needed one.

    Raises:
        FingerprintMismatch: the model, or the preprocessing of the images, is not that of the certification.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> result = mc.certify(brightness, images, [0, 1], masks, batch_size=4, fill=0.5)
    >>> for answer in mc.predict(brightness, images, result):
    ...     print(answer)
    0 (agreed)
    1 (agreed)
    """
    count_of(images)
    if isinstance(masks, Certification | Certified):
        certified = Certified.of(masks)
        certified.expect_procedure(procedure, method, threshold)
        classifier = as_certified_classifier(model, certified, options)
        preprocessing = preprocessing_of(images)
        if preprocessing == NONE:
            preprocessing = certified.preprocessing
        evaluator = evaluator_of(classifier, certified.masks, batch_size=certified.batch_size)
        return list(Binding(certified).served(evaluator, images, preprocessing, progress=progress))
    defence = procedure_of(procedure, method, threshold)
    if isinstance(masks, MaskSet):
        defence, masks = unbound(defence, masks)
    evaluator = evaluator_of(as_classifier(model, options), masks)
    warn(
        "these answers are bound to no certification: give predict the result of certify instead of the masks, or call "
        "defend(model, result)",
        NotBound,
        stacklevel=2,
    )
    return predict_with(evaluator, images, defence, progress=progress)


def detection_curve(
    model: object,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    *,
    regions: RegionSet | str | None = None,
    alert_below: float | None = None,
    probes: bool = True,
    progress: bool = False,
    **options: Any,
) -> DetectionCurve:
    """The clean and the certified fraction at each threshold of detection, from one-mask predictions made once.

    The paper's Figure 9, and with `alert_below` the same for detection with alerts on low confidence.

    Args:
        model, images, labels, masks, regions, probes, progress, options: As for `certify`; so are the errors.
        alert_below: As for `Detection`; it is the same at all thresholds.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return 20 * np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> curve = mc.detection_curve(brightness, images, [0, 1], masks, batch_size=4, fill=0.5)
    >>> len(curve.levels)
    2
    """
    covers = containment_for(Detection(0.0, alert_below), masks, regions)
    true = checked_labels(labels, count_of(images))
    classifier = as_classifier(model, options)
    start = prepare_run(
        classifier, images, masks, min_margin=None, numerics="bitwise", probes=probes, progress=progress
    )
    expect_regions(classifier, covers.regions, start.example)
    expect_matching(images, true, start.evaluator.classes, names_of(classifier))
    equip(start.evaluator, Detection(1.0, alert_below))  # it refuses answers without confidences

    def decide(number: int, table: PredictionTable) -> Levels | Pending:
        label = checked_against(int(true[number]), table, number)
        if look := first_look(table):
            return look
        if table.broken:
            return ERROR_LEVELS  # as in `certify`: neither right nor certified at any threshold
        return detection_levels(table.undefended, table.one_mask, confidences(table), label, covers, alert_below)

    decisions = run_queries(start.evaluator, images, decide, views=Views.SINGLE_MASKS)
    levels = in_order(decisions, len(true), progress, "detecting")
    expect_matching(images, true, start.evaluator.classes, names_of(classifier))
    start.expect_unchanged()
    return DetectionCurve(tuple(levels))
