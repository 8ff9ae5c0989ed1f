"""A reader of signs, Tesseract, that no sticker beside the text can change: answers without scores.

Needs the program `tesseract` (apt install tesseract-ocr). Signs are drawn here, with an attacker who may put a sticker
anywhere on the plate but over its text. With --write FOLDER the signs and a table of their texts are written there, for
`maskcover certify --task answers --model examples.08_read_signs:reader` (docs/how-to/answers.md).
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry import box

import maskcover as mc
from maskcover.data import Preprocessing

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


def answer_for(text: str) -> str:
    """The true answer of a sign: its capital letters and digits, which is the form that `read` gives."""
    return "".join(filter(str.isalnum, text))


def write(folder: Path, count: int = len(TEXTS)) -> Path:
    """Write the signs as PNG files, and signs.csv with their true answers; return the path of the table."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "signs.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("path", "label"))
        for number, text in enumerate(TEXTS[:count]):
            Image.fromarray(sign(text)).save(folder / f"{number}.png")
            table.writerow((f"{number}.png", answer_for(text)))
    return folder / "signs.csv"


def read_fractions(images: npt.NDArray[np.floating]) -> list[str]:
    """As `read`, for images (n, height, width, 1) with values from 0 to 1, as the command line prepares them."""
    return read(np.rint(255 * images[..., 0]).astype(np.uint8))


def reader() -> mc.MaskedAnswers:
    """The reader for the command line, with the size of its images and the version of the program."""
    shape = Preprocessing((mc.Resize((HEIGHT, WIDTH)),), mean=(0.0,), std=(1.0,), channels=1, layout="hwc")
    return mc.MaskedAnswers(read_fractions, fill=1.0, preprocessing=shape, identity=version)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signs", type=int, default=len(TEXTS), help="signs to certify")
    parser.add_argument("--write", type=Path, help="only write the signs and a table of their texts to this folder")
    options = parser.parse_args(arguments)
    count = options.signs
    if options.write is not None:
        print(f"written: {write(options.write, count)}")
        return
    if shutil.which("tesseract") is None:
        print("tesseract is not installed: apt install tesseract-ocr")
        return
    texts = TEXTS[:count]
    images = [sign(text) for text in texts]
    answers = [answer_for(text) for text in texts]

    # Any sticker of 32×64 that leaves the rows of the text alone.
    regions = mc.avoiding(mc.rectangle(height=32, width=64), box(0, 0, WIDTH, TEXT_BOTTOM))
    masks = mc.cover(regions, image_size=(HEIGHT, WIDTH), grid=(1, 3))

    plain = mc.MaskedAnswers(read, fill=255, identity=version)
    result = mc.certify(plain, images, answers, masks, task="answers")
    print(result)
    print("answers:", ", ".join(result.defended))

    # A sticker with text of its own changes the bare reader, and not the defended one.
    attacked = images[0].copy()
    attacked[58:90, 10:74] = sign("", sticker="NOT")[58:90, 10:74]
    (answer,) = mc.defend(plain, result)([attacked])
    print(f"with a sticker: undefended {read(attacked[None])[0]}, defended {answer}")
    if result.certified[0]:
        assert answer == answers[0]


if __name__ == "__main__":
    main()
