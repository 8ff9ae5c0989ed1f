"""Runs of answers: rows keep answers, whatever numbers a process gives them; asked again, compared, replayed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pyarrow import parquet

import maskcover as mc
from maskcover import InvalidInput
from maskcover.classifiers import interned
from maskcover.classifiers.interned import FIRST_NUMBER
from maskcover.report import to_html, to_markdown
from maskcover.runs import Folder, OpenedRun, replay
from tests.runs import readers

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE = 4
MASKS = mc.cover(mc.squares(size=1), image_size=SIDE, grid=(2, 2))
LEVELS = np.array([0.1, 0.5, 0.9, 0.38, 0.1])
IMAGES = np.repeat(LEVELS, SIDE * SIDE).reshape(-1, SIDE, SIDE)
WORDS = ["night", "dusk", "day", "night", "dawn, or dusk"]


def run_in(out: Path, images: Any = IMAGES, words: Any = WORDS, **options: Any) -> OpenedRun:
    mc.run(mc.MaskedAnswers(readers.shade, fill=0.5), images, words, MASKS, out, shard_size=2, **options)
    opened: OpenedRun = mc.open_run(out)
    return opened


def stored(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((out / "shards").glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]


def test_rows_keep_the_answers_and_opened_runs_name_them(tmp_path: Path) -> None:
    run = run_in(tmp_path / "RUN")
    direct = mc.certify(readers.shade, IMAGES, WORDS, MASKS, task="answers", fill=0.5)
    assert run.task == "answers"
    for name in ("labels", "undefended", "defended"):
        assert list(map(run.answer_of, getattr(run, name))) == getattr(direct, name).tolist()
    assert run.certified().tolist() == direct.certified.tolist() == [True, True, True, False, False]
    assert stored(tmp_path / "RUN")[4]["answers"][:2] == ['"dawn, or dusk"', '"night"']
    assert (
        (run.summary().undefended, run.summary().defended)
        == (4, int((direct.defended == direct.labels).sum()))
        == (4, 3)
    )
    assert run.to_arrow().column("defended").to_pylist()[:3] == ['"night"', '"dusk"', '"day"']
    night = int(run.labels[0])
    assert run.select(label=night).ids == ["0", "3"]
    assert run.answer_of(-1) is None
    mc.run(readers.scores, IMAGES, [0] * 5, MASKS, tmp_path / "L", batch_size=4)
    with pytest.raises(InvalidInput, match="run of labels"):
        mc.open_run(tmp_path / "L").answer_of(0)


@pytest.mark.parametrize(
    "procedure", ["double_masking()", "challenger_masking()", "voting()", "detection(threshold=0)"]
)
def test_an_opened_run_certifies_other_regions_as_certify_does(tmp_path: Path, procedure: str) -> None:
    masks = mc.bands(width=2, image_size=SIDE) if procedure == "voting()" else MASKS
    mc.run(readers.reader(), IMAGES, WORDS, masks, tmp_path, procedure=procedure, regions="squares(size=1)")
    for regions in ("squares(size=1)", "rectangles(area=1)"):
        direct = mc.certify(readers.reader(), IMAGES, WORDS, masks, procedure=procedure, regions=regions)
        assert mc.open_run(tmp_path).certified(regions).tolist() == direct.certified.tolist()


class Columns:
    """Gives each view of one column its own answer."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers

    def __call__(self, images: npt.NDArray[Any]) -> list[Any]:
        return [self._answers[int((image[0] != 2).argmax())] for image in images]


def test_a_tie_of_votes_is_not_certified_by_an_opened_run(tmp_path: Path) -> None:
    """Places of answers would look like class numbers, and the true answer, the first, would win ties."""
    views = mc.bands(width=1, image_size=(1, 5))
    for number, word in enumerate("acdefgh"):
        reader = mc.MaskedAnswers(Columns([word, word, word, "b", None]), fill=2)
        out = tmp_path / str(number)
        mc.run(reader, [np.ones((1, 5), np.int64)], [word], views, out, regions="squares(size=1)", procedure="voting()")
        run = mc.open_run(out)
        assert not run.certified("rectangles(area=1)").any()
        assert run.labels.min() >= FIRST_NUMBER


def test_rows_do_not_depend_on_how_a_process_numbers_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run_in(tmp_path / "plain")
    monkeypatch.setattr(interned, "_number", lambda _, turn: FIRST_NUMBER + turn)  # every digest is taken
    turned = run_in(tmp_path / "turned")
    assert stored(tmp_path / "plain") == stored(tmp_path / "turned")
    again = mc.open_run(tmp_path / "plain")  # numbered in another way than when it was opened first
    assert [*map(again.answer_of, again.defended)] == [*map(plain.answer_of, plain.defended)]
    assert again.certified("squares(size=1)").tolist() == turned.certified("squares(size=1)").tolist()


def test_runs_are_compared_by_answers_and_not_by_numbers(tmp_path: Path) -> None:
    run_in(tmp_path / "a")
    run_in(tmp_path / "b", keep_tables=True)
    run_in(tmp_path / "c", words=[*WORDS[:4], "dawn"])
    assert mc.compare(tmp_path / "a", tmp_path / "b").counts[2].images == 5
    with pytest.raises(InvalidInput, match="different true labels for 4"):
        mc.compare(tmp_path / "a", tmp_path / "c")
    mc.run(readers.scores, IMAGES, [0] * 5, MASKS, tmp_path / "L", batch_size=4)
    with pytest.raises(InvalidInput, match="one of labels"):
        mc.compare(tmp_path / "a", tmp_path / "L")


def test_a_replay_compares_answers_and_not_their_places(tmp_path: Path) -> None:
    run_in(tmp_path / "RUN")
    same = replay(tmp_path / "RUN", mc.MaskedAnswers(readers.shade, fill=0.5), IMAGES, WORDS)
    assert same
    assert same.rows == 5
    other = replay(tmp_path / "RUN", mc.MaskedAnswers(readers.shade, fill=0.5), IMAGES, ["nuit", *WORDS[1:]])
    assert [flip.before.id for flip in other.flips] == ["0"]
    assert 'label "night" then, "nuit" now' in str(other.flips[0])
    with pytest.raises(InvalidInput, match='task="answers" needs'):
        replay(tmp_path / "RUN", readers.scores, IMAGES, [0] * 5, batch_size=4)


def test_other_answers_and_other_functions_are_another_run(tmp_path: Path) -> None:
    run_in(tmp_path)
    with pytest.raises(InvalidInput, match="the labels changed"):
        run_in(tmp_path, words=["nuit", *WORDS[1:]])
    with pytest.raises(InvalidInput, match="another configuration"):
        mc.run(readers.other_shade, IMAGES, WORDS, MASKS, tmp_path, task="answers", fill=0.5, shard_size=2)
    with pytest.raises(InvalidInput, match="cannot be reused"):
        run_in(tmp_path / "more", reuse=tmp_path)
    with pytest.raises(InvalidInput, match="has no class numbers"):
        run_in(tmp_path / "labels", task="labels")


def edited(out: Path, change: Any) -> None:
    """Change the rows of the first shard, with digests as if a run had written them."""
    folder = Folder(out)
    config = folder.existing()
    shard = folder.shard(0, config)
    assert shard is not None
    (out / "shards" / "00000.parquet").unlink()
    folder.write(0, config, mc.runs.Shard(tuple(map(change, shard.rows)), shard.seconds))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"answers": ('"night"', '"night"')}, "the same answer twice"),
        ({"defended": 7}, "names number 7"),
        ({"answers": ("night",)}, "text of no answer"),
        ({"answers": ()}, "keep no answers"),
    ],
)
def test_damaged_answers_are_refused(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    run_in(tmp_path, images=IMAGES[:2], words=WORDS[:2])
    edited(tmp_path, lambda row: replace(row, **change))
    with pytest.raises(InvalidInput, match=text):
        mc.open_run(tmp_path)


def test_a_report_speaks_of_answers_and_not_of_labels_and_classes(tmp_path: Path) -> None:
    facts = run_in(tmp_path / "RUN").facts()
    assert facts.claim.endswith("the defended model gives the true answer.")
    assert (facts.truth, facts.document()["truth"]) == ("answer", "answer")
    for page in (to_markdown(facts), to_html(facts)):
        assert "By answer" in page
        assert "true answer" in page
        assert not any(words in page for words in ("By class", "true class", "true label", "whose label"))
