"""Answers without scores, in two ways: a policy that gives actions, and an image-text model that writes words.

The policy is a linear model of scikit-learn on small images of a road. The image-text model of transformers has random
weights: it shows how a model that writes is called, and what its certificates cost, not that it reads well.
"""

from __future__ import annotations

import argparse
import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTModel,
)

import maskcover as mc

IMAGES = npt.NDArray[np.float32]
ACTIONS = ("left", "straight", "right")


def roads(count: int, seed: int) -> tuple[IMAGES, list[int]]:
    """Images of 16×16 with a bright road that leaves at the left, in the middle or at the right, and the turns."""
    chance = np.random.default_rng(seed)
    turns = chance.integers(3, size=count).tolist()
    images = 0.2 * chance.random((count, 16, 16), dtype=np.float32)
    for image, turn in zip(images, turns, strict=True):
        for row in range(16):
            middle = 8 + (turn - 1) * (16 - row) // 3
            image[row, middle - 2 : middle + 2] += 0.8
    return images, turns


def hashed(*parts: bytes) -> str:
    """A digest of what a function carries and Python's own names do not tell: the weights of its model."""
    return "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()


def policy(count: int) -> mc.MaskedAnswers:
    """Actions of a linear policy, each a tuple of a direction and a speed, which is what is compared."""
    images, turns = roads(count, seed=0)
    # Trained on roads with two parts hidden, as it will see them.
    chance = np.random.default_rng(1)
    for image in images:
        for row, column in chance.integers(0, 12, (2, 2)):
            image[row : row + 6, column : column + 6] = 0.0
    model = LogisticRegression(max_iter=2000).fit(images.reshape(count, -1), turns)

    def act(batch: IMAGES) -> list[tuple[str, int]]:
        return [(ACTIONS[turn], 30 if turn == 1 else 20) for turn in model.predict(batch.reshape(len(batch), -1))]

    identity = {"function": "linear policy", "weights": hashed(model.coef_.tobytes(), model.intercept_.tobytes())}
    return mc.MaskedAnswers(act, batch_size=16, identity=identity)


def writer() -> mc.MaskedAnswers:
    """A model that writes two words about an image: greedy decoding, and one image in each batch."""
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    words = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 49}
    seeing = ViTModel(ViTConfig(image_size=16, patch_size=4, num_channels=1, **small))
    writing = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, add_cross_attention=True, **words))
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(seeing.config, writing.config)
    model: Any = VisionEncoderDecoderModel(config, seeing, writing).eval()

    def write(batch: IMAGES) -> list[tuple[int, ...]]:
        with torch.inference_mode():
            tokens = model.generate(
                torch.from_numpy(batch[:, None]), do_sample=False, num_beams=1, min_new_tokens=2, max_new_tokens=2,
                decoder_start_token_id=0, pad_token_id=0, eos_token_id=49,
            )  # fmt: skip
        return [tuple(row[1:]) for row in tokens.tolist()]

    weights = hashed(*(value.numpy().tobytes() for value in model.state_dict().values()))
    return mc.MaskedAnswers(write, batch_size=1, identity={"function": "greedy, two tokens", "weights": weights})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20, help="images of roads to certify")
    parser.add_argument("--written", type=int, default=2, help="images of them that the image-text model describes")
    options = parser.parse_args(arguments)
    images, turns = roads(options.images, seed=5)

    acting = policy(600)
    masks = mc.cover(mc.squares(size=1), image_size=16, grid=(4, 4))
    actions = [(ACTIONS[turn], 30 if turn == 1 else 20) for turn in turns]
    result = mc.certify(acting, images, actions, masks, task="answers")
    print("a policy:", result)
    assert changed(acting, images, result) == 0

    writing, some = writer(), images[: options.written]
    masks = mc.cover(mc.squares(size=1), image_size=16, grid=(2, 2))
    bare = [writing.answers([image], np.zeros((1, 16, 16), np.bool_))[0] for image in some]
    written = mc.certify(writing, some, bare, masks, task="answers")
    print("an image-text model:", written)


def changed(acting: mc.MaskedAnswers, images: IMAGES, result: mc.AnswersResult) -> int:
    """The number of certified actions that some pixel changes: white at every place of the image, one at a time."""
    defended, broken = mc.defend(acting, result), 0
    for number in np.flatnonzero(result.certified)[:2]:
        attacked = np.repeat(images[number : number + 1], 256, axis=0)
        attacked.reshape(256, 256)[np.arange(256), np.arange(256)] = 9.0
        broken += sum(answer != result.labels[number] for answer in defended(attacked))
    return broken


if __name__ == "__main__":
    main()
