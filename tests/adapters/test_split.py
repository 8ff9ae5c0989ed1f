"""Networks in two parts: masks on cells, attacks on pixels, and networks that go around the cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, NumericContract, ProbeFailed, ReceptiveField
from maskcover.classifiers import evaluator_of
from maskcover.testing import ClassifierContract
from tests.networks import Convolution, exact, whole

torch = pytest.importorskip("torch")

from maskcover_torch import SplitClassifier, bagnet, local, narrowed, split, windowed  # noqa: E402
from maskcover_torch.heads import TwoParts  # noqa: E402
from maskcover_torch.training import CellHiding, Cutout, RandomMasks, Recipe, finetune  # noqa: E402
from torch import nn  # noqa: E402

ALONE = NumericContract(threads=1)
SIZE = (24, 24)


def net(classes: int = 3) -> Any:
    """A front end of cells of 4 pixels, and a head that mixes all of them; whole numbers, so that no kernel rounds."""
    front = Convolution(2, 6, 4, stride=4), nn.ReLU()
    model = exact(
        nn.Sequential(*front, Convolution(6, 4, 2, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, classes))
    )
    with torch.no_grad():  # the head reads all cells alike, so that no few of them decide
        weights = model.get_parameter("5.weight").view(classes, 4, 9)
        weights.copy_(weights[:, :, :1].expand(-1, -1, 9).clone())
    return model


def classifier(**options: Any) -> SplitClassifier:
    return split(net(), "1", contract=ALONE, **options)


class TestSplit(ClassifierContract):
    classes, image_size = 3, (6, 6)

    @pytest.fixture
    def classifier(self) -> Any:
        return classifier(batch_size=4)

    @pytest.fixture
    def images(self) -> Any:
        return whole(3, 2, *SIZE)

    @pytest.fixture
    def masks(self, classifier: Any) -> Any:
        return classifier.cover("squares(size=3)", SIZE, grid=(2, 2))

    @pytest.fixture
    def broken(self) -> Any:
        broken = net()
        with torch.no_grad():
            broken[5].bias.fill_(torch.nan)
        return split(broken, "1", contract=ALONE, batch_size=4)


@pytest.mark.parametrize("procedure", [mc.DoubleMasking(), mc.ChallengerMasking(), mc.Detection(0.5)], ids=str)
def test_no_overwritten_region_of_pixels_changes_a_certified_answer(procedure: Any) -> None:
    made, size = classifier(batch_size=8), SIZE
    images = whole(24, 2, *SIZE, seed=2) + 16 * whole(24, 2, 1, 1, seed=3, most=1)
    masks = made.cover("squares(size=3)", SIZE, grid=(3, 3))
    assert masks.grid.shape == made.cells(SIZE) == (6, 6)
    labels = net()(images).argmax(dim=1).tolist()
    result = mc.certify(made, images, labels, masks, procedure=procedure)
    assert str(result.regions) == "through(squares(size=3), ReceptiveField(4, 4), source=(24, 24))"
    certified = np.flatnonzero(result.certified)
    assert len(certified)
    defended, chance = mc.defend(made, result), torch.Generator().manual_seed(5)
    number, attacked = int(certified[0]), []
    for top in range(0, size[0] - 2, 2):
        for left in range(size[1] - 2):
            image = images[number].clone()
            scale = 10.0 ** torch.randint(0, 4, (), generator=chance).item()
            image[:, top : top + 3, left : left + 3] = scale * torch.randn(2, 3, 3, generator=chance)
            attacked.append(image)
    served = defended(torch.stack(attacked)).argmax(dim=1)
    alert = 3 if procedure.may_alert else labels[number]
    assert set(served.tolist()) <= {labels[number], alert}


def test_the_front_end_runs_once_an_image_and_the_head_once_a_masked_prediction() -> None:
    passes = {"front": 0, "head": 0}

    class Counted(nn.Module):
        def __init__(self, part: Any, name: str) -> None:
            super().__init__()
            self.part, self.name = part, name

        def forward(self, images: Any) -> Any:
            passes[self.name] += len(images)
            return self.part(images)

    parts = net()
    model = nn.Sequential(Counted(parts[:2], "front"), Counted(parts[2:], "head")).eval()
    made = split(model, "0", contract=ALONE, batch_size=1)
    masks = made.cover("squares(size=3)", SIZE, grid=(3, 3))
    evaluator = evaluator_of(made, masks)
    images = [evaluator.load(image) for image in whole(3, 2, *SIZE)]
    evaluator.scores([images[0]], np.array([[0, 0]]))  # the blank image, once
    passes.update(front=0, head=0)
    for image in whole(3, 2, *SIZE, seed=8):
        loaded = evaluator.load(image)
        for mask in range(len(masks)):
            evaluator.scores([loaded], np.array([[mask, mask]]))
    assert passes == {"front": 3, "head": 3 * len(masks)}


def test_scores_are_those_of_the_network_with_hidden_cells_set_to_the_fill() -> None:
    model, images = net(), whole(2, 2, *SIZE)
    made = split(model, "1", contract=ALONE, fill=2.0, batch_size=1)
    masks = made.cover("squares(size=3)", SIZE, grid=(2, 2))
    evaluator = evaluator_of(made, masks, images[0])
    for image in images:
        cells = model[:2](image[None])
        for number, mask in enumerate(masks):
            hidden = torch.from_numpy(mask.to_array(masks.grid))
            expected = model[2:](torch.where(hidden, torch.tensor(2.0), cells))
            scores = evaluator.scores([evaluator.load(image)], np.array([[number, number]]))
            assert np.array_equal(scores, expected.detach().numpy())
    hidden = np.asarray(masks)[:2]
    both = made.scores(list(images), hidden)
    assert np.array_equal(both[0], evaluator.scores([evaluator.load(images[0])], np.array([[0, 0]]))[0])


class Around(nn.Module):
    """A skip connection around the cut: a pooled image goes to the head beside the cells."""

    def __init__(self, *, hides: bool = False) -> None:
        super().__init__()
        self.front, self.head, self.hides = nn.Conv2d(2, 3, 4, stride=4), nn.Linear(108, 3), hides

    def forward(self, images: Any) -> Any:
        rest = (images > 50).float() if self.hides else images
        return self.head(self.front(images).flatten(1)) + 1e-3 * rest.mean(dim=(1, 2, 3))[:, None]


class Residual(nn.Module):
    """The usual skip connection: inside it there is no place to cut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.head = nn.Conv2d(2, 3, 4, stride=4), nn.Conv2d(3, 3, 1), nn.Linear(108, 3)

    def forward(self, images: Any) -> Any:
        cells = self.stem(images)
        return self.head((cells + self.block(cells)).flatten(1))


@pytest.mark.parametrize(
    ("model", "at"), [(Around(), "front"), (Around(hides=True), "front"), (Residual(), "block")]
)  # fmt: skip
def test_a_head_that_reads_around_the_cut_is_refused(model: Any, at: str) -> None:
    made = split(model.eval(), at, contract=ALONE, batch_size=1)
    masks = made.cover("squares(size=3)", SIZE, grid=(2, 2))
    with pytest.raises(InvalidInput, match=r"reads more of the image than the layer.*skip connection"):
        mc.certify(made, whole(2, 2, *SIZE), [0, 0], masks)
    # The same network cut where all paths meet.
    if isinstance(model, Residual):
        whole_cut = split(model, "stem", contract=ALONE, batch_size=1)
        assert mc.certify(whole_cut, whole(2, 2, *SIZE), [0, 0], masks).numerics == "bitwise"


def test_a_front_end_that_mixes_is_refused() -> None:
    mixing = nn.Sequential(nn.Conv2d(2, 3, 4, stride=4), nn.InstanceNorm2d(3), nn.Flatten(), nn.Linear(108, 3)).eval()
    with pytest.raises(InvalidInput, match=r"whole image.*'1' \(InstanceNorm2d\)"):
        split(mixing, "1", contract=ALONE).cover("squares(size=3)", SIZE)
    made = split(mixing, "1", contract=ALONE, field=ReceptiveField(4, 4), batch_size=1)
    masks = mc.cover("squares(size=2)", (6, 6), grid=(2, 2))
    with pytest.raises(ProbeFailed):
        mc.certify(made, whole(2, 2, *SIZE), [0, 0], masks)


def test_regions_through_a_smaller_field_are_refused() -> None:
    made, images = classifier(batch_size=4), whole(1, 2, *SIZE)
    for steps, message in (
        ([ReceptiveField(2, 4)], "the cells of this model see ReceptiveField"),
        ([ReceptiveField(1, 4)], "the cells of this model see ReceptiveField"),
    ):
        regions = mc.through(mc.squares(size=3), *steps, source=SIZE)
        masks = mc.cover(regions, (6, 6), grid=(3, 3))
        for both in (regions, mc.union(regions, made.regions("squares(size=1)", SIZE)), mc.patches(regions, k=1)):
            with pytest.raises(InvalidInput, match=message):
                mc.certify(made, images, [0], masks, regions=both, probes=False)
    larger = mc.through(mc.squares(size=3), ReceptiveField(5, 4, 1), source=SIZE)
    masks = mc.cover(larger, (6, 6), grid=(3, 3))
    assert mc.certify(made, images, [0], masks, regions=larger).regions == larger
    other = mc.through(mc.squares(size=3), mc.Resize((24, 28)), ReceptiveField(4, 4), source=SIZE)
    with pytest.raises(InvalidInput, match="24×28"):
        made.expect_regions(other, evaluator_of(made, masks).load(images[0]))


@pytest.mark.parametrize("regions", [mc.squares(size=1), mc.patches(mc.squares(size=1), k=1), mc.squares(size=2)])
def test_regions_drawn_on_cells_are_refused(regions: Any) -> None:
    """Nobody may take a square of cells for a square of pixels."""
    made = classifier(batch_size=4)
    masks = mc.cover("squares(size=2)", (6, 6), grid=(3, 3))
    through = made.regions("squares(size=3)", SIZE)
    for named in (regions, mc.union(through, regions)):
        with pytest.raises(InvalidInput, match=r"expected classifier\.regions"):
            mc.certify(made, whole(1, 2, *SIZE), [0], masks, regions=named)
    with pytest.raises(InvalidInput, match=r"expected classifier\.regions"):
        mc.certify(made, whole(1, 2, *SIZE), [0], masks)


def test_images_of_another_size_are_refused() -> None:
    made = classifier(batch_size=1)
    masks = made.cover("squares(size=3)", SIZE, grid=(3, 3))
    evaluator = evaluator_of(made, masks, whole(2, *SIZE))
    with pytest.raises(InvalidInput, match="6×6 cells, but images of 28×24 have 7×6"):
        evaluator.load(whole(2, 28, 24))
    evaluator.load(whole(2, *SIZE))
    with pytest.raises(InvalidInput, match="as the first"):
        evaluator.load(whole(2, 25, 24))


def test_evidence_of_a_local_network_can_be_hidden() -> None:
    """PatchGuard++: detection on the grid of evidence."""
    torch.manual_seed(0)
    small = bagnet(9, classes=4, width=4, blocks=(1, 1, 1, 1), strides=(2, 2, 1, 1))
    made = local(small, "layer4", contract=ALONE).split()
    masks, images = made.cover("squares(size=2)", 32, grid=(3, 3)), torch.rand(2, 3, 32, 32)
    assert masks.grid.shape == (6, 6)
    labels = small(images).argmax(dim=1).tolist()
    result = mc.certify(made, images, labels, masks, procedure=mc.Detection(0.2))
    assert result.undefended.tolist() == labels
    assert mc.defend(made, result)(images).argmax(dim=1).tolist() == result.defended.tolist()


def test_narrowed_kernels_keep_the_grid() -> None:
    layers = nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 5, padding=2)
    model = nn.Sequential(nn.Sequential(*layers), nn.Flatten(), nn.Linear(48, 3)).eval()
    local_one = narrowed(model, "0")
    assert local_one(torch.zeros(1, 2, 8, 8)).shape == (1, 3)
    assert split(local_one, "0", contract=ALONE).receptive_field(8) == ReceptiveField(1, 2)
    assert split(model, "0.1", contract=ALONE).receptive_field(16) == ReceptiveField(7, 2, 3)
    first, narrow = (part.get_submodule("0.0").get_parameter("weight") for part in (model, local_one))
    assert torch.equal(narrow, first[:, :, 1:2, 1:2])
    with pytest.raises(InvalidInput, match="half the kernel"):
        narrowed(nn.Sequential(nn.Conv2d(2, 3, 3)), "0")


def test_vision_transformers_are_cut_behind_their_patches_or_windows() -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=4, depth=2).eval()
    image = torch.rand(3, 64, 64)
    masks = split(vit, "patch_embed", contract=ALONE).cover("squares(size=8)", 64, grid=(3, 3))
    made = split(vit, "patch_embed", contract=ALONE, batch_size=1)
    assert made.receptive_field(64) == ReceptiveField(16, 16)
    evaluator = evaluator_of(made, masks, image)
    scores = evaluator.scores([evaluator.load(image)], np.array([[-1, -1]]))
    assert np.allclose(scores, vit(image[None]).detach().numpy(), atol=1e-5)
    with pytest.raises(InvalidInput, match="attention between all tokens"):
        split(vit, "blocks.0", contract=ALONE).receptive_field(64)
    within = windowed(vit, 1, (2, 1))
    cut = split(within, "blocks.0", contract=ALONE, batch_size=1)
    assert cut.receptive_field(64).of_axes[1] == (16, 16, 0)
    assert cut.cells(64) == (4, 4)
    own = evaluator_of(cut, masks, image)
    scores = own.scores([own.load(image)], np.array([[-1, -1]]))
    assert np.allclose(scores, within(image[None]).detach().numpy(), atol=1e-5)
    with pytest.raises(InvalidInput, match="windows that divide a grid"):
        windowed(vit, 1, (3, 1))


def test_tokens_that_see_the_image_and_are_no_cell_are_refused() -> None:
    class Pooled(nn.Module):
        """A first token that is the mean of the image, made inside the layer of the cut."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 4, stride=4)

        def forward(self, images: Any) -> Any:
            tokens = self.conv(images).flatten(2).transpose(1, 2)
            return torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)

    model = nn.Sequential(Pooled(), nn.Flatten(), nn.Linear(111, 3)).eval()
    made = split(model, "0", contract=ALONE, batch_size=1)
    masks = made.cover("squares(size=3)", SIZE, grid=(2, 2))
    with pytest.raises(InvalidInput, match="tokens of the layer '0' that are no cell"):
        mc.certify(made, whole(1, 2, *SIZE), [0], masks)


class ClassToken(nn.Module):
    """Patches behind a token that is learned, as in a ViT."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.first = nn.Conv2d(1, 2, 2, stride=2), nn.Parameter(torch.rand(1, 1, 2))

    def forward(self, images: Any) -> Any:
        return torch.cat([self.first.expand(len(images), -1, -1), self.conv(images).flatten(2).transpose(1, 2)], dim=1)


def test_changed_weights_reach_the_head() -> None:
    """What modules before the cut gave for a blank image is computed again when weights change."""
    model = nn.Sequential(ClassToken(), nn.Flatten(), nn.Linear(34, 3)).eval()
    parts, image = TwoParts(model, "0"), torch.rand(1, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(parts(parts.front(image)), model(image))
        model.get_parameter("0.first").mul_(3.0)
        model.get_parameter("2.weight").mul_(2.0)
        assert torch.equal(parts(parts.front(image)), model(image))


def test_regions_through_a_field_that_begins_too_late_are_refused() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 5, stride=4, padding=2), nn.Flatten(), nn.Linear(108, 3)).eval()
    made = split(model, "0", contract=ALONE, batch_size=1)
    assert made.receptive_field(SIZE) == ReceptiveField(5, 4, 2)
    made.expect_regions(made.regions("squares(size=3)", SIZE))
    late = mc.through(mc.squares(size=3), ReceptiveField(4, 4), source=SIZE)
    with pytest.raises(InvalidInput, match="the cells of this model see"):
        made.expect_regions(late)


def test_a_network_learns_with_cells_hidden() -> None:
    chance = torch.Generator().manual_seed(0)
    labels = (torch.arange(40) % 2).numpy()
    images = torch.from_numpy(labels).float()[:, None, None, None] - 0.5
    images = images + 0.1 * torch.randn(40, 2, *SIZE, generator=chance)
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(2, 4, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
    made = split(model, "1", contract=ALONE, batch_size=4)
    masks = made.cover("squares(size=3)", SIZE, grid=(3, 3))
    data = (images[:32], labels[:32]), (images[32:], labels[32:])
    recipe = Recipe(epochs=3, batch_size=8, lr=0.01, keep="last")
    report = finetune(made, *data, masks, hiding=Cutout(count=1, size=3), recipe=recipe)
    assert report.epochs[0].certified < report.epochs[-1].certified == 8
    assert report.config["certify.split_at"] == "1"
    assert mc.certify(split(model, "1", contract=ALONE, batch_size=4), *data[1], masks).certified.all()
    assert "Cutout" in report.config["hiding"]
    assert not model[1]._forward_hooks  # hooks are gone


def test_hidden_cells_are_those_of_the_layer_alone() -> None:
    """The gradient of hidden cells is zero, and visible ones keep theirs."""
    model = nn.Sequential(nn.Conv2d(1, 2, 2, stride=2, bias=False), nn.Flatten(), nn.Linear(32, 3))
    masks = mc.MaskSet.from_boxes([(0, 0, 2, 4)], (4, 4))
    hiding = CellHiding(RandomMasks(masks, 1), "0")
    image = torch.rand(1, 1, 8, 8, requires_grad=True)
    loss = hiding.loss(model, image, torch.tensor([0]), torch.Generator().manual_seed(0), 0.0)
    loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
    assert image.grad is not None
    assert not image.grad[0, 0, :4].any()
    assert image.grad[0, 0, 4:].all()


def test_local_classifiers_are_not_trained_as_such() -> None:
    made = local(nn.Conv2d(1, 2, 4, stride=4).eval(), contract=ALONE)
    masks = made.own_masks(mc.Grid.of(8))
    with pytest.raises(InvalidInput, match="train the network itself"):
        finetune(made, (torch.rand(1, 1, 8, 8), [0]), (torch.rand(1, 1, 8, 8), [0]), masks, regions="squares(size=1)")


def test_options_that_it_has_not_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no layer 'stem'"):
        split(net(), "stem")
    with pytest.raises(InvalidInput, match=r"torch.compile"):
        split(net(), "1", contract=NumericContract(compiled=True))
    with pytest.raises(InvalidInput, match="takes no output="):
        split(net(), "1", output=0)


def test_a_finished_run_is_asked_about_regions_on_images(tmp_path: Any) -> None:
    """Without the model, as certify answers; regions on cells, or through a smaller field, have no answer."""
    made = classifier(batch_size=4)
    images = whole(8, 2, *SIZE, seed=2) + 16 * whole(8, 2, 1, 1, seed=3, most=1)
    labels = net()(images).argmax(dim=1).tolist()
    masks = made.cover("squares(size=6)", SIZE, grid=(3, 3))
    mc.run(made, images, labels, masks, tmp_path, procedure=mc.DoubleMasking(exhaustive=True))
    opened = mc.open_run(tmp_path)
    for text in ("squares(size=2)", "squares(size=6)", "rectangle(2, 5)", "patches(squares(size=1), k=1)"):
        regions = made.regions(text, SIZE)
        expected = mc.certify(made, images, labels, masks, regions=regions).certified
        assert opened.certified(text).tolist() == opened.certified(regions).tolist() == expected.tolist()
    assert (opened.certified_size("squares").largest >= 6 * opened.certified()).all()
    for smaller in (ReceptiveField(3, 4), ReceptiveField(4, 4, 1)):
        with pytest.raises(InvalidInput, match="these cells see"):
            opened.certified(mc.through(mc.squares(size=2), smaller, source=SIZE))
    with pytest.raises(InvalidInput, match="these cells see"):
        opened.certified(mc.union(made.regions("squares(size=2)", SIZE), mc.squares(size=1)))


def test_a_finished_run_is_asked_about_regions_of_pixels_not_of_cells(tmp_path: Any) -> None:
    wide = nn.Sequential(Convolution(2, 3, 9, stride=2, padding=4), nn.Flatten(), nn.Linear(3 * 144, 3))
    cells = split(exact(wide), "0", contract=ALONE, batch_size=4)
    masks = cells.cover("squares(size=1)", SIZE, grid=(3, 3))  # a pixel changes 5×5 cells, and masks hide no 6×6
    images, labels = whole(3, 2, *SIZE), [0, 1, 2]
    mc.run(cells, images, labels, masks, tmp_path / "run")
    opened = mc.open_run(tmp_path / "run")
    assert str(opened.parts[0].pull(mc.squares(size=1))) == str(opened.regions)
    own = mc.certify(cells, images, labels, masks, regions=cells.regions("squares(size=1)", SIZE)).certified
    assert (opened.certified("squares(size=1)") == own).all()
    assert (opened.certified(opened.regions) == own).all()
    with pytest.raises(mc.NotCovering):  # 3×3 pixels change 6×6 cells, though masks hide 3×3 cells wherever they lie
        opened.certified("squares(size=3)")
    assert opened.certified_size("squares").limit == 2


@pytest.mark.parametrize("change", ["layer", "hook"])
def test_a_network_that_changed_since_its_field_was_measured_is_measured_again(change: str) -> None:
    model = net()
    made = split(model, "1", contract=ALONE, batch_size=4)
    images = whole(2, 2, *SIZE)
    masks = made.cover("squares(size=3)", SIZE, grid=(3, 3))
    assert mc.certify(made, images, [0, 0], masks).numerics == "bitwise"
    if change == "layer":
        model[0] = Convolution(2, 6, 12, stride=4, padding=4).eval()
        message = "the cells of this model see"
    else:
        model[0].register_forward_hook(lambda _module, arguments, output: output + arguments[0].mean())
        message = "depends on the whole image"
    with pytest.raises(InvalidInput, match=message):
        mc.certify(made, images, [0, 0], masks)


def test_a_front_end_that_a_flag_changes_is_caught_on_each_image() -> None:
    """No digest sees a flag of Python, so cells are tried on the first image of every certification."""

    class Flagged(nn.Module):
        mixing = False

        def forward(self, cells: Any) -> Any:
            return cells + cells.mean(dim=(2, 3), keepdim=True) if self.mixing else cells

    model = nn.Sequential(Convolution(2, 6, 4, stride=4), Flagged(), nn.Flatten(), nn.Linear(6 * 36, 3)).eval()
    made = split(model, "1", contract=ALONE, batch_size=4)
    masks, images = made.cover("squares(size=3)", SIZE, grid=(3, 3)), whole(2, 2, *SIZE)
    mc.certify(made, images, [0, 0], masks)
    Flagged.mixing = True
    with pytest.raises(ProbeFailed, match="change by"):
        mc.certify(made, images, [0, 0], masks)


def test_choose_refuses_masks_of_cells() -> None:
    images = whole(2, 2, *SIZE)
    for made, message in ((classifier(batch_size=4), "hides cells"), (local(net(), "1", "5"), "no masks to choose")):
        with pytest.raises(InvalidInput, match=message):
            mc.choose(made, images, [0, 0], "squares(size=1)", image_size=6)
    with pytest.raises(InvalidInput, match="names its own masks"):
        mc.choose(net(), images, [0, 0], "squares(size=1)", procedures=["voting(bands(width=2))"], image_size=SIZE)
    with pytest.raises(InvalidInput, match="expected a MaskSet"):
        mc.certify(net(), images, [0, 0], None, regions="squares(size=1)", procedure=mc.Voting())  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="without the image size"):
        mc.Voting(0.3)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="field is a maskcover"):
        split(net(), "1", field="ReceptiveField(4, 4)")  # type: ignore[arg-type]
