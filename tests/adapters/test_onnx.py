"""ONNX files: pinned settings, the batch of the export, and clear words for what is not a classifier of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from maskcover_onnx import ADAPTER

import maskcover as mc
from maskcover import FingerprintMismatch, InvalidInput
from tests.adapters.test_contract import FLOATS, SIDE, Net, exported

MASKS = mc.cover(mc.squares(size=2), SIDE, grid=(2, 2))
IMAGES = list(FLOATS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(tmp_path, exported(Net()))


def saved(folder: Path, model: onnx.ModelProto) -> Path:
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.usefixtures("one_thread")
def test_a_file_classifies_as_the_module_it_was_made_of(file: Path) -> None:
    classifier = mc.load_classifier(f"onnx:{file}", batch_size=3)
    hidden = np.zeros((3, SIDE, SIDE), dtype=np.bool_)
    with torch.inference_mode():
        theirs = Net().eval()(torch.from_numpy(FLOATS)).numpy()
    assert np.allclose(np.asarray(classifier.scores(IMAGES, hidden)), theirs, atol=1e-5)
    twin = mc.certify(Net().eval(), IMAGES, [0, 1, 2], MASKS, batch_size=3)
    result = mc.certify(classifier, IMAGES, [0, 1, 2], MASKS)
    assert result.undefended.tolist() == twin.undefended.tolist()
    assert result.certified.tolist() == twin.certified.tolist()
    assert dict(result.fingerprint.entries)["providers"] == "CPUExecutionProvider"


def test_a_session_and_a_model_of_the_package_onnx_are_known_by_their_classes(file: Path) -> None:
    named = mc.certify(mc.load_classifier(f"onnxruntime:{file}", batch_size=2), IMAGES, [0, 1, 2], MASKS)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for model in (session, onnx.load(file)):
        found = mc.certify(model, IMAGES, [0, 1, 2], MASKS, batch_size=2)
        assert found.fingerprint == named.fingerprint
        assert found == named


def test_the_size_of_the_images_is_that_of_the_file(tmp_path: Path) -> None:
    first, last = (
        onnx.parser.parse_graph(
            f"network (float[n, {sides}] images) => (float[n, m] scores) {{ scores = Flatten <axis=1> (images) }}"
        )
        for sides in ("3, 20, 24", "20, 24, 3")
    )
    free = onnx.parser.parse_graph(
        "network (float[n, 3, h, w] images) => (float[n, m] scores) { scores = Flatten <axis=1> (images) }"
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    models = [onnx.helper.make_model(graph, opset_imports=opset, ir_version=8) for graph in (first, last, free)]
    assert [ADAPTER.classifier(model).input_size for model in models] == [(20, 24), (20, 24), None]
    assert ADAPTER.load(str(saved(tmp_path, models[0]))).input_size == (20, 24)


def test_a_session_made_from_bytes_is_refused(file: Path) -> None:
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    with pytest.raises(InvalidInput, match="onnx:FILE"):
        mc.certify(session, IMAGES, [0, 1, 2], MASKS)


def test_the_batch_of_the_export_is_the_batch(tmp_path: Path) -> None:
    file = saved(tmp_path, exported(Net(), batch="2"))
    assert mc.load_classifier(f"onnx:{file}").batch_size == 2
    assert mc.load_classifier(f"onnx:{file}", batch_size=2).batch_size == 2
    assert len(mc.certify(mc.load_classifier(f"onnx:{file}"), IMAGES, [0, 1, 2], MASKS)) == 3
    with pytest.raises(InvalidInput, match="exported for batches of 2, not 4"):
        mc.load_classifier(f"onnx:{file}", batch_size=4)


def test_another_file_is_not_served_under_the_certificates_of_the_first(file: Path, tmp_path: Path) -> None:
    result = mc.certify(mc.load_classifier(f"onnx:{file}", batch_size=2), IMAGES, [0, 1, 2], MASKS)
    assert mc.defend(mc.load_classifier(f"onnx:{file}", batch_size=2), result)(IMAGES) == result.defended.tolist()
    (tmp_path / "other").mkdir()
    other = saved(tmp_path / "other", exported(Net(broken=True)))
    with pytest.raises(FingerprintMismatch, match="weights"):
        mc.defend(mc.load_classifier(f"onnx:{other}", batch_size=2), result)


def network(inputs: str, outputs: str, body: str) -> onnx.ModelProto:
    graph = onnx.parser.parse_graph(f"network ({inputs}) => ({outputs}) {{ {body} }}")
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


TWO = ("float[N, 3, 4, 4] images", "float[N, 48] scores, float[N, 48] other",
       "scores = Flatten <axis=1> (images) other = Neg (scores)")  # fmt: skip


@pytest.mark.parametrize(
    ("model", "options", "named"),
    [
        (network("int64[N, 3, 4, 4] images", "int64[N, 48] scores", "scores = Flatten (images)"), {}, "int64"),
        (network("float[N, 48] images", "float[N, 48] scores", "scores = Neg (images)"), {}, r"\['N', 48\]"),
        (
            network("float[N, 3, 4, 4] a, float[N, 3, 4, 4] b", "float[N, 3, 4, 4] c", "c = Add (a, b)"),
            {},
            "expected one input",
        ),
        (network(*TWO), {}, "outputs scores, other"),
        (network(*TWO), {"output": "third"}, "outputs scores, other"),
    ],
)
def test_what_is_no_classifier_of_images_is_refused(
    model: onnx.ModelProto, options: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"onnx:{saved(tmp_path, model)}", **options)


def test_one_of_several_outputs_is_named(tmp_path: Path) -> None:
    file = saved(tmp_path, network(*TWO))
    image, shown = np.arange(48, dtype=np.float32).reshape(3, 4, 4), np.zeros((1, 4, 4), dtype=np.bool_)
    for name, sign in (("scores", 1), ("other", -1)):
        scores = mc.load_classifier(f"onnx:{file}", output=name, batch_size=1).scores([image], shown)
        assert np.array_equal(np.asarray(scores), sign * image.reshape(1, 48))


def test_what_is_not_there_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(InvalidInput, match="cannot open the network"):
        mc.load_classifier(f"onnx:{tmp_path / 'text.onnx'}")
    with pytest.raises(InvalidInput, match="No such file"):
        mc.load_classifier("onnx:nowhere.onnx")
    with pytest.raises(InvalidInput, match=r"has no NoSuchProvider here; it has .*CPUExecutionProvider"):
        mc.load_classifier(f"onnx:{file}", providers="NoSuchProvider,CPUExecutionProvider")
    assert isinstance(ADAPTER.load(str(file), providers=["CPUExecutionProvider"]), mc.MaskedClassifier)


def test_images_of_whole_numbers_are_refused(file: Path) -> None:
    with pytest.raises(InvalidInput, match="images of floats"):
        mc.certify(
            mc.load_classifier(f"onnx:{file}"), [(image * 255).astype(np.uint8) for image in IMAGES], [0] * 3, MASKS
        )


def labelled(node: str) -> onnx.ModelProto:
    """A network that gives labels beside its scores."""
    return network(
        "float[N, 3, 4, 4] images",
        "int64[N] label, float[N, 48] scores",
        f"scores = Flatten <axis=1> (images) label = {node} <axis=1, keepdims=0> (scores)",
    )


def test_threat_44_the_labels_that_a_network_gives_are_held_against_its_scores(tmp_path: Path) -> None:
    image, shown = np.arange(48, dtype=np.float32).reshape(3, 4, 4), np.zeros((1, 4, 4), dtype=np.bool_)
    file = saved(tmp_path, labelled("ArgMax"))
    scores = np.asarray(mc.load_classifier(f"onnx:{file}", batch_size=1).scores([image], shown))
    assert np.array_equal(scores, image.reshape(1, 48))
    file = saved(tmp_path, labelled("ArgMin"))
    with pytest.raises(InvalidInput, match=r"label of the network answers class 0 .* that of class 47"):
        mc.load_classifier(f"onnx:{file}", batch_size=1).scores([image], shown)
    told: Any = mc.load_classifier(f"onnx:{file}", batch_size=1, decision="")
    assert np.array_equal(told.scores([image], shown), image.reshape(1, 48))
    assert "decision" not in told.identity
    for odd in ("scores", "gone"):
        with pytest.raises(InvalidInput, match=f"no output {odd} of labels.* it has label"):
            mc.load_classifier(f"onnx:{file}", decision=odd)


LAST = np.ascontiguousarray(FLOATS.transpose(0, 2, 3, 1))


def channels_last(axes: str = f"N, {SIDE}, {SIDE}, 3") -> onnx.ModelProto:
    """The network of the other tests, with images (n, height, width, channels)."""
    model = exported(Net())
    del model.graph.input[:]
    shape: list[Any] = [int(axis) if axis.isdigit() else axis for axis in axes.split(", ")]
    model.graph.input.append(onnx.helper.make_tensor_value_info("last", onnx.TensorProto.FLOAT, shape))
    model.graph.node.insert(0, onnx.helper.make_node("Transpose", ["last"], ["images"], perm=[0, 3, 1, 2]))
    return model


@pytest.mark.parametrize(
    ("axes", "options"),
    [(f"N, {SIDE}, {SIDE}, 3", {}), ("N, H, W, 3", {}), ("N, H, W, C", {"layout": "hwc"})],
    ids=["by its sizes", "by its channels", "as it is told"],
)
def test_networks_of_images_with_channels_last(axes: str, options: dict[str, Any], tmp_path: Path) -> None:
    classifier: Any = mc.load_classifier(f"onnx:{saved(tmp_path, channels_last(axes))}", batch_size=3, **options)
    assert classifier.layout == "hwc"
    twin = mc.certify(exported(Net()), IMAGES, [0, 1, 2], MASKS, batch_size=3)
    found = mc.certify(classifier, list(LAST), [0, 1, 2], MASKS)
    assert found.certified.tolist() == twin.certified.tolist()
    assert found.undefended.tolist() == twin.undefended.tolist()


def test_images_of_the_other_layout_or_size_are_refused_with_both_shapes(tmp_path: Path) -> None:
    file = saved(tmp_path, channels_last())
    with pytest.raises(InvalidInput, match=r"channels last; got an image of \(3, 16, 16\)"):
        mc.certify(mc.load_classifier(f"onnx:{file}"), IMAGES, [0, 1, 2], MASKS)
    with pytest.raises(InvalidInput, match=r"the network takes images of 16, 16, 3; got .*\(3, 16, 16\)"):
        mc.certify(mc.load_classifier(f"onnx:{file}", layout="chw"), IMAGES, [0, 1, 2], MASKS)
    masks = mc.cover(mc.squares(size=2), 8, grid=(2, 2))
    with pytest.raises(InvalidInput, match=r"the network takes images of 16, 16, 3; got .*\(8, 8, 3\)"):
        mc.certify(mc.load_classifier(f"onnx:{file}"), [image[:8, :8] for image in LAST], [0, 1, 2], masks)
    with pytest.raises(InvalidInput, match="layout"):
        mc.load_classifier(f"onnx:{file}", layout="nhwc")


@pytest.mark.parametrize(
    ("axes", "layout"),
    [
        ("3, 4, 4", "chw"),
        ("4, 4, 3", "hwc"),
        ("3, 4, 3", "chw"),
        ("4, 4, 13", "hwc"),
        ("13, 4, 4", "chw"),
        ("1, H, W", "chw"),
        ("H, W, 1", "hwc"),
        ("C, H, W", "chw"),
        ("4, 4, 4", "chw"),
    ],
)
def test_channels_are_where_the_sizes_of_the_input_say(axes: str, layout: str, tmp_path: Path) -> None:
    model = network(f"float[N, {axes}] images", "float[N, K] scores", "scores = Flatten <axis=1> (images)")
    found: Any = mc.load_classifier(f"onnx:{saved(tmp_path, model)}")
    assert found.layout == layout


def test_threat_44_labels_in_a_column_are_held_against_the_scores_and_several_are_refused(tmp_path: Path) -> None:
    image, shown = np.arange(48, dtype=np.float32).reshape(3, 4, 4), np.zeros((1, 4, 4), dtype=np.bool_)
    flat = "scores = Flatten <axis=1> (images)"
    column = network(
        "float[N, 3, 4, 4] images", "int64[N, 1] label, float[N, 48] scores",
        f"{flat} label = ArgMin <axis=1, keepdims=1> (scores)",
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=r"label of the network answers class 0 .* that of class 47"):
        mc.load_classifier(f"onnx:{saved(tmp_path, column)}", batch_size=1).scores([image], shown)
    two = network(
        "float[N, 3, 4, 4] images", "int64[N] low, int64[N] high, float[N, 48] scores",
        f"{flat} low = ArgMin <axis=1, keepdims=0> (scores) high = ArgMax <axis=1, keepdims=0> (scores)",
    )  # fmt: skip
    file = saved(tmp_path, two)
    with pytest.raises(InvalidInput, match=r"low, high.*decision="):
        mc.load_classifier(f"onnx:{file}")
    classifier = mc.load_classifier(f"onnx:{file}", batch_size=1, decision="high")
    assert np.array_equal(np.asarray(classifier.scores([image], shown)), image.reshape(1, 48))
