"""A network of several files: what is hashed is what runs, whatever lies in the current folder (threats.md, 38)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from maskcover_onnx import files

import maskcover as mc
from maskcover import FingerprintMismatch, InvalidInput
from tests.adapters.test_contract import FLOATS, SIDE, Net, exported

MASKS = mc.cover(mc.squares(size=2), SIDE, grid=(2, 2))
IMAGES = list(FLOATS)
DATA = "v.data"


def saved(folder: Path, model: onnx.ModelProto | None = None) -> Path:
    """The network with its weights in a file of their own, as exporters write it."""
    folder.mkdir(exist_ok=True)
    file = folder / "v.onnx"
    onnx.save_model(
        exported(Net()) if model is None else model, file, save_as_external_data=True, location=DATA, size_threshold=0
    )
    return file


def negate(data: Path) -> None:
    """The other sign for each float of a file of weights."""
    data.write_bytes((-np.frombuffer(data.read_bytes(), np.float32)).tobytes())


def scores(model: Any) -> Any:
    classifier = mc.load_classifier(f"onnx:{model}", batch_size=3)
    return np.asarray(classifier.scores(IMAGES, np.zeros((3, SIDE, SIDE), np.bool_)))


def test_weights_beside_the_file_are_found_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(exported(Net()), tmp_path / "one.onnx")
    file = saved(tmp_path / "sub")
    expected = scores(tmp_path / "one.onnx")
    assert np.array_equal(scores(file), expected)
    saved(tmp_path / "other")
    negate(tmp_path / "other" / DATA)
    monkeypatch.chdir(tmp_path / "other")  # where other weights of the same name lie
    assert np.array_equal(scores("../sub/v.onnx"), expected)


def test_threat_38_other_weights_beside_the_same_file_are_not_served(tmp_path: Path) -> None:
    file = saved(tmp_path)
    result = mc.certify(mc.load_classifier(f"onnx:{file}", batch_size=2), IMAGES, [0, 1, 2], MASKS)
    assert mc.defend(mc.load_classifier(f"onnx:{file}", batch_size=2), result)(IMAGES) == result.defended.tolist()
    negate(tmp_path / DATA)
    with pytest.raises(FingerprintMismatch, match=r"external data: v\.data sha256:"):
        mc.defend(mc.load_classifier(f"onnx:{file}", batch_size=2), result)


def test_what_was_loaded_goes_on_whatever_becomes_of_the_files(tmp_path: Path) -> None:
    file = saved(tmp_path)
    classifier = mc.load_classifier(f"onnx:{file}", batch_size=3)
    before = np.asarray(classifier.scores(IMAGES, np.zeros((3, SIDE, SIDE), np.bool_)))
    negate(tmp_path / DATA)
    assert np.array_equal(classifier.scores(IMAGES, np.zeros((3, SIDE, SIDE), np.bool_)), before)
    assert not np.array_equal(scores(file), before)


def test_a_network_in_one_file_has_no_word_about_other_files(tmp_path: Path) -> None:
    onnx.save(exported(Net()), tmp_path / "one.onnx")
    classifier: Any = mc.load_classifier(f"onnx:{tmp_path / 'one.onnx'}")
    assert "external data" not in classifier.identity


@pytest.mark.parametrize("limit", [0, 1 << 62], ids=["handed over", "put inside"])
def test_weights_too_large_for_one_message_are_handed_over_apart(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scores(saved(tmp_path))
    monkeypatch.setattr(files, "LARGEST", limit)
    assert np.array_equal(scores(tmp_path / "v.onnx"), expected)


def test_weights_anywhere_in_the_graph_are_found(tmp_path: Path) -> None:
    model = exported(Net())
    (factor,) = (one for one in model.graph.initializer if one.name == "factor")
    model.graph.initializer.remove(factor)
    factor.raw_data = np.float32(2).tobytes()
    constant = onnx.helper.make_node("Constant", [], ["factor"], value=factor)
    model.graph.node.insert(0, constant)
    onnx.save(model, tmp_path / "one.onnx")
    tensor = model.graph.node[0].attribute[0].t
    (tmp_path / DATA).write_bytes(b"....\0\0\0\x40")
    onnx.external_data_helper.set_external_data(tensor, DATA, offset=4, length=4)
    tensor.ClearField("raw_data")
    (tmp_path / "v.onnx").write_bytes(model.SerializeToString())
    assert np.array_equal(scores(tmp_path / "v.onnx"), scores(tmp_path / "one.onnx"))


def session(file: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def test_a_session_is_what_its_files_say_or_refused(tmp_path: Path) -> None:
    file = saved(tmp_path)
    given = session(file)
    named = mc.certify(mc.load_classifier(f"onnx:{file}", batch_size=2), IMAGES, [0, 1, 2], MASKS)
    assert mc.certify(given, IMAGES, [0, 1, 2], MASKS, batch_size=2) == named
    other = exported(Net())
    other.graph.initializer[0].raw_data = (-np.frombuffer(other.graph.initializer[0].raw_data, np.float32)).tobytes()
    saved(tmp_path, other)
    fresh = mc.load_classifier(f"onnx:{file}", batch_size=2)
    assert mc.certify(fresh, IMAGES, [0, 1, 2], MASKS).fingerprint != named.fingerprint
    with pytest.raises(InvalidInput, match=r"the session gives other scores than its file .*onnx:FILE"):
        mc.certify(session_of_before(tmp_path, given), IMAGES, [0, 1, 2], MASKS, batch_size=2)


def session_of_before(folder: Path, given: onnxruntime.InferenceSession) -> onnxruntime.InferenceSession:
    """A session whose file was written anew since it was opened."""
    kept = session(saved(folder / "kept"))
    kept._model_path = given._model_path
    return kept


def test_a_model_without_its_weights_is_refused_with_the_fix(tmp_path: Path) -> None:
    file = saved(tmp_path)
    with pytest.raises(InvalidInput, match=r"weights of the ModelProto are in v\.data.*onnx:FILE"):
        mc.certify(onnx.load(file, load_external_data=False), IMAGES, [0, 1, 2], MASKS)
    whole = mc.certify(onnx.load(file), IMAGES, [0, 1, 2], MASKS, batch_size=2)
    assert len(whole) == 3


def entries(**values: str) -> Callable[[onnx.ModelProto], None]:
    """The place of the first weights, with other entries."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        kept = {one.key: one.value for one in tensor.external_data} | values
        del tensor.external_data[:]
        for key, value in kept.items():
            tensor.external_data.add(key=key, value=value)

    return change


ODD: dict[str, tuple[Callable[[onnx.ModelProto], None], str]] = {
    "another folder": (entries(location="../v.data"), r"\.\./v\.data.* stay beside the network"),
    "an absolute path": (entries(location="/v.data"), "stay beside the network"),
    "no file": (entries(location="gone.data"), r"gone\.data.*lies beside"),
    "a folder": (entries(location="."), "cannot read"),
    "no name": (entries(location=""), "does not say in which file"),
    "beyond the end": (entries(offset="1000000"), r"bytes 1000000 .* of \d+"),
    "too long": (entries(length="99999999999"), r"bytes 0 to 99999999999 .* of \d+"),
    "before the beginning": (entries(offset="-8"), "whole number"),
    "no number": (entries(offset="eight"), "whole number"),
    "a number of 5000 digits": (entries(offset="9" * 5000), "whole number"),
}


@pytest.mark.parametrize(("change", "named"), ODD.values(), ids=ODD)
def test_weights_that_are_not_there_are_refused_by_name(
    change: Callable[[onnx.ModelProto], None], named: str, tmp_path: Path
) -> None:
    file = saved(tmp_path)
    model = onnx.load(file, load_external_data=False)
    change(model)
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"onnx:{file}")


def test_networks_that_name_files_of_a_compiler_are_refused(tmp_path: Path) -> None:
    model = exported(Net())
    model.opset_import.add(domain="com.microsoft", version=1)
    model.graph.node.add(op_type="EPContext", domain="com.microsoft", input=["images"], output=["more"])
    onnx.save(model, tmp_path / "v.onnx")
    with pytest.raises(InvalidInput, match="EPContext"):
        mc.load_classifier(f"onnx:{tmp_path / 'v.onnx'}")
