"""Receptive fields of networks: measured by NaN, tested by bits, and refused where everything mixes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, NumericContract, ProbeFailed, ReceptiveField
from tests.laws import examples

torch = pytest.importorskip("torch")

from maskcover_torch import bagnet, receptive_field  # noqa: E402
from maskcover_torch.cells import Cells  # noqa: E402
from maskcover_torch.fields import Ruler, enclosing  # noqa: E402
from torch import nn  # noqa: E402

ALONE = NumericContract(threads=1)


def measured(model: Any, size: Any, layer: str | None = None, **options: Any) -> ReceptiveField:
    return receptive_field(model.eval(), size, layer, contract=ALONE, **options)


@pytest.mark.parametrize("field", [9, 17, 33])
def test_bagnets_have_the_fields_of_their_paper(field: int) -> None:
    net = bagnet(field, classes=5, width=2, blocks=(1, 2, 1, 1))
    assert measured(net, 72, "layer4") == ReceptiveField(field, 8)


def test_a_small_bagnet_has_cells_of_nine_pixels_every_four() -> None:
    net = bagnet(9, classes=5, width=2, blocks=(1, 1, 1, 1), strides=(2, 2, 1, 1), channels=1)
    assert measured(net, (28, 32), "layer4") == ReceptiveField(9, 4)


LAYERS = st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.integers(1, 2), st.integers(0, 1)), min_size=1, max_size=3)


@examples(12)
@given(LAYERS, st.sampled_from([(13, 12), (16, 16), (11, 14)]))
def test_convolutions_in_a_row_have_the_field_of_their_steps(layers: list[tuple[int, int, int]], size: Any) -> None:
    layers = [(kernel, stride, min(padding, kernel - 1)) for kernel, stride, padding in layers]
    net = nn.Sequential(*(nn.Conv2d(1, 1, *layer) for layer in layers))
    expected = size
    for layer in layers:
        expected = ReceptiveField(*layer).output(expected)
    field = measured(net, size)
    assert field.output(size) == expected == tuple(net(torch.zeros(1, 1, *size)).shape[2:])
    # Every pixel that changes a cell lies inside its window: pixel by pixel, by gradients.
    image = torch.rand(1, 1, *size, requires_grad=True)
    with torch.no_grad():
        for value in net.parameters():
            value.fill_(1.0)
    cells, axes = net(image)[0, 0], field.axes(size)
    for row, column in np.ndindex(*expected):
        (slope,) = torch.autograd.grad(cells[row, column], image, retain_graph=True)
        inside = np.zeros(size, bool)
        inside[
            axes[0].first[row] : axes[0].stop[row], axes[1].first[column] : axes[1].stop[column]
        ] = True  # fmt: skip
        assert not (slope[0, 0].numpy() != 0)[~inside].any()


@given(
    st.integers(4, 14).flatmap(
        lambda length: st.tuples(
            st.just(length), st.lists(st.tuples(st.integers(0, length), st.integers(0, length)), min_size=1, max_size=6)
        )
    )
)
def test_the_enclosing_field_has_the_same_cells_and_encloses_each(case: tuple[int, list[tuple[int, int]]]) -> None:
    length, spans = case
    first = np.array([min(span) for span in spans])
    stop = np.array([max(span) for span in spans])
    first[first == stop] = stop[first == stop] = 0
    if len(spans) > length:
        return  # a field never has more cells than that without padding
    size, stride, padding = enclosing(first, stop, length)
    axis, _ = ReceptiveField((size, 1), (stride, 1), (padding, 0)).axes((length, 1))
    assert axis.outputs == len(spans)
    cells = first < stop
    assert (axis.first <= first)[cells].all()
    assert (axis.stop >= stop)[cells].all()


def test_the_enclosing_field_is_no_larger_than_it_must_be() -> None:
    assert enclosing(np.array([0, 4, 8]), np.array([3, 7, 11]), 12) == (3, 4, 0)
    assert enclosing(np.array([0, 1, 5]), np.array([3, 7, 10]), 10) == (6, 4, 3)


class Mean(nn.Module):
    """Subtracts a little of the mean over the image; NaN gets lost on the way if `hides` says so."""

    def __init__(self, *, hides: bool) -> None:
        super().__init__()
        self.conv, self.hides = nn.Conv2d(3, 4, 3), hides

    def forward(self, images: Any) -> Any:
        cells = self.conv(images)
        seen = torch.nan_to_num(cells, 0.0, 0.0, 0.0) if self.hides else cells
        return cells - 1e-3 * seen.mean(dim=(2, 3), keepdim=True)


class Squeezed(nn.Module):
    """Squeeze-and-excitation behind a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)

    def forward(self, images: Any) -> Any:
        cells = self.conv(images)
        return cells * self.gate(cells.mean(dim=(2, 3), keepdim=True)).sigmoid()


class Compared(nn.Module):
    """Counts how many pixels of the image are larger than a number: comparisons lose NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: Any) -> Any:
        return self.conv(images) + (images > 50).float().mean(dim=(1, 2, 3))[:, None, None, None]


@pytest.mark.parametrize(
    ("net", "what"),
    [
        (Mean(hides=False), "whole image"),
        (Squeezed(), r"'gate' \(Conv2d\)"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4)), r"'1' \(InstanceNorm2d\)"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)), r"'1' \(GroupNorm\)"),
        (nn.Conv2d(3, 4, 9, padding=4), "as large as the image"),
    ],
)
def test_a_network_that_mixes_the_image_is_refused_with_what_mixes(net: Any, what: str) -> None:
    with pytest.raises(InvalidInput, match=f"depends on the whole image.*{what}|{what}.*earlier layer"):
        measured(net, 8 if isinstance(net, nn.Conv2d) else 12)


@pytest.mark.parametrize("net", [Mean(hides=True), Compared()])
def test_what_loses_nan_is_caught_by_bits(net: Any) -> None:
    with pytest.raises(ProbeFailed, match=r"outside the rows.*more than a NaN shows"):
        measured(net, 12)


@pytest.mark.parametrize("axis", [0, 1])
def test_leaks_along_one_axis_are_caught(axis: int) -> None:
    """A field that is too small in one direction: each cell also sees a pixel far away along an axis."""

    class Far(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, images: Any) -> Any:
            return self.conv(images) + 1e-6 * torch.roll(images, 5, dims=axis + 2)[:, :, 2:, 2:]

    ruler = Ruler(Far().eval(), (12, 12), 1, ALONE)
    with pytest.raises(ProbeFailed, match=("row", "column")[axis]):
        ruler.expect_inside(ReceptiveField(3, 1))
    field = ruler.measured()
    ruler.expect_inside(field)
    assert field.of_axes[1 - axis] == (3, 1, 0)


def test_a_field_with_other_cells_is_refused() -> None:
    ruler = Ruler(nn.Conv2d(1, 1, 3).eval(), (12, 12), 1, ALONE)
    with pytest.raises(InvalidInput, match="10×10"):
        ruler.expect_inside(ReceptiveField(3, 2))


def test_rows_of_a_batch_that_mix_are_refused() -> None:
    class Batch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, images: Any) -> Any:
            cells = self.conv(images)
            return cells + 1e-3 * cells.mean(dim=0, keepdim=True)

    with pytest.raises((InvalidInput, ProbeFailed)):
        receptive_field(Batch().eval(), 12, contract=NumericContract(threads=1, batch_size=4))


def test_networks_are_measured_at_the_size_that_is_named_alone() -> None:
    net = nn.Conv2d(2, 1, (3, 5), stride=(2, 1), padding=(1, 0))
    assert measured(net, (9, 12)) == ReceptiveField((3, 5), (2, 1), (1, 0))


def test_tokens_and_channels_last_are_cells_too() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.first = nn.Conv2d(3, 6, 4, stride=4), nn.Parameter(torch.zeros(1, 1, 6))

        def forward(self, images: Any) -> Any:
            tokens = self.conv(images).flatten(2).transpose(1, 2)
            return torch.cat([self.first.expand(len(images), -1, -1), tokens], dim=1)

    assert measured(Tokens(), (12, 16)) == ReceptiveField(4, 4)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 7, 4, stride=4)

        def forward(self, images: Any) -> Any:
            return self.conv(images).permute(0, 2, 3, 1)

    assert measured(Last(), (12, 16)) == ReceptiveField(4, 4)
    assert Cells(Last().eval(), None, "nhwc")(torch.zeros(1, 3, 12, 16)).shape == (1, 7, 3, 4)


def test_bad_input_names_what_to_type() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(400, 3)).eval()
    with pytest.raises(InvalidInput, match="no layer 'conv'; it has 0, 1, 2"):
        receptive_field(net, 12, "conv")
    with pytest.raises(InvalidInput, match="name a layer before the pooling"):
        receptive_field(net, 12)
    with pytest.raises(InvalidInput, match="layout must be one of nchw, nhwc, tokens"):
        receptive_field(net, 12, "0", layout="hwc")
    with pytest.raises(InvalidInput, match="training mode"):
        receptive_field(net.train(), 12, "0")
    with pytest.raises(InvalidInput, match="a field of 3, 5, 9, 17, 33; got 11"):
        bagnet(11)
