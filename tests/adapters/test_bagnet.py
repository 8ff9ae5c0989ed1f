"""BagNets: their cells are those of a network without pooling, and training for worst-case margins."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from maskcover import InvalidInput, ReceptiveField

torch = pytest.importorskip("torch")

from maskcover_torch import bagnet  # noqa: E402
from maskcover_torch.evidence import LocalEvidence  # noqa: E402
from maskcover_torch.training import margin_loss, reach_of, worst_margins  # noqa: E402


def small(**options: Any) -> Any:
    torch.manual_seed(0)
    return bagnet(9, classes=4, width=4, blocks=(1, 1, 1, 1), strides=(2, 2, 1, 1), **options)


def test_the_scores_are_the_mean_over_the_evidence_of_cells() -> None:
    net, images = small(), torch.rand(3, 3, 32, 32)
    evidence = LocalEvidence(net, "layer4")(images)
    assert evidence.shape == (3, 4, 6, 6)
    assert torch.allclose(evidence.mean(dim=(2, 3)), net(images), atol=1e-5)


def test_weights_have_the_names_of_the_docs() -> None:
    names = set(bagnet(17, classes=4, width=2, blocks=(1, 2, 1, 1)).state_dict())
    assert {"conv1.weight", "conv2.weight", "bn1.running_mean", "layer2.1.conv3.weight", "fc.bias"} <= names
    assert {"layer1.0.downsample.0.weight", "layer1.0.downsample.1.bias"} <= names
    assert not any(name.startswith("layer2.1.downsample") for name in names)


def test_a_whole_bagnet_has_the_parameters_of_a_narrowed_resnet_50() -> None:
    with torch.device("meta"):
        count = sum(value.numel() for value in bagnet(17).parameters())
    stem, head = 3 * 64 + 9 * 64 * 64 + 128, 2048 * 1000 + 1000
    stages, before = 0, 64
    for number, blocks in enumerate((3, 4, 6, 3)):
        inner, after = 64 << number, 256 << number
        for block in range(blocks):
            kernel = 9 if block == 0 and number < 3 else 1
            stages += before * inner + kernel * inner * inner + inner * after + 4 * inner + 2 * after
            stages += before * after + 2 * after if block == 0 else 0
            before = after
    assert count == stem + stages + head


def test_a_bagnet_can_learn() -> None:
    net, images = small().train(), torch.rand(8, 3, 28, 28)
    labels = torch.tensor([0, 1, 2, 3] * 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(8):
        evidence = net.fc(net.features(images).permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(dim=1)
        loss = margin_loss(evidence, labels, (3, 3))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.05


def naive_margin(evidence: Any, label: int, reach: tuple[int, int]) -> float:
    """The least lead after any attack on one window, window by window and class by class."""
    classes, rows, columns = evidence.shape
    reach = min(reach[0], rows), min(reach[1], columns)
    leads = []
    for rival in set(range(classes)) - {label}:
        for top, left in product(range(rows - reach[0] + 1), range(columns - reach[1] + 1)):
            own, other = evidence[label].clone(), evidence[rival].clone()
            own[top : top + reach[0], left : left + reach[1]] = 0.0
            other[top : top + reach[0], left : left + reach[1]] = 1.0
            leads.append((own.sum() - other.sum()).item())
    return float(min(leads))


@pytest.mark.parametrize("reach", [(1, 1), (2, 3), (9, 2)])
def test_worst_margins_are_those_of_every_attack(reach: tuple[int, int]) -> None:
    evidence = torch.rand(5, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 1, 2, 1, 0])
    expected = [naive_margin(cells, int(label), reach) for cells, label in zip(evidence, labels, strict=True)]
    assert worst_margins(evidence, labels, reach).tolist() == pytest.approx(expected, abs=1e-4)


def test_the_hinge_is_zero_where_every_margin_is_reached() -> None:
    evidence = torch.zeros(1, 2, 3, 3)
    evidence[0, 1] = 1.0
    assert margin_loss(evidence, torch.tensor([1]), (1, 1), margin=7 / 9).item() == pytest.approx(0.0, abs=1e-6)
    assert margin_loss(evidence, torch.tensor([1]), (1, 1)).item() == pytest.approx(2 / 9, abs=1e-6)
    with pytest.raises(InvalidInput, match="reach must be at least 1 row"):
        margin_loss(evidence, torch.tensor([1]), (0, 1))
    with pytest.raises(InvalidInput, match="expected evidence"):
        margin_loss(evidence[0], torch.tensor([1]), (1, 1))


def test_reach_is_the_most_cells_that_a_patch_touches() -> None:
    assert reach_of(ReceptiveField(9, 8), (224, 224), (32, 32)) == (5, 5)
    assert reach_of(ReceptiveField((33, 9), (8, 4)), (224, 32), (32, 5)) == (8, 4)
