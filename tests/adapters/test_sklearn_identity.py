"""Estimators are what they hold: the same after saving and loading and in other processes, another once refitted."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from maskcover_sklearn import ADAPTER
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

import maskcover as mc
from maskcover import FingerprintMismatch

CHANCE = np.random.default_rng(8)
X, Y = CHANCE.random((60, 16)), np.arange(60) % 3
IMAGES = X[:3].reshape(3, 4, 4)
MASKS = mc.cover(mc.squares(size=1), 4, grid=(2, 2))
FEW = [("lines", LogisticRegression()), ("trees", RandomForestClassifier(3, random_state=0))]
MODELS: dict[str, Any] = {
    "lines": LogisticRegression(),
    "a forest": RandomForestClassifier(5, random_state=0),
    "a forest with a state of its own": RandomForestClassifier(3, random_state=np.random.RandomState(3)),
    "extra trees": ExtraTreesClassifier(3, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=3, random_state=0),
    "boosting of histograms": HistGradientBoostingClassifier(max_iter=3, random_state=0),
    "boosting of any": AdaBoostClassifier(n_estimators=3, random_state=0),
    "support vectors": SVC(break_ties=True),
    "voting": VotingClassifier(FEW, voting="soft"),
    "stacking": StackingClassifier(FEW),
    "neighbours in a tree": KNeighborsClassifier(algorithm="kd_tree"),
    "neighbours in balls": KNeighborsClassifier(algorithm="ball_tree"),
    "a Gaussian process": GaussianProcessClassifier(),
    "a network": MLPClassifier((4,), max_iter=300, tol=1.0, random_state=0),
    "descent": SGDClassifier(random_state=0),
    "a pipeline": make_pipeline(StandardScaler(), FunctionTransformer(np.tanh), SVC(break_ties=True)),
    "sparse features": make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()),
    "a search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    "a search at random": RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=1, cv=2, random_state=0),
}


@pytest.fixture(params=MODELS.values(), ids=list(MODELS), scope="module")
def fitted(request: pytest.FixtureRequest) -> Any:
    return clone(request.param).fit(X, Y)


def weights(model: Any) -> str:
    return str(ADAPTER.classifier(model).identity["weights"])


def test_saving_and_loading_and_predicting_change_nothing(fitted: Any, tmp_path: Path) -> None:
    before = weights(fitted)
    assert before.startswith("sha256:")
    fitted.predict(X)
    assert weights(fitted) == before
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert weights(loaded) == weights(pickle.loads(pickle.dumps(fitted))) == before  # noqa: S301  # our own
    loaded.predict(X)
    assert weights(loaded) == before


def test_what_was_saved_is_served(fitted: Any) -> None:
    result = mc.certify(fitted, IMAGES, Y[:3], MASKS, batch_size=1)  # rows of larger batches may be rounded apart
    loaded = pickle.loads(pickle.dumps(fitted))  # noqa: S301  # our own
    served = mc.defend(loaded, result).decisions(list(IMAGES))
    assert [answer.label for answer in served] == result.defended.tolist()


def test_a_model_fitted_to_other_data_is_another_one(fitted: Any) -> None:
    other = clone(fitted).fit(np.concatenate([X, X[:30] + 0.01]), np.concatenate([Y, Y[:30]]))
    assert weights(other) != weights(fitted)


def test_other_processes_say_the_same(tmp_path: Path) -> None:
    """The models are saved here and looked at there, where texts have other hashes and objects other places."""
    models = {name: clone(model).fit(X, Y) for name, model in MODELS.items()}
    joblib.dump(models, tmp_path / "models.joblib")
    code = (
        "import joblib; from maskcover_sklearn import ADAPTER\n"
        f"for name, model in joblib.load({str(tmp_path / 'models.joblib')!r}).items():\n"
        "    print(name, ADAPTER.classifier(model).identity['weights'], sep=': ')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [f"{name}: {weights(model)}" for name, model in models.items()]


def test_a_change_of_one_number_anywhere_is_seen() -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(X, Y)
    before = weights(forest)
    forest.estimators_[1].tree_.value[0, 0, 0] += 0.25
    assert weights(forest) != before
    tree = KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)
    before = weights(tree)
    tree._y[5] = (tree._y[5] + 1) % 3
    assert weights(tree) != before


def test_how_an_estimator_is_asked_is_part_of_it() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    result = mc.certify(model, IMAGES, Y[:3], MASKS, batch_size=3)
    assert dict(result.fingerprint.entries)["scores"] == "predict_proba"
    with pytest.raises(FingerprintMismatch, match="scores: decision_function, not predict_proba"):
        mc.defend(model, result, scores="decision_function")


def test_a_function_inside_a_pipeline_counts_by_its_code() -> None:
    one, other = (
        make_pipeline(FunctionTransformer(function), LogisticRegression()).fit(X, Y)
        for function in (lambda rows: rows * 1.0, lambda rows: rows / 1.0)
    )
    assert weights(one) != weights(other)
