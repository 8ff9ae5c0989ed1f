"""A reader of signs, Tesseract, that no sticker beside the text can change: answers without scores.

Needs the program `tesseract` (apt install tesseract-ocr). Signs are drawn here, with an attacker who may put a sticker
anywhere on the plate but over its text.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry import box

import maskcover as mc

PIXELS = npt.NDArray[np.uint8]
HEIGHT, WIDTH, TEXT_BOTTOM = 96, 256, 56
TEXTS = ("B 4072 KX", "STOP", "SLOW 30", "HH 918 T")


def sign(text: str, sticker: str = "") -> PIXELS:
    """A plate with a text; a sticker of 32×64 pixels beneath it may say something else."""
    plate = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(plate)
    draw.text((12, 6), text, font=ImageFont.load_default(40), fill=0)
    draw.text((18, TEXT_BOTTOM + 2), sticker, font=ImageFont.load_default(26), fill=0)
    return np.asarray(plate)


def read(images: PIXELS) -> list[str]:
    """The text of each image, in one form: capital letters and digits alone."""
    return ["".join(filter(str.isalnum, tesseract(image).upper())) for image in images]


def tesseract(image: PIXELS) -> str:
    """The output of the program for one image; one thread, so that its sums are always in the same order."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="png")
    command = ["tesseract", "-", "-", "--psm", "6", "-l", "eng"]
    surroundings = {"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    done = subprocess.run(command, input=file.getvalue(), capture_output=True, env=surroundings, check=True)  # noqa: S603
    return done.stdout.decode()


def version() -> dict[str, str]:
    """What a fingerprint must name of a reader that Python cannot see into."""
    done = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    return {"function": "tesseract, psm 6, eng, capitals and digits", "library": done.stdout.splitlines()[0]}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signs", type=int, default=len(TEXTS), help="signs to certify")
    count = parser.parse_args(arguments).signs
    if shutil.which("tesseract") is None:
        print("tesseract is not installed: apt install tesseract-ocr")
        return
    texts = TEXTS[:count]
    images = [sign(text) for text in texts]
    answers = ["".join(filter(str.isalnum, text)) for text in texts]

    # Any sticker of 32×64 that leaves the rows of the text alone.
    regions = mc.avoiding(mc.rectangle(height=32, width=64), box(0, 0, WIDTH, TEXT_BOTTOM))
    masks = mc.cover(regions, image_size=(HEIGHT, WIDTH), grid=(1, 3))

    reader = mc.MaskedAnswers(read, fill=255, identity=version)
    result = mc.certify(reader, images, answers, masks, task="answers")
    print(result)
    print("answers:", ", ".join(result.defended))

    # A sticker with text of its own changes the bare reader, and not the defended one.
    attacked = images[0].copy()
    attacked[58:90, 10:74] = sign("", sticker="NOT")[58:90, 10:74]
    (answer,) = mc.defend(reader, result)([attacked])
    print(f"with a sticker: undefended {read(attacked[None])[0]}, defended {answer}")
    if result.certified[0]:
        assert answer == answers[0]


if __name__ == "__main__":
    main()
