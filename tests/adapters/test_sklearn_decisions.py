"""What is certified of an estimator is what it predicts (threats.md, 44)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from maskcover_sklearn import ADAPTER
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning
from maskcover.classifiers.decisions import OwnLabels

CHANCE = np.random.default_rng(8)
X, Y = CHANCE.random((90, 16)), np.arange(90) % 3
IMAGES = X.reshape(-1, 4, 4)
MASKS = mc.cover(mc.squares(size=1), 4, grid=(2, 2))
SHOWN = np.zeros((90, 4, 4), np.bool_)
MANY = np.arange(90) % 5
SEVERAL = np.stack([Y == 1, Y == 2], axis=1).astype(int)
probable = pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated")


def votes() -> SVC:
    """Its one-against-one columns are ten, and its votes are often equal."""
    return SVC(gamma=20.0, decision_function_shape="ovo").fit(X, MANY)


DIFFERENT: dict[str, tuple[Any, dict[str, Any], str]] = {
    "pairs of classes": (SVC(decision_function_shape="ovo").fit(X, Y), {}, 'decision_function_shape="ovr"'),
    "pairs of more classes": (votes(), {}, 'decision_function_shape="ovr"'),
    "pairs in a pipeline": (
        make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")).fit(X, Y), {}, 'function_shape="ovr"',
    ),
    "a threshold": (FixedThresholdClassifier(LogisticRegression(), threshold=0.9).fit(X, Y == 1), {}, "threshold"),
    "a threshold that suits": (TunedThresholdClassifierCV(LogisticRegression()).fit(X, Y == 1), {}, "threshold"),
    "a threshold in a search": (
        GridSearchCV(FixedThresholdClassifier(LogisticRegression()), {"threshold": [0.5]}).fit(X, Y == 1),
        {}, "threshold",
    ),
    "several labels an image": (KNeighborsClassifier().fit(X, SEVERAL), {}, "several answers"),
    "several labels of one matrix": (
        OneVsRestClassifier(LogisticRegression()).fit(X, SEVERAL), {}, "one label for each image",
    ),
    "one class": (DummyClassifier().fit(X, np.zeros(90, int)), {}, "at least two"),
    "votes alone": (VotingClassifier([("one", LogisticRegression())]).fit(X, Y), {}, "neither predict_proba nor"),
    "scores that it has not": (
        KNeighborsClassifier().fit(X, Y), {"scores": "decision_function"}, "no decision_function",
    ),
    "scores that are none": (KNeighborsClassifier().fit(X, Y), {"scores": "predict"}, "got 'predict'"),
    "a search that kept nothing": (
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, refit=False).fit(X, Y), {}, "refit=True",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("model", "options", "named"), DIFFERENT.values(), ids=DIFFERENT)
def test_threat_44_a_model_that_decides_otherwise_is_refused(model: Any, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.certify(model, IMAGES, [0] * len(IMAGES), MASKS, batch_size=90, **options)


@probable
def test_probabilities_that_are_fitted_apart_are_not_what_a_support_vector_machine_says() -> None:
    model = SVC(probability=True, random_state=0, break_ties=True).fit(X, MANY)
    ours = np.asarray(ADAPTER.classifier(model, batch_size=90).scores(list(IMAGES), SHOWN))
    assert ours.argmax(axis=1).tolist() == model.predict(X).tolist()
    assert (model.predict_proba(X).argmax(axis=1) != model.predict(X)).any()
    with pytest.raises(InvalidInput, match='scores="decision_function"'):
        ADAPTER.classifier(model, batch_size=90, scores="predict_proba").scores(list(IMAGES), SHOWN)


class Abstaining:
    """An estimator that says nothing where it is not sure, as its users know."""

    classes_ = np.array([0, 1])

    def __init__(self, least: float) -> None:
        self.least = least

    def predict_proba(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        bright = rows.mean(axis=1)
        return np.stack([1 - bright, bright], axis=1)

    def predict(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        scores = self.predict_proba(rows)
        return np.where(scores.max(axis=1) >= self.least, scores.argmax(axis=1), -1)


def test_a_label_that_is_none_of_the_classes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="answers class -1 where its largest score is that of class"):
        ADAPTER.classifier(Abstaining(0.99), batch_size=90).scores(list(IMAGES), SHOWN)


def test_where_a_model_says_otherwise_later_there_is_no_label_and_no_certificate() -> None:
    bright, dark, grey = (np.full((4, 4), value) for value in (1.0, 0.0, 0.55))
    with pytest.warns(MaskcoverWarning, match="have no label"):  # of the noise of the reference scores
        result = mc.certify(
            ADAPTER.classifier(Abstaining(0.6), batch_size=4), [bright, dark], [1, 0], MASKS, probes=False
        )
    assert result.undefended.tolist() == [1, 0]
    with pytest.warns(MaskcoverWarning, match="have no label"):
        later = mc.certify(
            ADAPTER.classifier(Abstaining(0.6), batch_size=2), [bright, grey], [1, 1], MASKS, probes=False
        )
    assert later.undefended.tolist() == [1, -1]
    assert later.certified.tolist() == [False, False]


def test_equal_votes_are_no_label_though_the_model_takes_one() -> None:
    """Where its votes are equal, libsvm takes the class of the smaller number, and the scores another one."""
    model = SVC(gamma=20.0).fit(X, MANY)
    others = CHANCE.random((2000, 16))
    scores, own = model.decision_function(others), model.predict(others)
    odd = scores.argmax(axis=1) != own
    assert odd.any()
    classifier = ADAPTER.classifier(model, batch_size=2)
    even = int((~odd).argmax())
    rows = [others[even].reshape(4, 4), others[int(odd.argmax())].reshape(4, 4)]
    classifier.scores([rows[0]] * 2, SHOWN[:2])
    with pytest.warns(MaskcoverWarning, match="break_ties=True"):
        found = np.asarray(classifier.scores(rows, SHOWN[:2]))
    assert found[0].argmax() == own[even]
    assert not found[1].any()
    with pytest.raises(InvalidInput, match="break_ties=True"):
        ADAPTER.classifier(model, batch_size=2).scores(rows[1:] * 2, SHOWN[:2])


AGREEING: dict[str, Any] = {
    "a search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}),
    "votes of probabilities": VotingClassifier([("one", LogisticRegression())], voting="soft"),
    "support vectors": SVC(break_ties=True),
    "neighbours": KNeighborsClassifier(),
    "trees": RandomForestClassifier(5, random_state=0),
}


@pytest.mark.parametrize("model", AGREEING.values(), ids=AGREEING)
def test_what_predicts_by_its_largest_score_is_certified(model: Any) -> None:
    fitted = model.fit(X, Y)
    result = mc.certify(fitted, IMAGES[:4], Y[:4], MASKS, batch_size=4)
    told = result.undefended >= 0
    assert told.any()
    assert result.undefended[told].tolist() == fitted.predict(X[:4])[told].tolist()
    served = mc.defend(fitted, result).decisions(list(IMAGES[:4]))
    assert [answer.label for answer in served] == result.defended.tolist()


NAMES = np.array(["cat", "dog", "owl"])


@pytest.mark.parametrize("names", [NAMES, NAMES.astype(object)], ids=["texts", "objects"])
def test_classes_with_names_are_numbered_in_the_order_of_the_model(names: npt.NDArray[Any]) -> None:
    numbers, named = LogisticRegression().fit(X, Y), LogisticRegression().fit(X, names[Y])
    classifier = ADAPTER.classifier(named, batch_size=4)
    assert classifier.class_names == ("cat", "dog", "owl")
    assert ADAPTER.classifier(numbers).class_names is None
    result = mc.certify(classifier, IMAGES[:4], Y[:4], MASKS)
    assert names[result.undefended].tolist() == named.predict(X[:4]).tolist()
    assert result.verdicts == mc.certify(numbers, IMAGES[:4], Y[:4], MASKS, batch_size=4).verdicts


def test_a_margin_of_one_score_speaks_for_the_second_class_above_zero_only() -> None:
    own = OwnLabels("the model", "")
    scores = np.array([[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [np.nan, 0.0]])
    assert own.agreed(scores, [1, 0, 0, 0]) is scores
    with pytest.raises(InvalidInput, match=r"labels of shape \(4, 2\) for 4 images"):
        own.agreed(scores, np.zeros((4, 2)))
