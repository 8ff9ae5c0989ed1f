"""Dropped tokens: what a vision transformer sees, what is refused, what a fingerprint says, and attacks on it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import timm
import torch
import transformers
from maskcover_torch import DefendedModule, TorchClassifier
from maskcover_torch.attacks import AttackReport, attack
from maskcover_torch.attacks.masked import MaskedScores
from maskcover_torch.token_evaluator import TokenEvaluator
from maskcover_torch.tokens import TokenNetwork
from maskcover_transformers import ZeroShot
from torch import nn

from maskcover import (
    Box,
    DoubleMasking,
    DropTokens,
    FingerprintMismatch,
    InvalidInput,
    Mask,
    MaskSet,
    NumericContract,
    Voting,
    bands,
    certify,
    choose,
    cover,
    defend,
    predict,
    squares,
    within,
)
from maskcover.cells import IntArray
from maskcover.certification import predict_with
from maskcover.engine import probe, probes
from tests.networks import exact_transformer

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE, PATCH = 32, 8
MASKS = cover(squares(size=4), SIDE, grid=(3, 3), align=PATCH)
IMAGES = (torch.randint(0, 9, (3, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)) / 8).float()
_SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": SIDE,
    "patch_size": PATCH,
}  # fmt: skip


def _clip() -> Any:
    words = {name: value for name, value in _SMALL.items() if name not in ("image_size", "patch_size")}
    return transformers.CLIPConfig(vision_config=dict(_SMALL), text_config=words, num_labels=5)


def _timm(name: str = "vit_tiny_patch16_224", **options: Any) -> nn.Module:
    model: nn.Module = timm.create_model(
        name, img_size=SIDE, patch_size=PATCH, depth=2, embed_dim=16, num_heads=2, num_classes=5, **options
    )
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "ViT of timm": _timm,
    "mean of the tokens": lambda: _timm(global_pool="avg", class_token=False),
    "DeiT of timm": lambda: _timm("deit_tiny_distilled_patch16_224"),
    "DINOv2 of timm": lambda: _timm("vit_small_patch14_dinov2"),
    "registers of timm": lambda: _timm("vit_small_patch14_reg4_dinov2"),
    "CLIP of timm": lambda: _timm("vit_base_patch16_clip_224"),
    "ViT": lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**_SMALL, num_labels=5)),
    "DeiT": lambda: transformers.DeiTForImageClassification(transformers.DeiTConfig(**_SMALL, num_labels=5)),
    "DINOv2": lambda: transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**_SMALL, num_labels=5)),
    "registers": lambda: transformers.Dinov2WithRegistersForImageClassification(
        transformers.Dinov2WithRegistersConfig(**_SMALL, num_labels=5)
    ),
    "CLIP": lambda: transformers.CLIPForImageClassification(_clip()),
    "CLIP with prompts": lambda: ZeroShot(transformers.CLIPModel(_clip()), torch.randn(5, 512)),
}


def made(name: str) -> nn.Module:
    torch.manual_seed(1)
    return MODELS[name]().eval()


def evaluator(model: nn.Module, masks: MaskSet = MASKS, batch_size: int = 4) -> TokenEvaluator:
    made_evaluator = TorchClassifier(model, fill=DropTokens(PATCH), batch_size=batch_size).evaluator(masks)
    assert isinstance(made_evaluator, TokenEvaluator)
    return made_evaluator


def floats(scores: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    return scores.astype(np.float64)


def pairs(*rows: tuple[int, int]) -> IntArray:
    return np.array(rows, dtype=np.int64)


@pytest.mark.parametrize("name", MODELS)
def test_with_nothing_hidden_it_is_the_model(name: str) -> None:
    model = made(name)
    made_evaluator = evaluator(model)
    scores = made_evaluator.scores([made_evaluator.load(IMAGES[0])] * 4, pairs(*[(-1, -1)] * 4))
    with torch.inference_mode():
        output = model(IMAGES[:1])
    expected = getattr(output, "logits", output)
    assert scores.shape == (4, 5)
    np.testing.assert_allclose(floats(scores[0]), expected[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_hidden_pixels_have_no_influence_and_visible_ones_have_some(name: str) -> None:
    made_evaluator = evaluator(made(name), batch_size=1)
    image = made_evaluator.load(IMAGES[0])
    for pair in ((0, 0), (0, 8), (3, 5)):
        hidden = MASKS[pair[0]].to_array(MASKS.grid) | MASKS[pair[1]].to_array(MASKS.grid)
        before = made_evaluator.scores([image], pairs(pair)).copy()
        for value in (float("nan"), 1e30, None):
            other = made_evaluator.overwritten(image, hidden, value)
            assert made_evaluator.scores([other], pairs(pair)).tobytes() == before.tobytes(), (pair, value)
        seen = made_evaluator.overwritten(image, ~hidden, None)
        assert not np.array_equal(made_evaluator.scores([seen], pairs(pair)), before)
        assert not np.array_equal(made_evaluator.scores([image], pairs((-1, -1))), before)


class Attention(nn.Module):
    """Attention with one head, one block, written out: an oracle for what leaving tokens out means."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor, kept: list[int]) -> torch.Tensor:
        model: Any = self.model
        patches = image.unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH).permute(1, 2, 0, 3, 4).flatten(0, 1).flatten(1)
        weight = model.patch_embed.proj.weight.flatten(1)
        tokens = patches @ weight.T + model.patch_embed.proj.bias + model.pos_embed[0, 1:]
        rows = torch.cat([model.cls_token[0] + model.pos_embed[0, :1], tokens[kept]])[None]
        for block in model.blocks:
            rows = block(rows)
        scores: torch.Tensor = model.head(model.norm(rows)[:, 0])
        return scores


def test_tokens_that_stay_keep_their_positions() -> None:
    model = made("ViT of timm")
    made_evaluator = evaluator(model, batch_size=1)
    scores = made_evaluator.scores([made_evaluator.load(IMAGES[1])], pairs((0, 5)))
    hidden = DropTokens(PATCH).hidden_tokens(MASKS)
    kept = np.flatnonzero(~(hidden[0] | hidden[5])).tolist()
    with torch.inference_mode():
        np.testing.assert_allclose(floats(scores), Attention(model)(IMAGES[1], kept), rtol=1e-3, atol=1e-5)


def test_a_mean_is_over_the_tokens_that_stay() -> None:
    model: Any = exact_transformer(SIDE, PATCH, classes=3, pool="avg")
    model.blocks = nn.Sequential().eval()
    made_evaluator = evaluator(model, batch_size=1)
    scores = made_evaluator.scores([made_evaluator.load(IMAGES[0])], pairs((4, 4)))
    kept = np.flatnonzero(~DropTokens(PATCH).hidden_tokens(MASKS)[4])
    with torch.inference_mode():
        tokens = (model.patch_embed(IMAGES[:1]) + model.pos_embed)[:, kept]
        np.testing.assert_allclose(floats(scores), model.head(tokens.mean(dim=1)), rtol=1e-5)


def test_batches_of_several_lengths_are_those_of_one_length() -> None:
    made_evaluator = evaluator(exact_transformer(SIDE, PATCH, classes=5, pool="avg"))
    first, second = map(made_evaluator.load, IMAGES[:2])
    mixed = pairs((-1, -1), (0, 8), (2, 2), (0, 1))
    assert len(set(made_evaluator.shapes(mixed).tolist())) == 4
    computed = list[tuple[int, ...]]()
    rest: Any = made_evaluator._network.rest
    hook = rest.blocks.register_forward_pre_hook(lambda _, inputs: computed.append(tuple(inputs[0].shape)))
    together = made_evaluator.scores([first, second, first, second], mixed).copy()
    hook.remove()
    assert sorted(rows for rows, *_ in computed) == [4] * 4
    for row, image in enumerate([first, second, first, second]):
        alone = made_evaluator.scores([image] * 4, np.repeat(mixed[row : row + 1], 4, axis=0))
        assert alone[row].tobytes() == together[row].tobytes()


def test_every_batch_that_the_model_computes_has_one_shape_for_each_length() -> None:
    model = exact_transformer(SIDE, PATCH, classes=5)
    shapes = list[tuple[int, ...]]()
    model.blocks.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape)))
    made_evaluator = evaluator(model)
    shapes.clear()
    predict_with(made_evaluator, IMAGES)
    assert len(shapes) > 3
    assert {rows for rows, *_ in shapes} == {4}


def test_scores_under_masks_of_several_lengths_are_those_of_each_row() -> None:
    """As attacks compute them: in the order of the rows, and without a number where every token is hidden."""
    network = TokenNetwork.of(exact_transformer(SIDE, PATCH, classes=5, pool="avg"), DropTokens(PATCH))
    hidden = torch.zeros(5, 1, SIDE, SIDE, dtype=torch.bool)
    for row, height in enumerate((16, 0, 32, 8, 16)):
        hidden[row, :, :height] = True
    images = IMAGES[[0, 1, 2, 0, 1]]
    together = network.scores_under(images, hidden).detach()
    for row in range(5):
        alone = network.scores_under(images[row : row + 1], hidden[row : row + 1]).detach()
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-4, atol=1e-5)
    assert together.isnan().all(dim=1).tolist() == [False, False, True, False, False]
    assert len({tuple(scores) for scores in together[[0, 1, 3, 4]].tolist()}) == 4


def test_where_every_token_is_hidden_there_is_no_label() -> None:
    halves = MaskSet.from_boxes([(0, 0, SIDE, SIDE // 2), (0, SIDE // 2, SIDE, SIDE // 2)], SIDE)
    made_evaluator = evaluator(exact_transformer(SIDE, PATCH, classes=5), halves)
    answers = made_evaluator.submit([made_evaluator.load(IMAGES[0])] * 4, pairs((0, 1), (0, 0), (1, 1), (1, 0)))()
    assert (answers.labels < 0).tolist() == [True, False, False, True]
    # The row of each half has the union of both, so no image is certified, whatever its label.
    model = nn.Sequential(exact_transformer(SIDE, PATCH, classes=5)).eval()
    for label in range(5):
        result = certify(
            model, list(IMAGES), [label] * 3, halves, regions=squares(size=1), fill=DropTokens(PATCH), batch_size=4
        )
        assert not result.certified.any()


def test_the_fingerprint_tells_dropping_from_filling() -> None:
    model = nn.Sequential(exact_transformer(SIDE, PATCH, classes=5)).eval()
    labels = [answer.label for answer in predict_with(evaluator(model), IMAGES)]
    dropped = certify(model, list(IMAGES), labels, MASKS, fill=DropTokens(PATCH), batch_size=4)
    filled = certify(model, list(IMAGES), labels, MASKS, batch_size=4)
    assert dropped.fingerprint.differences(filled.fingerprint) == ("fill: drop_tokens(8), not 0.0",)
    with pytest.raises(FingerprintMismatch, match=r"fill: 0\.0, not drop_tokens\(8\)"):
        defend(model, dropped, fill=0.0)
    with pytest.raises(FingerprintMismatch, match=r"fill: drop_tokens\(8\), not 0\.0"):
        predict(model, list(IMAGES), filled, fill="drop_tokens(8)")
    served = defend(model, dropped)
    assert served.fingerprint == dropped.fingerprint
    assert served(IMAGES).argmax(dim=1).tolist() == labels
    assert [answer.label for answer in predict(model, list(IMAGES), dropped)] == labels


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "shifted windows": (lambda: timm.create_model("swin_tiny_patch4_window7_224", depths=(1, 1)), "0 vision transf"),
    "convolutions": (lambda: timm.create_model("convnext_atto", depths=(1, 1, 1, 1)), "holds 0 vision transformers"),
    "rotary positions": (lambda: timm.create_model("eva02_tiny_patch14_224", depth=1), "holds 0 vision transformers"),
    "stem of convolutions": (lambda: timm.create_model("vit_tiny_r_s16_p8_224", depth=1), "convolutions"),
    "relative positions": (
        lambda: transformers.BeitForImageClassification(transformers.BeitConfig(**_SMALL)), "holds 0 vision",
    ),
    "two transformers": (lambda: nn.Sequential(_timm(), _timm()), "holds 2 vision transformers"),
    "tokens of other sides": (lambda: _timm(), r"type drop_tokens\(8\)"),
    "an own subclass": (lambda: Own(img_size=SIDE, patch_size=4, depth=1, embed_dim=16, num_heads=2), "holds 0 vision"),
}  # fmt: skip


class Own(timm.models.VisionTransformer):  # type: ignore[misc]  # timm has no types
    """A subclass may compute something else."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shown_to_be_right_is_refused(name: str) -> None:
    build, words = REFUSED[name]
    with pytest.raises(InvalidInput, match=words):
        TorchClassifier(build().eval(), fill="drop_tokens(4)").evaluator(cover(squares(size=4), SIDE, align=4))


class Around(nn.Module):
    """A module around a vision transformer, with one fault."""

    def __init__(self, model: nn.Module, fault: str) -> None:
        super().__init__()
        self.model, self.fault = model, fault
        self.training = False

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.model(images / 2 if self.fault == "scales its images" else images)
        return scores + images.mean() if self.fault == "looks at the image too" else scores


class Rolling(nn.Module):
    """A block that knows where tokens stand."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        places = torch.arange(tokens.shape[1], dtype=tokens.dtype)[:, None]
        return tokens + (places * tokens).sum(dim=1, keepdim=True)


class Blurred(nn.Module):
    """A layer after the patches in which tokens see their neighbours."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + tokens.roll(1, dims=1)


def test_code_around_and_inside_is_tested_and_refused() -> None:
    for fault in ("scales its images", "looks at the image too"):
        with pytest.raises(InvalidInput, match="with all tokens kept its scores change"):
            evaluator(Around(made("ViT of timm"), fault))
    assert evaluator(Around(made("ViT of timm"), "none")).masks is MASKS
    positions: Any = exact_transformer(SIDE, PATCH, classes=5)
    positions.blocks = nn.Sequential(Rolling()).eval()
    with pytest.raises(InvalidInput, match="tokens in another order"):
        evaluator(positions)
    neighbours: Any = exact_transformer(SIDE, PATCH, classes=5)
    neighbours.patch_embed.norm = Blurred().eval()
    with pytest.raises(InvalidInput, match="depends on other pixels than its own"):
        evaluator(neighbours)


def test_masks_must_hide_whole_tokens_and_leave_some() -> None:
    model = exact_transformer(SIDE, PATCH, classes=5)
    with pytest.raises(InvalidInput, match=r"hides a part of a token of 8×8 pixels.*align=8"):
        evaluator(model, MaskSet.from_boxes([(0, 0, 8, 12)], SIDE))
    with pytest.raises(InvalidInput, match="do not consist of whole tokens"):
        evaluator(model, MaskSet.from_boxes([(0, 0, 8, 8)], 36))
    with pytest.raises(InvalidInput, match="hides every token"):
        evaluator(model, MaskSet(MASKS.grid, (MASKS[0], Mask([Box((0, 0), (SIDE, SIDE))]))))
    with pytest.raises(InvalidInput, match="compiled"):
        TorchClassifier(model, fill=DropTokens(8), contract=NumericContract(compiled=True)).evaluator(MASKS)


def test_the_model_itself_is_not_changed() -> None:
    model = made("ViT")
    before = {name: id(part) for name, part in model.named_modules()}
    network = TokenNetwork.of(model, DropTokens(PATCH))
    assert {name: id(part) for name, part in model.named_modules()} == before
    assert all(one is other for one, other in zip(model.parameters(), network.rest.parameters(), strict=True))


def test_what_is_kept_follows_changes_of_the_model() -> None:
    model = exact_transformer(SIDE, PATCH, classes=5)
    served = DefendedModule(model, MASKS, fill=DropTokens(PATCH), batch_size=4)
    served(IMAGES)

    def head() -> None:
        model.head = copy.deepcopy(model.head)
        model.head.weight.data = model.head.weight.data.flip(0)
        model.head.bias.data = model.head.bias.data.flip(0)

    def pool() -> None:
        model.global_pool = "avg"

    def shifted() -> None:
        model.norm.register_forward_hook(lambda _, __, tokens: -tokens)

    for change in (head, pool, shifted):
        change()
        anew = DefendedModule(model, MASKS, fill=DropTokens(PATCH), batch_size=4)
        assert served.fingerprint == anew.fingerprint
        assert served.decisions(IMAGES) == anew.decisions(IMAGES)
    model.patch_embed.register_forward_hook(lambda _, __, tokens: tokens + tokens.mean())
    with pytest.raises(InvalidInput, match="depends on other pixels than its own"):
        served(IMAGES)


def test_probes_find_rows_that_influence_each_other_in_a_rare_length_only() -> None:
    model = exact_transformer(SIDE, PATCH, classes=5)

    def leaking(_: nn.Module, inputs: tuple[torch.Tensor]) -> torch.Tensor | None:
        tokens = inputs[0]
        return tokens + tokens.mean() if tokens.shape[1] == rare else None

    made_evaluator = evaluator(model)
    every = np.stack(np.triu_indices(len(MASKS)), axis=1)
    lengths, counts = np.unique(made_evaluator.shapes(every), return_counts=True)
    rare = int(lengths[counts.argmin()]) + 1
    assert probe(made_evaluator, made_evaluator.load(IMAGES[0])).bitwise
    model.blocks.register_forward_pre_hook(leaking)
    leaky = evaluator(model)
    report = probe(leaky, leaky.load(IMAGES[0]))
    assert report.leak is not None
    assert report.leak.kind == "rows"


def test_probes_try_every_length_in_batches_of_that_length(monkeypatch: pytest.MonkeyPatch) -> None:
    # The unions that are tried first, of neighbours among some masks, do not leave all lengths that unions leave.
    tall = MaskSet.from_boxes([(0, 0, 8, 8), (0, 0, 16, 8), (8, 0, 24, 8), (0, 8, 8, 16), (24, 8, 8, 24)], SIDE)
    made_evaluator, lengths = evaluator(exact_transformer(SIDE, PATCH, classes=5), tall), list[list[int]]()
    scores = TokenEvaluator._scores

    def noted(self: TokenEvaluator, images: Any, pairs: IntArray) -> torch.Tensor:
        lengths.append(self.shapes(pairs).tolist())
        return scores(self, images, pairs)

    monkeypatch.setattr(TokenEvaluator, "_scores", noted)
    assert probe(made_evaluator, made_evaluator.load(IMAGES[0])).bitwise
    assert all(len(set(batch)) == 1 for batch in lengths)
    every = np.stack(np.triu_indices(len(tall)), axis=1)
    tried = {batch[0] for batch in lengths}
    assert set(made_evaluator.shapes(every).tolist()) <= tried
    assert not tried <= set(made_evaluator.shapes(probes._pairs(tall)).tolist())


LEVEL = MaskSet.from_boxes([(row, column, 24, 16) for row in (0, 8) for column in (0, 8, 16)], SIDE)


@pytest.mark.parametrize("level", [LEVEL, LEVEL[:1]], ids=["several masks", "one mask"])
def test_masks_of_levels_hide_their_tokens(level: MaskSet) -> None:
    # Their numbers follow those of the masks: one more than the last mask is not "nothing hidden".
    model = exact_transformer(SIDE, PATCH, classes=5)
    leveled, alone = evaluator(model, MASKS.with_levels(level)), evaluator(model, level)
    own = np.arange(len(level)).repeat(2).reshape(-1, 2)
    assert leveled.shapes(own + len(MASKS)).tolist() == alone.shapes(own).tolist() == [10] * len(level)
    for pair in own:
        rows = np.repeat(pair[None], 4, axis=0)
        scores = leveled.scores([leveled.load(IMAGES[0])] * 4, rows + len(MASKS))
        np.testing.assert_array_equal(scores, alone.scores([alone.load(IMAGES[0])] * 4, rows))
    with pytest.raises(InvalidInput, match="hides a part of a token"):
        evaluator(model, MASKS.with_levels(MaskSet.from_boxes([(0, 0, 8, 12)], SIDE)))


def test_auto_and_choose_propose_levels_on_the_token_grid() -> None:
    model = nn.Sequential(exact_transformer(SIDE, PATCH, classes=5, seed=3)).eval()
    masks, images = MASKS, list(IMAGES)
    options: dict[str, Any] = {"fill": DropTokens(PATCH), "batch_size": 4}
    labels = np.maximum([answer.label for answer in predict(model, images, masks, **options)], 0)
    result = certify(model, images, labels, masks, procedure="double_masking(first_round='auto')", **options)
    edges = [edge for mask in result.masks.all_masks for edge in mask.bounds.ravel().tolist()]
    assert not any(edge % PATCH for edge in edges)
    assert result.defended.tolist() == labels.tolist()
    served = defend(model, result)
    assert [answer.label for answer in served.decisions(IMAGES)] == labels.tolist()
    choice = choose(
        model, images, labels, squares(size=4), procedures=["double_masking(first_round='auto')"], **options
    )
    candidates = [entry.candidate for entry in choice.ranking]
    assert any(candidate.masks.levels for candidate in candidates)
    assert all("align=8" in candidate.name for candidate in candidates)
    with pytest.raises(InvalidInput, match="hides a part of a token"):
        certify(model, images, labels, masks, procedure="double_masking(first_round='grid(3, 3)')", **options)


def test_certificates_after_levels_hold_against_patches() -> None:
    model = nn.Sequential(exact_transformer(SIDE, PATCH, classes=5, seed=3)).eval()
    regions, generator = within(squares(size=4), (0, 0, 16, 16)), torch.Generator().manual_seed(0)
    masks = MaskSet.from_boxes([(0, 0, 16, 16), (0, 8, 16, 16)], SIDE, regions=str(regions))
    masks = masks.with_levels(MaskSet.from_boxes([(0, 0, 24, 16)], SIDE))
    images = (torch.randint(0, 9, (24, 3, SIDE, SIDE), generator=generator) / 8).float()
    options: dict[str, Any] = {"procedure": DoubleMasking(first_round="levels"), "fill": "drop_tokens(8)"}
    labels = np.array([answer.label for answer in predict(model, images, masks, batch_size=4, **options)])
    result = certify(model, images, np.maximum(labels, 0), masks, regions=regions, batch_size=4, **options)
    assert result.certified.sum() > 5
    defended = defend(model, result)
    for row, column in ((0, 0), (5, 7), (12, 12)):
        attacked = images.clone()
        attacked[:, :, row : row + 4, column : column + 4] = 100.0 * torch.rand(24, 3, 4, 4, generator=generator)
        answers = np.array([answer.label for answer in defended.decisions(attacked)])
        assert (answers == labels)[result.certified].all()


def test_votes_of_bands() -> None:
    masks = bands(width=PATCH, stride=PATCH, wrap=True, image_size=SIDE)
    model = nn.Sequential(exact_transformer(SIDE, PATCH, classes=5)).eval()
    labels = [answer.label for answer in predict_with(evaluator(model, masks), IMAGES, Voting())]
    result = certify(
        model, list(IMAGES), np.maximum(labels, 0), masks, regions=squares(size=1), procedure=Voting(),
        fill="drop_tokens(8)", batch_size=4,
    )  # fmt: skip
    assert result.numerics == "bitwise"
    assert result.defended.tolist() == labels


def test_attacks_never_break_what_is_certified() -> None:
    torch.manual_seed(0)
    model = _timm(pretrained_cfg_overlay={"input_size": (3, SIDE, SIDE)}).eval()
    nn.init.normal_(model.head.weight, std=3.0)  # type: ignore[union-attr,arg-type]  # it is a linear layer
    images = torch.rand(6, 3, SIDE, SIDE)
    classifier = TorchClassifier(model, fill=DropTokens(PATCH), batch_size=8)
    labels = [answer.label for answer in predict_with(classifier.evaluator(MASKS), images)]
    report = classifier.attacked(images, labels, MASKS, placements=3, steps=10, regions=squares(size=4))
    assert isinstance(report, AttackReport)
    assert len(report.outcomes) == 6
    assert not [outcome for outcome in report.outcomes if outcome.certified and outcome.broken]
    # Against the same model it finds patches where nothing protects: the attack sees the tokens that stay.
    bare = MaskSet(MASKS.grid, (Mask([]),))
    undefended = attack(
        model, images, labels, bare, regions=squares(size=16), fill="drop_tokens(8)", low=-4.0, high=4.0,
        certified=np.zeros(6, dtype=np.bool_), placements=3, steps=30,
    )  # fmt: skip
    assert any(outcome.broken for outcome in undefended.outcomes)


def test_the_scores_that_guide_attacks_are_those_of_the_evaluator() -> None:
    classifier = TorchClassifier(made("DINOv2 of timm"), fill=DropTokens(PATCH), batch_size=4)
    guide, made_evaluator = MaskedScores(classifier, MASKS), classifier.evaluator(MASKS)
    rows = pairs((0, 0), (0, 8), (-1, -1), (3, 4))
    images = IMAGES[[0, 1, 0, 2]].requires_grad_()
    scores = guide.scores(images, *torch.from_numpy(rows.T))
    expected = made_evaluator.scores([made_evaluator.load(image) for image in images], rows)
    np.testing.assert_allclose(scores.detach(), floats(expected), rtol=1e-3, atol=1e-4)
    scores.sum().backward()  # type: ignore[no-untyped-call]  # torch has no type for it
    assert images.grad is not None
    hidden = torch.from_numpy(MASKS[0].to_array(MASKS.grid))
    assert not images.grad[0][:, hidden].any()
    assert images.grad[0][:, ~hidden].any()
    plain = classifier.scores(list(IMAGES[:2]), np.asarray(MASKS)[[0, 4]])
    again = made_evaluator.scores(
        [made_evaluator.load(IMAGES[row]) for row in (0, 1, 1, 1)], pairs((0, 0), *[(4, 4)] * 3)
    )
    np.testing.assert_allclose(plain, floats(again[:2]), rtol=1e-3, atol=1e-4)
