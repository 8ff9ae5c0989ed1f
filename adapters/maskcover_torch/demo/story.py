"""Runs the demo: computes, times and prints each part, then writes the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import torch
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from maskcover.canonical import write_atomically
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.demo import clothes
from maskcover_torch.demo.model import class_names, network
from maskcover_torch.demo.page import render
from maskcover_torch.demo.photos import photos
from maskcover_torch.demo.results import DemoResult, Part
from maskcover_torch.demo.steps import REGIONS, WithProgress, attack_step, classifier_of, cover_step, photo_step
from maskcover_torch.demo.tables import attack_table, clothes_table, cover_table, part_table, photo_table

ATTACKERS = {
    "one square of 2 %": REGIONS,  # the first: its cover defends the photos
    "any rectangle of at most 1 %": "rectangles(area=0.01)",
    "two squares of 1 % each": "patches(squares(area=0.01), k=2)",
}


def tell(out: Path, *, seed: int = 0, console: Console | None = None) -> DemoResult:
    """Run the demo; see `maskcover_torch.demo.run`."""
    console = console or Console()
    result = DemoResult(_folder(out) / "index.html", seed)
    _covers(result)
    console.print(cover_table(result.covers))
    names, model, masks = class_names(), network(), result.covers[0].masks
    _photos(result, model, masks)
    console.print(photo_table(result.photos, names))
    _attack(result, model, masks)
    if result.attack is not None:
        console.print(attack_table(result.attack, names))
    _clothes(result)
    with _part(result, "page"):
        write_atomically(result.page, render(result, names).encode())
    if result.clothes is not None:
        console.print(clothes_table(result.clothes, clothes.REGIONS))
        console.print(Text(f"The report of this run: {result.clothes.page}"), soft_wrap=True)
    console.print(part_table(result.parts))
    console.print(Text(f"The page: {result.page}"), soft_wrap=True)
    return result


def _covers(result: DemoResult) -> None:
    with _part(result, "covers") as progress:
        for attacker, regions in progress.track(ATTACKERS.items(), description="covers"):
            result.covers.append(cover_step(attacker, regions))


def _photos(result: DemoResult, model: torch.nn.Module, masks: MaskSet) -> None:
    with _part(result, "photos") as progress:
        for photo in photos():
            # A photo that fails early needs fewer forwards than this.
            task = progress.add_task(f"certifying {photo.name}", total=masks.evaluations + 1)
            classifier = WithProgress(classifier_of(model), partial(progress.advance, task))
            result.photos.append(photo_step(classifier, photo, masks))
            progress.update(task, completed=masks.evaluations + 1)


def _attack(result: DemoResult, model: torch.nn.Module, masks: MaskSet) -> None:
    """Attack the certified photos in turn until the undefended network is fooled on one."""
    with _part(result, "attack") as progress:
        for target in result.certified:
            task = progress.add_task(f"attacking {target.photo.name}", total=None)
            watch = partial(progress.advance, task)
            result.attack = attack_step(model, target, masks, seed=result.seed, on_step=watch)
            if result.attack is not None:
                return


def _clothes(result: DemoResult) -> None:
    """Certify clothes with the small network in a run beside the page, and write its report."""
    with _part(result, "clothes"):
        out = result.page.parent / "clothes"
        result.clothes = clothes.clothes_step(out, out.with_suffix(".html"))


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot make the folder {out}: {error.strerror}") from error
    return out


@contextmanager
def _part(result: DemoResult, name: str) -> Iterator[Progress]:
    """Time a part of the demo, with progress bars on stderr that go when it is done."""
    wall, processor = perf_counter(), process_time()
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        yield progress
    result.parts.append(Part(name, perf_counter() - wall, process_time() - processor))
