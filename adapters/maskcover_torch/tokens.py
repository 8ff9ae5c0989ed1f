"""`TokenNetwork`: a vision transformer in two parts, between which tokens can be left out.

Both parts are the model's own modules with its own code. What cannot be shown to be right, on noise, is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from maskcover.classifiers.occlusion import DropTokens, Fill
from maskcover.errors import InvalidInput, MaskcoverError
from maskcover_torch.outputs import scores_of

Scores = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From images (n, channels, height, width) and hidden pixels, bool (n, 1, height, width), to scores (n, classes)."""


def scores_under(model: torch.nn.Module, occlusion: Fill | DropTokens) -> Scores:
    """The masked predictions of a model as one function, with gradients.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3)).eval()
    >>> scores_under(net, Fill(0.0))(torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2, dtype=torch.bool)).shape
    torch.Size([2, 3])
    """
    if isinstance(occlusion, DropTokens):
        return TokenNetwork.of(model, occlusion).scores_under
    return lambda images, hidden: scores_of(model(occlusion.shown(images, hidden, 1, torch)), len(images), None)


@dataclass(frozen=True, slots=True, eq=False)
class TokenNetwork:
    """A vision transformer in two parts, which share the weights of the model.

    Args:
        whole: The model.
        embedding: From images (n, channels, height, width) to sequences (n, length, features): first class, register
            and distillation tokens, then the tokens of the image row by row, with position embeddings added.
        rest: The same model, but it takes sequences of any length instead of images.
        occlusion: The sides of a token.
        channels: The number of channels of an image.
    """

    whole: torch.nn.Module
    embedding: Callable[[torch.Tensor], torch.Tensor]
    rest: torch.nn.Module
    occlusion: DropTokens
    channels: int

    @classmethod
    def of(cls, model: torch.nn.Module, occlusion: DropTokens) -> TokenNetwork:
        """The two parts of a model.

        Raises:
            InvalidInput: the model holds no known vision transformer, or several; or its tokens have other sides.
        """
        known = [(name, part) for name, part in model.named_modules() if _name_of(part) in _PARTS]
        if len(known) != 1:
            raise InvalidInput(
                f"{type(model).__name__} holds {len(known)} vision transformers whose tokens can be left out, and "
                f"exactly one is needed; there are {', '.join(sorted(name.rpartition('.')[2] for name in _PARTS))}, of "
                "timm and transformers. Shifted windows, stages of convolutions, relative positions and rotary ones "
                "have no tokens that can be left out; use a fill instead"
            )
        name, part = known[0]
        patches, embedding, rest = _PARTS[_name_of(part)](part)
        _expect_sides(patches, occlusion)
        tail = _replaced(model, name.split(".") if name else [], rest)
        return cls(model, embedding, tail, occlusion, patches.in_channels)

    def scores_of_kept(self, sequences: torch.Tensor, hidden: torch.Tensor, count: int) -> torch.Tensor:
        """Scores (n, classes) of sequences (n, length, features) without their hidden tokens.

        Args:
            sequences: What `embedding` makes.
            hidden: bool (n, tokens), with the same number of hidden tokens in each row.
            count: The number of tokens that stay, at least 1.
        """
        first = sequences.shape[1] - hidden.shape[1]
        # A stable sort puts the tokens that stay in front, in their order, without a word to the host.
        kept = hidden.to(torch.uint8).argsort(dim=1, stable=True)[:, :count] + first
        always = torch.arange(first, device=kept.device).expand(len(kept), -1)
        places = torch.cat([always, kept], dim=1)[:, :, None].expand(-1, -1, sequences.shape[2])
        return scores_of(self.rest(sequences.gather(1, places)), len(sequences), None)

    def scores_under(self, images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Scores of images whose hidden pixels are those of whole tokens; NaN where all tokens are hidden."""
        height, width = self.occlusion.sides
        tokens = hidden[:, 0, ::height, ::width].flatten(1)
        sequences, counts = self.embedding(images), (~tokens).sum(dim=1)
        parts, rows = list[torch.Tensor](), list[torch.Tensor]()
        for count in sorted(set(counts.tolist())):
            rows.append((counts == count).nonzero().squeeze(1))
            used = max(count, 1)  # with nothing left, one token stands in, and its scores are not used
            shown = tokens[rows[-1]] if count else _all_but_one(tokens[rows[-1]])
            scores = self.scores_of_kept(sequences[rows[-1]], shown, used)
            parts.append(scores if count else torch.full_like(scores, torch.nan))
        return torch.cat(parts)[torch.cat(rows).argsort()]

    def expect_right(self, size: tuple[int, ...], place: tuple[torch.device, torch.dtype]) -> int:
        """Test the parts on noise of a size, (height, width), and give the number of classes.

        Raises:
            InvalidInput: a token depends on pixels outside it; or the two parts give other scores than the model; or
                the rest of the model knows where in the sequence a token stands.
        """
        try:
            return self._tested(size, place)
        except (MaskcoverError, torch.cuda.OutOfMemoryError):
            raise
        except Exception as error:  # the model's own code may raise anything
            raise InvalidInput(
                f"{_subject(self)}: it fails ({str(error).partition(chr(10))[0]}); check the size of the images, or "
                "use a fill"
            ) from error

    def _tested(self, size: tuple[int, ...], place: tuple[torch.device, torch.dtype]) -> int:
        generator = torch.Generator().manual_seed(0)
        image = torch.rand((1, self.channels, *size), generator=generator).to(place[0], place[1])
        sequence, tokens = self.embedding(image), _count(size, self.occlusion)
        first = sequence.shape[1] - tokens
        if sequence.ndim != 3 or first < 0:
            raise InvalidInput(
                f"{_subject(self)}: its embedding has shape {tuple(sequence.shape)}, not {tokens} tokens"
            )
        for hidden in _halves(tokens):
            self._expect_local(image, sequence, hidden.to(place[0]))
        whole = scores_of(self.whole(image), 1, None)
        classes = whole.shape[1]
        self._expect_same(whole, sequence, "all tokens kept")
        order = torch.randperm(tokens, generator=generator).to(place[0]) + first
        moved = torch.cat([sequence[:, :first], sequence[:, order]], dim=1)
        self._expect_same(whole, moved, "tokens in another order")
        none, half = torch.zeros((1, tokens), dtype=torch.bool, device=place[0]), tokens // 2
        none[:, :half] = True
        self.scores_of_kept(sequence, none, tokens - half)
        return classes

    def _expect_local(self, image: torch.Tensor, before: torch.Tensor, hidden: torch.Tensor) -> None:
        """Overwrite the pixels of hidden tokens with NaN: they alone must change."""
        height, width = self.occlusion.sides
        grid = hidden.reshape(image.shape[2] // height, image.shape[3] // width)
        pixels = grid.repeat_interleave(height, 0).repeat_interleave(width, 1)
        after = self.embedding(torch.where(pixels, torch.full_like(image, torch.nan), image))
        first = before.shape[1] - len(hidden)
        stays = torch.cat([torch.ones(first, dtype=torch.bool, device=hidden.device), ~hidden])
        if not torch.equal(before[:, stays], after[:, stays]) or not after[:, ~stays].isnan().all():
            raise InvalidInput(f"{_subject(self)}: a token depends on other pixels than its own; use a fill")

    def _expect_same(self, whole: torch.Tensor, sequence: torch.Tensor, what: str) -> None:
        scores = scores_of(self.rest(sequence), 1, whole.shape[1])
        gap, scale = (scores - whole).nan_to_num().abs().max(), whole.nan_to_num().abs().max()
        allowed = _ROUNDING * min(torch.finfo(whole.dtype).eps, _COARSEST) * scale
        # A broken model, whose scores are not finite, is left to the judgement of labels: it certifies nothing.
        if not torch.equal(scores.isnan(), whole.isnan()) or not gap <= allowed:
            raise InvalidInput(
                f"{_subject(self)}: with {what} its scores change by {float(gap / scale):.1e} of the largest; use a "
                "fill"
            )


_ROUNDING, _COARSEST = 1000, 5e-5
_Split = tuple[torch.nn.Conv2d, Callable[[torch.Tensor], torch.Tensor], torch.nn.Module]
"""The convolution of the patches, the embedding, and the rest."""


def _of_timm(model: Any) -> _Split:
    """The parts of timm's `VisionTransformer`: patches and positions; and the model with both replaced."""
    rest = _shallow(model)
    rest._modules["patch_embed"] = torch.nn.Identity()
    vars(rest)["_pos_embed"] = _as_it_is
    return _convolution(model.patch_embed), lambda images: model._pos_embed(model.patch_embed(images)), rest


def _of_transformers(model: Any) -> _Split:
    """The parts of a vision model of transformers: its `embeddings`; and the model with those replaced."""
    passing = _shallow(model.embeddings)
    vars(passing).update(forward=_as_it_is, _forward_hooks={}, _forward_pre_hooks={})
    return _convolution(model.embeddings), model.embeddings, _replaced(model, ["embeddings"], passing)


_REGISTERS = "dinov2_with_registers"
_PARTS: dict[str, Callable[[Any], _Split]] = {
    "timm.models.vision_transformer.VisionTransformer": _of_timm,
    "timm.models.deit.VisionTransformerDistilled": _of_timm,
    "transformers.models.vit.modeling_vit.ViTModel": _of_transformers,
    "transformers.models.deit.modeling_deit.DeiTModel": _of_transformers,
    "transformers.models.dinov2.modeling_dinov2.Dinov2Model": _of_transformers,
    f"transformers.models.{_REGISTERS}.modeling_{_REGISTERS}.Dinov2WithRegistersModel": _of_transformers,
    "transformers.models.clip.modeling_clip.CLIPVisionModel": _of_transformers,
    "transformers.models.clip.modeling_clip.CLIPVisionTransformer": _of_transformers,
}
"""Vision transformers by the full names of their classes: a subclass may compute something else."""


def _as_it_is(sequence: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return sequence


def _name_of(part: torch.nn.Module) -> str:
    return f"{type(part).__module__}.{type(part).__qualname__}"


def _shallow(module: torch.nn.Module) -> Any:
    """A copy that shares parameters, buffers and children, but can be given other children."""
    twin = copy.copy(module)
    vars(twin)["_modules"] = dict(module._modules)
    return twin


def _replaced(model: torch.nn.Module, path: list[str], part: torch.nn.Module) -> torch.nn.Module:
    """A shallow copy of a model with another module at a path; the model itself is not changed."""
    if not path:
        return part
    twin = _shallow(model)
    twin._modules[path[0]] = _replaced(twin._modules[path[0]], path[1:], part)
    return twin  # type: ignore[no-any-return]  # a module by construction


def _convolution(module: torch.nn.Module) -> torch.nn.Conv2d:
    """The one convolution that makes patches."""
    layers = [part for part in module.modules() if isinstance(part, torch.nn.Conv2d)]
    if len(layers) != 1:
        raise InvalidInput(
            f"{type(module).__name__} makes its patches by {len(layers)} convolutions, where tokens see more than "
            "their own pixels; use a fill"
        )
    return layers[0]


def _expect_sides(patches: torch.nn.Conv2d, occlusion: DropTokens) -> None:
    sides = patches.kernel_size[0], patches.kernel_size[1]
    if sides != tuple(patches.stride) or patches.padding not in ((0, 0), "valid", 0):
        raise InvalidInput(
            f"the patches of the model overlap ({patches}), so its tokens cannot be left out; use a fill"
        )
    if sides != occlusion.sides:
        raise InvalidInput(
            f"the tokens of the model have {sides[0]}×{sides[1]} pixels; got {occlusion}: type {DropTokens(*sides)}"
        )


def _count(size: tuple[int, ...], occlusion: DropTokens) -> int:
    return (size[0] // occlusion.sides[0]) * (size[1] // occlusion.sides[1])


def _halves(count: int) -> Iterator[torch.Tensor]:
    """Sets of tokens, such that of any two tokens each is in some set without the other: bool (count,) each."""
    places = torch.arange(count)
    for digit in range(max(count - 1, 1).bit_length()):
        half = (places >> digit & 1).bool()
        yield from (half, ~half)


def _all_but_one(tokens: torch.Tensor) -> torch.Tensor:
    shown = tokens.clone()
    shown[:, 0] = False
    return shown


def _subject(network: TokenNetwork) -> str:
    return f"the tokens of {type(network.whole).__name__} cannot be left out"
