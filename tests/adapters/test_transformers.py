"""transformers: what image processors declare is what they do; CLIP by prompts; the defended pipeline."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from maskcover_torch import TorchClassifier
from maskcover_transformers import ADAPTER, DefendedPipeline, ZeroShot, preprocessing_of
from PIL import Image

import maskcover as mc
from maskcover import FingerprintMismatch, InvalidInput, UndecidedPrediction
from maskcover.data import Dataset, Preprocessing
from maskcover.regions import Resize
from tests.adapters.test_torch_weights import Leaves

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE = 32
MASKS = mc.cover(mc.squares(size=4), SIDE, grid=(2, 2))
NOISE = np.random.default_rng(0).integers(0, 256, (2, 40, 51, 3), dtype=np.uint8)
PHOTOS = Dataset("noise", ("a", "b"), np.array([1, 2]), lambda number: NOISE[number])
SQUARE = {"height": SIDE, "width": SIDE}
TINY: dict[str, Any] = {
    "image_size": SIDE, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 16, "num_labels": 5,
}  # fmt: skip


def vit() -> tuple[Any, Any]:
    model = transformers.ViTForImageClassification(transformers.ViTConfig(**TINY))
    return model, transformers.ViTImageProcessor(size=SQUARE)


def deit() -> tuple[Any, Any]:
    model = transformers.DeiTForImageClassification(transformers.DeiTConfig(**TINY))
    return model, transformers.DeiTImageProcessor(size={"height": 36, "width": 36}, crop_size=SQUARE)


def beit() -> tuple[Any, Any]:
    model = transformers.BeitForImageClassification(transformers.BeitConfig(**TINY, out_indices=[1]))
    return model, transformers.BeitImageProcessor(size=SQUARE)


def convnext() -> tuple[Any, Any]:
    config = transformers.ConvNextConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], num_labels=5)
    return (
        transformers.ConvNextForImageClassification(config),
        transformers.ConvNextImageProcessor(size={"shortest_edge": SIDE}),
    )


def swin() -> tuple[Any, Any]:
    config = transformers.SwinConfig(
        image_size=SIDE, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4, num_labels=5
    )
    return transformers.SwinForImageClassification(config), transformers.ViTImageProcessor(size=SQUARE)


def resnet() -> tuple[Any, Any]:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=5)
    return (
        transformers.ResNetForImageClassification(config),
        transformers.ConvNextImageProcessor(size={"shortest_edge": SIDE}),
    )


KINDS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "ViT": vit, "DeiT": deit, "BEiT": beit, "ConvNeXt": convnext, "Swin": swin, "ResNet": resnet,
}  # fmt: skip


def made(kind: str) -> tuple[Any, Any]:
    torch.manual_seed(2)
    model, processor = KINDS[kind]()
    return model.eval(), processor


@pytest.mark.parametrize("kind", KINDS)
def test_each_named_model_goes_through_certify_from_a_folder(kind: str, tmp_path: Path) -> None:
    model, processor = made(kind)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    classifier = mc.load_classifier(f"hf:{tmp_path}", batch_size=1)
    assert isinstance(classifier, TorchClassifier)
    assert classifier.preprocessing == preprocessing_of(processor)
    images = PHOTOS.prepared(classifier.preprocessing)
    result = mc.certify(classifier, images, PHOTOS.true_labels, MASKS)
    assert result.numerics == "bitwise"
    with torch.inference_mode():
        bare = [int(model(torch.from_numpy(image)[None]).logits.argmax()) for image in (images[0], images[1])]
    assert result.undefended.tolist() == bare
    assert mc.defend(classifier, result).fingerprint == result.fingerprint
    entries = dict(result.fingerprint.entries)
    assert entries["attention"] == model.config._attn_implementation
    assert "Resize" in entries["preprocessing"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ViTImageProcessor", {}),
        ("DeiTImageProcessor", {}),
        ("BeitImageProcessor", {}),
        ("BeitImageProcessor", {"size": {"height": 256, "width": 256}, "do_center_crop": True}),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 224}}),
        ("ConvNextImageProcessor", {}),
        ("CLIPImageProcessor", {}),
        ("ViTImageProcessor", {"do_normalize": False}),
        ("ViTImageProcessor", {"resample": 0}),
        ("CLIPImageProcessor", {"do_resize": False}),
    ],
)
def test_the_preprocessing_is_what_the_processor_does_by_pillow(name: str, options: dict[str, Any]) -> None:
    ours = preprocessing_of(getattr(transformers, name)(**options))
    theirs = getattr(transformers, f"{name}Pil")(**options)
    for height, width in ((300, 451), (451, 300), (225, 226)):
        picture = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
        expected = theirs(images=Image.fromarray(picture), return_tensors="np")["pixel_values"][0]
        assert np.allclose(ours(picture), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("processor", "named"),
    [
        (lambda: transformers.LevitImageProcessor(), "does something else than it declares"),
        (lambda: transformers.MobileViTImageProcessor(), "does something else than it declares"),
        (lambda: transformers.EfficientNetImageProcessor(), "does something else than it declares"),
        (lambda: transformers.ViTImageProcessor(rescale_factor=1 / 127.5), "not 1/255"),
        (lambda: transformers.ViTImageProcessor(do_rescale=False), "does not scale"),
        (lambda: transformers.ViTImageProcessor(do_pad=True), "pads images"),
        (lambda: "a text", "got str"),
    ],
)
def test_what_cannot_be_done_to_the_bit_is_refused_with_the_remedy(processor: Callable[[], Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        preprocessing_of(processor())


def test_the_preprocessing_may_be_named_instead() -> None:
    model, _ = made("ViT")
    named = Preprocessing((Resize((SIDE, SIDE)),))
    assert ADAPTER.classifier(model, preprocessing=named).preprocessing == named
    assert ADAPTER.classifier(model).preprocessing is None


def test_a_model_of_several_labels_an_image_is_refused() -> None:
    model, _ = made("ViT")
    model.config.problem_type = "multi_label_classification"
    with pytest.raises(InvalidInput, match="several labels"):
        ADAPTER.classifier(model)


def test_a_model_without_the_weights_of_its_head_is_refused(tmp_path: Path) -> None:
    """Transformers would make them up, others at each start."""
    transformers.ViTModel(transformers.ViTConfig(**TINY)).save_pretrained(tmp_path)
    transformers.ViTImageProcessor(size=SQUARE).save_pretrained(tmp_path)
    with pytest.raises(InvalidInput, match=r"no weights for classifier\.bias, classifier\.weight"):
        mc.load_classifier(f"hf:{tmp_path}")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder of a small ViT."""
    model, processor = made("ViT")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    return tmp_path


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def as_bin(folder: Path, content: Any) -> Path:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"garbage"), "SafetensorError"),
        (lambda folder: as_bin(folder, {}).write_bytes(b"x"), "its pickle is broken"),
        (lambda folder: as_bin(folder, {"a": 3}), "no weights for"),
        (lambda folder: (folder / "config.json").write_text("{"), "save_pretrained"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "save_pretrained"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("[1]"), "save_pretrained"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "save_pretrained"),
        (lambda folder: edited(folder / "config.json", image_size=48), "save_pretrained"),
        (lambda folder: edited(folder / "config.json", hidden_size="wide"), "save_pretrained"),
    ],
)
def test_a_folder_whose_files_are_broken_is_refused(saved: Path, spoil: Callable[[Path], Any], named: str) -> None:
    spoil(saved)
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"hf:{saved}")


def test_threat_55_weights_that_are_code_are_refused_and_not_run(saved: Path, tmp_path: Path) -> None:
    as_bin(saved, {"a": Leaves(tmp_path / "trace")})
    with pytest.raises(InvalidInput, match="its pickle is broken, or names code to run"):
        mc.load_classifier(f"hf:{saved}")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"config.json": {"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}},
        {"config.json": {"auto_map": {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Model"}}},
        {
            "preprocessor_config.json": {
                "image_processor_type": "Own", "auto_map": {"AutoImageProcessor": "own.Processor"},
            }
        },
    ],
    ids=["config", "model", "processor"],
)  # fmt: skip
def test_threat_55_code_beside_a_model_is_not_run_and_nobody_is_asked(
    saved: Path, changes: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (saved / "own.py").write_text(f"open({str(saved / 'trace')!r}, 'w').close()\n")
    for file, values in changes.items():
        edited(saved / file, **values)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked at the keyboard"))
    monkeypatch.setattr("signal.alarm", lambda *_: pytest.fail("waits for an answer"))
    with contextlib.suppress(InvalidInput):  # where transformers knows the kind itself, it is loaded as that
        assert mc.load_classifier(f"hf:{saved}").class_names is None  # type: ignore[attr-defined]
    assert not (saved / "trace").exists()


def test_threat_55_attention_from_the_hub_is_not_fetched(saved: Path) -> None:
    edited(saved / "config.json", _attn_implementation="kernels-community/flash-attn2")
    with pytest.raises(InvalidInput, match="names kernels-community/flash-attn2 to compute attention"):
        mc.load_classifier(f"hf:{saved}")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": {"height": 48, "width": 48}}, r"become 48×48 with 3 channels .*ViTForImageClassification"),
        ({"image_mean": [0.5], "image_std": [0.5]}, "declares what cannot be read .*3 elements"),
        ({"size": {"height": 48}}, "size"),
    ],
)
def test_a_processor_that_does_not_fit_is_refused(saved: Path, changes: dict[str, Any], named: str) -> None:
    edited(saved / "preprocessor_config.json", **changes)
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"hf:{saved}")


def test_one_number_may_be_the_mean_of_all_channels(saved: Path) -> None:
    edited(saved / "preprocessor_config.json", image_mean=0.5, image_std=0.25)
    classifier = mc.load_classifier(f"hf:{saved}")
    assert getattr(classifier, "preprocessing") == Preprocessing((Resize((SIDE, SIDE)),), (0.5,), (0.25,))  # noqa: B009


def test_a_model_that_takes_any_size_takes_that_of_its_processor() -> None:
    model, _ = made("ConvNeXt")
    processor = transformers.ConvNextImageProcessor(size={"shortest_edge": 40})
    assert model.config.image_size != 40
    assert ADAPTER.classifier(model, processor=processor).preprocessing == preprocessing_of(processor)
    with pytest.raises(InvalidInput, match="training mode"):
        ADAPTER.classifier(model.train(), processor=processor)


def test_a_processor_without_a_size_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"Siglip2ImageProcessor\w* declares what cannot be read .*'size'"):
        preprocessing_of(transformers.Siglip2ImageProcessor())


def test_the_names_of_the_classes_are_those_that_were_given(saved: Path) -> None:
    def names() -> Any:
        return getattr(mc.load_classifier(f"hf:{saved}"), "class_names")  # noqa: B009

    assert names() is None  # LABEL_0 … are made up by transformers
    given = {"0": "cat", "1": "dog", "2": "cow", "3": "LABEL_3", "4": "hen"}
    edited(saved / "config.json", id2label=given, label2id={name: int(key) for key, name in given.items()})
    assert names() == ("cat", "dog", "cow", "LABEL_3", "hen")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="save_pretrained"):
        mc.load_classifier(f"hf:{tmp_path}")


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP with random weights, and a tokenizer of words of one letter."""
    folder = tmp_path_factory.mktemp("clip")
    names = ["<|startoftext|>", "<|endoftext|>", *(f"{letter}</w>" for letter in "abcdef")]
    vocabulary = {name: number for number, name in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = size | {"vocab_size": 40, "max_position_embeddings": 24, "eos_token_id": 1, "bos_token_id": 0}
    torch.manual_seed(4)
    config = transformers.CLIPConfig(
        text_config=text, vision_config=size | {"image_size": SIDE, "patch_size": 8}, projection_dim=8
    )
    transformers.CLIPModel(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformers.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SQUARE).save_pretrained(folder)
    return folder


def test_clip_classifies_by_prompts(clip_folder: Path, tmp_path: Path) -> None:
    prompts = ["a b c", "a b f", "d"]
    classifier = mc.load_classifier(f"hf:{clip_folder}", prompts=prompts, batch_size=1)
    assert isinstance(classifier, TorchClassifier)
    assert classifier.preprocessing is not None
    assert classifier.class_names == tuple(prompts)
    images = PHOTOS.prepared(classifier.preprocessing)
    result = mc.certify(classifier, images, PHOTOS.true_labels, MASKS)
    clip = transformers.CLIPModel.from_pretrained(clip_folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(clip_folder)(prompts, padding=True, return_tensors="pt")
    pixels = torch.from_numpy(np.stack([images[0], images[1]]))
    with torch.inference_mode():
        theirs = clip(**tokens, pixel_values=pixels).logits_per_image
        ours = classifier.model(pixels)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert result.undefended.tolist() == theirs.argmax(dim=1).tolist()
    (tmp_path / "prompts.txt").write_text("\n".join([*prompts, ""]))
    read = mc.load_classifier(f"hf:{clip_folder}", prompts=str(tmp_path / "prompts.txt"), batch_size=1)
    assert mc.certify(read, images, PHOTOS.true_labels, MASKS).fingerprint == result.fingerprint
    other = mc.load_classifier(f"hf:{clip_folder}", prompts=prompts[::-1], batch_size=1)
    assert mc.certify(other, images, PHOTOS.true_labels, MASKS).fingerprint != result.fingerprint


@pytest.mark.parametrize(
    ("prompts", "named"), [(None, "CLIP needs prompts"), (["a"], "at least two"), ("nowhere.txt", "cannot read")]
)
def test_clip_without_prompts_is_refused(clip_folder: Path, prompts: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"hf:{clip_folder}", prompts=prompts)


def test_prompts_for_a_model_that_takes_none_are_refused(tmp_path: Path, clip_folder: Path) -> None:
    model, processor = made("ViT")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    with pytest.raises(InvalidInput, match="takes no prompts"):
        mc.load_classifier(f"hf:{tmp_path}", prompts=["a", "b"])
    with pytest.raises(InvalidInput, match=r"ZeroShot\.of"):
        ADAPTER.classifier(transformers.CLIPModel.from_pretrained(clip_folder).eval())


def test_zero_shot_keeps_the_mode_of_its_model(clip_folder: Path) -> None:
    clip = transformers.CLIPModel.from_pretrained(clip_folder).train()
    tokenizer = transformers.AutoTokenizer.from_pretrained(clip_folder)
    with pytest.raises(InvalidInput, match="training mode"):
        TorchClassifier(ZeroShot.of(clip, tokenizer, ["a", "b"]))


@pytest.fixture
def pipeline_of() -> Callable[..., Any]:
    model, processor = made("ViT")
    model.config.id2label = {number: f"class {number}" for number in range(5)}

    def pipeline(**options: Any) -> Any:
        return transformers.pipeline(
            "image-classification", model=model, image_processor=processor, pipeline_class=DefendedPipeline,
            device="cpu", **options,
        )  # fmt: skip

    return pipeline


def test_the_pipeline_serves_the_defended_model(pipeline_of: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = pipeline_of(masks=MASKS, defense={"batch_size": 1})
    classifier = TorchClassifier(made("ViT")[0], batch_size=1)
    expected = mc.predict(classifier, PHOTOS.prepared(pipeline.preprocessing), MASKS)
    Image.fromarray(NOISE[1]).save(tmp_path / "b.png")
    answers = pipeline([Image.fromarray(NOISE[0]), str(tmp_path / "b.png")])
    assert [answer[0] for answer in answers] == [{"label": f"class {one.label}", "score": 1.0} for one in expected]
    assert all(len(answer) == 5 for answer in answers)
    assert pipeline(Image.fromarray(NOISE[0]), top_k=1) == answers[0][:1]


def test_the_pipeline_of_a_result_serves_what_was_certified_and_nothing_else(pipeline_of: Callable[..., Any]) -> None:
    model, processor = made("ViT")
    images = PHOTOS.prepared(preprocessing_of(processor))
    result = mc.certify(TorchClassifier(model, batch_size=1), images, PHOTOS.true_labels, MASKS)
    pipeline = pipeline_of(masks=result, defense={"batch_size": 1})
    assert pipeline.defended.fingerprint == result.fingerprint
    of_the_model = mc.certify(model, images, PHOTOS.true_labels, MASKS, batch_size=1)
    assert pipeline_of(masks=of_the_model, defense={"batch_size": 1}).defended.fingerprint == of_the_model.fingerprint
    bare = mc.certify(TorchClassifier(model, batch_size=1), [images[0]], [1], MASKS)
    with pytest.raises(FingerprintMismatch, match="preprocessing"):
        pipeline_of(masks=bare, defense={"batch_size": 1})


def test_the_pipeline_refuses_what_is_no_image_and_gives_no_label_to_nan(pipeline_of: Callable[..., Any]) -> None:
    pipeline = pipeline_of(masks=MASKS)
    with pytest.raises(InvalidInput, match="got ndarray"):
        pipeline.preprocess(NOISE[0])
    with pytest.raises(InvalidInput, match="transparency"):
        pipeline(Image.new("RGBA", (40, 40)))
    torch.nn.init.constant_(pipeline.defended.model.classifier.bias, float("nan"))
    with pytest.raises(UndecidedPrediction):
        pipeline(Image.fromarray(NOISE[0]))
