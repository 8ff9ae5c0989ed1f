"""`maskcover report` with --html, --markdown, --images and --json: the same facts, and the run's own images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskcover.cli.output import BAD_INPUT
from tests.cli.conftest import Run, picture

pytestmark = pytest.mark.usefixtures("one_thread")
REGIONS = ("--regions", "squares(size=4)", "--input-size", "24", "--mean", "0.5", "--std", "0.5")


def certified(run: Run, photos: Path, model: str = "brightness", *more: str) -> None:
    batches = () if model == "named" else ("--batch-size", "8")  # that one has its own
    arguments = ("--model", f"tests.cli.models:{model}", "--data", str(photos), *REGIONS, *batches, "--out", "RUN")
    done = run("certify", *arguments, *more)
    assert done.code == 0, done.err


def test_the_page_the_markdown_and_the_json_tell_the_same_facts(run: Run, photos: Path) -> None:
    pytest.importorskip("jinja2")
    certified(run, photos)
    done = run("report", "RUN", "--html", "a.html", "--markdown", "a.md", "--images", "3", "--json")
    assert done.code == 0
    facts = done.json["facts"]
    page, text = Path("a.html").read_text(), Path("a.md").read_text().replace("\\", "")
    assert facts["claim"] == (
        "Whatever is written into any one square of 4×4 pixels of the model's input of 24×24 pixels, the defended "
        "model answers the true label."
    )
    for shown in (page, text):
        assert facts["outcome"] in shown
        assert facts["fingerprints"][0]["claim"] in shown
        assert "maskcover replay RUN --model tests.cli.models:brightness" in shown
        assert all(image["id"] in shown for image in facts["images"])
        assert all(limit.split("'")[0] in shown for limit in facts["limits"])
    assert facts["outcome"].startswith("This is proved for 3 of 3 images (100.0 %")
    assert page.count("data:image/png;base64,") == 6
    assert [image["shown"] for image in facts["images"]] == [True] * 3
    assert {image["label"] for image in facts["images"]} == {"dark (class 0)", "light (class 1)"}


def test_the_digest_of_the_run_is_printed_as_it_stands_on_the_page(run: Run, photos: Path) -> None:
    pytest.importorskip("jinja2")
    certified(run, photos)
    said = run("report", "RUN", "--html", "a.html").out
    claim = json.loads(Path("RUN/run.json").read_text())["digest"]
    assert f"  digest of the run {claim}\n" in said
    assert claim in Path("a.html").read_text()


def test_with_0_images_no_pixel_leaves(run: Run, photos: Path) -> None:
    pytest.importorskip("jinja2")
    certified(run, photos)
    assert run("report", "RUN", "--html", "a.html", "--images", "0").out.endswith("wrote a.html\n")
    page = Path("a.html").read_text()
    assert "data:" not in page.replace("img-src data:", "")
    assert "dark/a.png" not in page


def test_images_that_changed_or_are_gone_are_not_shown(run: Run, photos: Path) -> None:
    certified(run, photos)
    picture(photos / "dark/a.png", 11)
    (photos / "dark/b.png").unlink()
    facts = run("report", "RUN", "--images", "3", "--json").json["facts"]
    shown = {image["id"]: (image["shown"], image["note"]) for image in facts["images"]}
    assert shown["light/c.png"] == (True, "")
    assert shown["dark/a.png"] == (False, "not shown: its pixels are not those that were certified")
    assert shown["dark/b.png"][0] is False
    assert "no longer among the images" in shown["dark/b.png"][1]


def test_data_that_are_gone_leave_a_report_without_images(run: Run, photos: Path) -> None:
    certified(run, photos)
    photos.rename(photos.with_name("moved"))
    facts = run("report", "RUN", "--images", "3", "--json").json["facts"]
    assert {image["shown"] for image in facts["images"]} == {False}
    assert all("cannot be opened here" in image["note"] for image in facts["images"])
    assert [row["name"] for row in facts["classes"]] == ["class 0", "class 1"]


def test_a_file_of_names_that_the_run_names_is_not_read_until_it_is_typed(run: Run, photos: Path) -> None:
    Path("names.json").write_text('["dark", "light"]')
    certified(run, photos, "brightness", "--classes", "names.json")
    Path("names.json").write_text('["secret", "word"]')
    folder = run("report", "RUN", "--json")
    assert [row["name"] for row in folder.json["facts"]["classes"]] == ["dark (class 0)", "light (class 1)"]
    (photos / "dark").rename(photos / "a")  # no names of the data are left that have the ids of the rows
    for gone in (run("report", "RUN", "--json"), run("report", "RUN", "--json", "--images", "3")):
        assert [row["name"] for row in gone.json["facts"]["classes"]] == ["class 0", "class 1"]
        assert "secret" not in gone.out
    typed = run("report", "RUN", "--json", "--classes", "names.json")
    assert [row["name"] for row in typed.json["facts"]["classes"]] == ["secret (class 0)", "word (class 1)"]


def test_names_of_classes_in_another_order_than_the_rows_are_not_used(run: Run, photos: Path) -> None:
    # This model knows its classes as light and dark; the folders, opened without it, are dark and light.
    certified(run, photos, "named")
    facts = run("report", "RUN", "--images", "3", "--json").json["facts"]
    assert [row["name"] for row in facts["classes"]] == ["class 0", "class 1"]
    assert [image["shown"] for image in facts["images"]] == [True] * 3


WRONG = (
    ("--images", "3"),
    ("--html", "a", "--markdown", "a"),
    ("--html", "no/folder/a.html"),
    ("--html", "a", "--rule", "all-pairs"),
)


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_what_cannot_be_written_is_refused(run: Run, photos: Path, options: tuple[str, ...]) -> None:
    certified(run, photos)
    assert run("report", "RUN", *options).code == BAD_INPUT


def test_a_run_in_the_frame_of_the_source_has_maps_for_each_size(run: Run, photos: Path) -> None:
    picture(photos / "light/wide.png", 240, (24, 36))
    certified(run, photos, "brightness", "--frame", "source")
    done = run("report", "RUN", "--images", "4", "--json", "--markdown", "a.md")
    facts = done.json["facts"]
    assert facts["claim"].startswith(
        "Whatever is written into any one square of 4×4 pixels of the image before it is resized or cropped, the"
    )
    assert [part["part"] for part in facts["fingerprints"]] == ["24x24", "24x36"]
    assert [image["shown"] for image in facts["images"]] == [True] * 4
    assert len(facts["commands"]) == 2
    json.dumps(facts)
