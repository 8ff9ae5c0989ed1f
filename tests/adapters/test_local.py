"""Local classifiers: the evidence of cells, its locality on certified images, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, NumericContract, ProbeFailed, ReceptiveField
from maskcover.classifiers import evaluator_of
from maskcover.engine import probe
from maskcover.grid import Grid
from maskcover.testing import ClassifierContract
from tests.networks import exact, whole

torch = pytest.importorskip("torch")

from maskcover_torch import LocalClassifier, bagnet, local  # noqa: E402
from maskcover_torch.local_classifier import LocalEvaluator, field_masks  # noqa: E402
from torch import nn  # noqa: E402

ALONE = NumericContract(threads=1)
SIZE = (12, 12)


def net(channels: int = 2, classes: int = 3) -> Any:
    """Cells of 5 pixels every 2: 4 × 4 of them on 12 × 12; whole numbers, so that no kernel rounds."""
    layers = nn.Conv2d(channels, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, classes, 2)
    return exact(nn.Sequential(*layers))


def classifier(**options: Any) -> LocalClassifier:
    return local(net(), contract=ALONE, **options)


class TestLocal(ClassifierContract):
    classes, image_size = 3, SIZE

    @pytest.fixture
    def classifier(self) -> Any:
        return classifier()

    @pytest.fixture
    def images(self) -> Any:
        return whole(3, 2, *SIZE)

    @pytest.fixture
    def masks(self) -> Any:
        # Each pixel is hidden by some of them, as the certificates of the contract need.
        return replace(classifier().own_masks(Grid.of(SIZE)), regions="squares(size=1)")

    @pytest.fixture
    def broken(self) -> Any:
        broken = net()
        with torch.no_grad():
            broken[2].bias.fill_(torch.nan)
        return local(broken, contract=ALONE, field=ReceptiveField(5, 2))


class TestLocalInPasses(TestLocal):
    """The same in passes of four images: the rows of a batch are then those of a pass."""

    @pytest.fixture
    def classifier(self) -> Any:
        return classifier(batch_size=4)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_masked_prediction_is_the_evidence_of_its_cell(batch_size: int) -> None:
    made, images = classifier(batch_size=batch_size), whole(2, 2, *SIZE)
    masks = made.own_masks(Grid.of(SIZE))
    evaluator = evaluator_of(made, masks)
    expected = net()(images)
    loaded = [evaluator.load(image) for image in images]
    for image, cells in zip(loaded, expected, strict=True):
        for number in range(len(masks)):
            rows = np.full((evaluator.batch_size, 2), number)
            scores = evaluator.scores([image] * evaluator.batch_size, rows)
            assert np.array_equal(scores[0], cells.flatten(1)[:, number].detach().numpy())
        unions = np.tile([0, 1], (evaluator.batch_size, 1))
        assert not evaluator.scores([image] * evaluator.batch_size, unions).any()
        whole_image = evaluator.scores([image] * evaluator.batch_size, np.full((evaluator.batch_size, 2), -1))
        assert np.allclose(whole_image[0], cells.mean(dim=(1, 2)).detach().numpy())
    answers = evaluator.submit([loaded[0]] * evaluator.batch_size, np.full((evaluator.batch_size, 2), 5))()
    first = expected[0].flatten(1)[:, 5]
    assert answers.labels[0] == (first.argmax() if (first == first.max()).sum() == 1 else -1)


def test_one_pass_of_the_network_serves_all_masked_predictions_of_an_image() -> None:
    passes: list[int] = []

    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def forward(self, images: Any) -> Any:
            passes.append(len(images))
            return self.net(images)

    made = local(Counted().eval(), contract=ALONE, field=ReceptiveField(5, 2))
    masks = made.own_masks(Grid.of(SIZE))
    images = whole(5, 2, *SIZE)
    passes.clear()
    answers = mc.predict(made, images, masks, procedure=mc.Voting())
    assert passes == [1] * 5
    assert len(answers) == 5


REGIONS = "union(squares(size=2), rectangle(1, 4))"
PROCEDURES = (
    mc.Voting(),
    mc.Voting(evidence="clip(0, 200)"),
    mc.RobustMasking(0.0, windows=REGIONS),
    mc.RobustMasking(0.3, windows=REGIONS),
)


@pytest.mark.parametrize("procedure", PROCEDURES, ids=str)
def test_no_overwritten_region_changes_a_certified_answer(procedure: Any) -> None:
    made, size = classifier(), (20, 20)
    # Bright and dark images, so that many cells agree.
    images = whole(12, 2, *size, seed=3) + 24 * whole(12, 2, 1, 1, seed=4, most=1)
    masks = made.own_masks(Grid.of(size))
    labels = [max(0, answer.label) for answer in mc.predict(made, images, masks, procedure=procedure)]
    result = mc.certify(made, images, labels, masks, regions=REGIONS, procedure=procedure)
    assert result.numerics == "bitwise"
    defended, chance = mc.defend(made, result), torch.Generator().manual_seed(5)
    certified = np.flatnonzero(result.certified)
    assert len(certified)
    for number in certified[:1]:
        attacked = []
        for height, width in ((2, 2), (1, 4)):
            for top in range(size[0] - height + 1):
                for left in range(size[1] - width + 1):
                    image = images[number].clone()
                    scale = 10.0 ** torch.randint(0, 4, (), generator=chance).item()
                    pixels = scale * torch.randn(2, height, width, generator=chance)
                    image[:, top : top + height, left : left + width] = pixels
                    attacked.append(image)
        served = defended(torch.stack(attacked)).argmax(dim=1)
        assert (served == labels[number]).all()


def test_probes_reach_cells_at_the_border_with_huge_numbers_and_nan() -> None:
    """Threat 46: what overwrites hidden pixels is what overwrites all but the field of a cell."""
    made = classifier()
    masks = made.own_masks(Grid.of(SIZE))
    evaluator = evaluator_of(made, masks)
    rows = set[tuple[int, int]]()
    scores = evaluator.scores

    def recorded(images: Any, pairs: Any) -> Any:
        rows.update((int(a), int(b)) for a, b in pairs)
        return scores(images, pairs)

    evaluator.scores = recorded  # type: ignore[method-assign]
    report = probe(evaluator, evaluator.load(whole(2, *SIZE)))
    assert report.bitwise
    names = {finding.probe for finding in report.findings}
    assert {"hidden pixels of 1e+30", "hidden pixels of nan", "hidden pixels of noise"} <= names
    # The four corners of 4 × 4 cells are 0, 3, 12 and 15.
    assert {(0, 0), (3, 3), (12, 12), (15, 15)} <= rows


def test_probes_compute_evidence_anew_and_notice_a_network_that_changes() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.passes = net(), 0

        def forward(self, images: Any) -> Any:
            self.passes += 1
            return self.net(images) + self.passes % 2

    made = local(Counting().eval(), contract=ALONE, field=ReceptiveField(5, 2))
    with pytest.raises(ProbeFailed):
        made.own_masks(Grid.of(SIZE))
    evaluator = LocalEvaluator(made.evidence, field_masks(ReceptiveField(5, 2), Grid.of(SIZE)), contract=made.contract)
    assert not probe(evaluator, evaluator.load(whole(2, *SIZE))).bitwise


class Leaky(nn.Module):
    """A local network whose last cell also looks at the first pixel, from a value of 10 on alone."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, images: Any) -> Any:
        cells = self.net(images)
        large = (images[:, :1, :1, :1] > 10).float()
        far = torch.zeros_like(cells)
        far[..., -1:, -1:] = 1.0
        return cells + far * large


def test_a_network_that_looks_elsewhere_is_refused() -> None:
    with pytest.raises(ProbeFailed, match="more than a NaN shows"):
        local(Leaky().eval(), contract=ALONE).own_masks(Grid.of(SIZE))
    with pytest.raises(ProbeFailed, match="more than a NaN shows"):
        local(Leaky().eval(), contract=ALONE, field=ReceptiveField(5, 2)).own_masks(Grid.of(SIZE))


def test_a_field_that_is_too_small_is_refused() -> None:
    with pytest.raises(ProbeFailed):
        local(net(), contract=ALONE, field=ReceptiveField(4, 2, (0, 0))).own_masks(Grid.of((11, 11)))
    generous = local(net(), contract=ALONE, field=ReceptiveField(7, 2, 1)).own_masks(Grid.of((12, 12)))
    assert len(generous) == 16


def test_other_masks_are_refused() -> None:
    made, images = classifier(), whole(2, 2, *SIZE)
    own = made.own_masks(Grid.of(SIZE))
    for masks in (own[1:], mc.cover("squares(size=2)", SIZE, grid=(2, 2)), mc.blocks(5, stride=2, image_size=SIZE)):
        with pytest.raises(InvalidInput, match="own cells alone, 16 of ReceptiveField"):
            evaluator_of(made, masks, images[0])


def test_a_layer_and_the_head_of_a_classifier() -> None:
    torch.manual_seed(1)
    pooled = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    ).eval()
    image = torch.rand(3, 13, 13)
    made = local(pooled, "1", contract=ALONE)
    masks = made.own_masks(Grid.of((13, 13)))
    assert made.receptive_field((13, 13)) == ReceptiveField(3, 2)
    evaluator = evaluator_of(made, masks, image)
    rows = np.full((evaluator.batch_size, 2), -1)
    scores = evaluator.scores([evaluator.load(image)] * evaluator.batch_size, rows)[0]
    assert np.allclose(scores, pooled(image[None])[0].detach().numpy(), atol=1e-6)
    for head in ("4", pooled[4], nn.Linear(8, 5).eval(), nn.Conv2d(8, 5, 1).eval()):
        assert len(local(pooled, "1", head, contract=ALONE).own_masks(Grid.of((13, 13)))) == 36


def test_a_model_that_does_more_than_average_is_said_so() -> None:
    class Squared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 3, stride=3), nn.Linear(4, 4)

        def forward(self, images: Any) -> Any:
            return -self.fc(self.conv(images).mean(dim=(2, 3)))

    made = local(Squared().eval(), "conv", contract=ALONE)
    masks = made.own_masks(Grid.of(SIZE))
    with pytest.warns(mc.MaskcoverWarning, match="between the layer 'conv' and the head there is more"):
        made.evaluator(masks, torch.rand(1, *SIZE))


def test_a_bagnet_is_certified_by_votes_and_served() -> None:
    torch.manual_seed(0)
    small = bagnet(9, classes=4, width=4, blocks=(1, 1, 1, 1), strides=(2, 2, 1, 1))
    made = local(small, "layer4", contract=ALONE)
    masks, images = made.own_masks(Grid.of(32)), torch.rand(3, 3, 32, 32)
    labels = small(images).argmax(dim=1).tolist()
    result = mc.certify(made, images, labels, masks, regions="squares(size=2)", procedure=mc.Voting())
    assert result.numerics == "bitwise"
    assert len(masks) == 36
    assert mc.defend(made, result)(images).argmax(dim=1).tolist() == result.defended.tolist()
    twin = local(small, "layer4", contract=ALONE)
    assert [answer.label for answer in mc.predict(twin, images, result)] == result.defended.tolist()


def test_options_that_it_has_not_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has no fill="):
        local(net(), fill=0.5)
    with pytest.raises(InvalidInput, match=r"torch.compile"):
        local(net(), contract=NumericContract(compiled=True))
    with pytest.raises(InvalidInput, match="no linear layer"):
        local(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), "0")
