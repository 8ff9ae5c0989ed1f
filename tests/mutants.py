"""Planted faults: each one, put into a copy of the code, must turn tests red. Run by `make mutants`; some, in CI."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
LONGEST = 600  # seconds; the tests of the geometry take about 200
TREES = ("maskcover", "adapters", "tests", "examples", "benchmarks", "proofs")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in `module`, the text `old` (which must be there exactly once) becomes `new`; `tests` must notice."""

    module: str
    old: str
    new: str
    tests: str


TURNING = "tests/regions/test_turning.py"
GEOMETRY = "tests/property/test_families.py tests/cells tests/covering tests/property tests/masks tests/regions"
COVERING = "tests/covering"
BOUNDS = "tests/covering/test_lower.py tests/covering/search/test_bounds.py"
ANY_SHAPE = "tests/covering/test_any_shape.py"
DESIGNS = "tests/covering/test_designs.py"
COMPILED = "tests/covering/search/test_compiled.py"
STARTS = "tests/covering/test_starts.py"
CONTAINED = "tests/covering/test_containment.py"
DEFENCE = "tests/defense tests/engine tests/certification tests/classifiers"
PROBES = "tests/engine/test_probes.py"
SHARING = "tests/choosing/test_sharing.py"
CHOICES = "tests/choosing/test_choose.py"
RANKING = "tests/choosing/test_ranking.py"
BATCHES = "tests/engine/test_batch_faults.py"
SETTINGS = "tests/engine/test_settings.py"
WAYS = "tests/adapters/test_torch_batches.py"
ENGINE = "tests/engine/test_queue.py tests/engine/test_isolation.py"
WAVES = "tests/defense/test_waves.py"
PULLED = "tests/regions/preprocessing/test_runs.py"
CONTAINING = "tests/regions/shapes/test_containing.py"
CELLS_ALONE = "tests/cells"
SIZES = "tests/covering/test_sizes.py"
MERGING = "tests/covering/test_merging.py"
PROCEDURES = "tests/defense/test_procedures.py"
FIRST_ROUNDS = "tests/defense/test_first_rounds.py"
LEVELS = "tests/defense/test_levels.py tests/runs/test_run_levels.py --deselect tests/defense/test_levels.py::TestLevels"  # which takes minutes
PAIRING = "tests/masks/test_pairing.py"
FINGERPRINT = "tests/classifiers/test_fingerprint.py"
TORCH = "tests/adapters/test_torch_evaluator.py"
NUMERICS = "tests/adapters/test_torch_numerics.py"
CERTIFICATES = "tests/certificate"
PROVED = "tests/proofs"
JUDGES = "tests/certificate/test_judges.py tests/certificate/test_alone.py"
RUNS = (
    "tests/runs/test_running.py tests/runs/test_folder.py tests/runs/test_replaying.py tests/runs/test_runs_at_once.py"
)
BOUND = "tests/engine/test_reference.py tests/runs/test_bound_runs.py tests/adapters/test_torch_binding.py"
OPENED = "tests/runs/test_opened.py"
CELLS = "tests/regions/preprocessing/test_steps.py -k cell"
FIELDS = "tests/adapters/test_fields.py"
LOCAL = "tests/adapters/test_local.py"
SPLIT = "tests/adapters/test_split.py"
TOKENS = "tests/adapters/test_torch_tokens.py"
OCCLUSION = "tests/classifiers/test_occlusion.py"
ROBUST = "tests/defense/test_robust.py"
VOTES = "tests/defense/test_voting.py"
PLACES = "tests/defense/test_first_places.py --deselect tests/defense/test_first_places.py::TestVotingForTheFirstLabels"
LISTED = "tests/defense/test_first_detection.py"
HALVES = "tests/regions/test_slabs.py tests/masks/test_halving.py"
DETECTED = "tests/defense/test_detection.py"
AIMS = "tests/adapters/test_attack_aims.py"
METHODS = "tests/certification/test_methods.py"
INTERVALS = "tests/defense/test_intervals.py"
STATEFUL = "tests/runs/test_runs_stateful.py"
PIXELS = "tests/runs/test_pixels.py"
REPORTING = "tests/runs/test_reporting.py"
REPORTED = "tests/cli/test_reporting.py"
ESCAPED = "tests/report/test_pages.py"
FRAMES = "tests/runs/test_source_frame.py"
TYPED = "tests/cli/test_runs.py -k code"
STUDIES = "tests/studies/test_studies.py"
PATCHES = "tests/covering/test_patches.py -k minimal_signatures_contain_no_other"  # elsewhere the fault does not end
MUTANTS = (
    # The axis: Eq. 1 to 3.
    Mutant("covering/axis.py", "{*range(0, last + 1, self.stride), last}", "{*range(0, last + 1, self.stride)}", GEOMETRY),
    Mutant("covering/axis.py", "stride = -(-(length - patch + 1) // budget)", "stride = max(1, (length - patch + 1) // budget)", GEOMETRY),
    Mutant("covering/axis.py", "AxisMasks(length, patch + stride - 1, stride)", "AxisMasks(length, min(length, patch + stride), stride)", GEOMETRY),
    Mutant("covering/axis.py", "max(self.size - self.multiplicity * self.stride + 1, 0)", "max(self.size - self.multiplicity * self.stride + 2, 0)", GEOMETRY),
    Mutant("covering/axis.py", "for step in range(1, self.multiplicity)}", "for step in range(2, self.multiplicity)}", GEOMETRY),
    Mutant("covering/axis.py", "{last + step for step in beyond}", "{last - step for step in beyond}", GEOMETRY),
    Mutant("covering/axis.py", "(max(start, 0), min(start + self.size, self.length))", "(max(start, 0), min(max(start, 0) + self.size, self.length))", GEOMETRY),
    Mutant("covering/axis.py", "-(-(patch + multiplicity * strides - 1) // align) * align", "(patch + multiplicity * strides - 1) // align * align", GEOMETRY),
    Mutant("covering/axis.py", "patch + multiplicity * strides - 1", "patch + strides - 1", GEOMETRY),
    Mutant("covering/axis.py", "np.arange(align, (length - patch + 1) // multiplicity + 1, align)", "np.arange(1, (length - patch + 1) // multiplicity + 1)", GEOMETRY),
    # Synthesis.
    Mutant("covering/synthesis.py", "    if not report:\n", "    if report is None:\n", GEOMETRY),
    Mutant("covering/synthesis.py", "different if style.multiplicity > 1 else without_contained(different, lattice)", "without_contained(different, lattice)", GEOMETRY),
    Mutant("covering/plan.py", "combinations(base, min(patches, len(base)))", "combinations(base, 1)", GEOMETRY),
    Mutant("covering/plan.py", "Box(_plus(box.start, self.room.start), _plus(box.stop, self.room.start))", "Box(box.start, box.stop)", GEOMETRY),
    Mutant("covering/plan.py", "low // step * step for low in room.start", "-(-low // step) * step for low in room.start", GEOMETRY),
    Mutant("covering/classes.py", "tuple(map(max, bounding, shapes[begin]))", "tuple(map(min, bounding, shapes[begin]))", GEOMETRY),
    Mutant("covering/trimming.py", "np.add(stencil.places.span.stop, stencil.extents) - 1", "np.add(stencil.places.span.stop, stencil.extents) - 2", GEOMETRY),
    Mutant("covering/trimming.py", "return all(_is_free(stencil, room) for stencil in slot)", "return any(_is_free(stencil, room) for stencil in slot)", GEOMETRY),
    Mutant("covering/trimming.py", "Box(box.start, stop)", "Box(box.start, tuple(b - (b > a + 1) for a, b in zip(box.start, stop, strict=True)))", GEOMETRY),
    Mutant("covering/trimming.py", "cells.area * _FILLED >= cells.span.volume", "cells.area * _FILLED >= 0", GEOMETRY),
    Mutant("covering/designs.py", "blocks in _candidates(points, size, strength) if _is_design(blocks, points, strength)]", "blocks in _candidates(points, size, strength)]", DESIGNS),
    Mutant("covering/designs.py", "missing += change", "missing -= 1", DESIGNS),
    Mutant("covering/designs.py", "least = -(-(points - rest) * least // (size - rest))", "least = (points - rest) * least", DESIGNS),
    Mutant("covering/fields.py", "if all(0 not in row[1:] for row in products[1:]):", "if any(0 not in row[1:] for row in products[1:]):", DESIGNS),
    Mutant("covering/fields.py", "numbers.sums[numbers.products[slope][x]][offset]", "numbers.products[slope][x]", DESIGNS),
    Mutant("covering/fields.py", "square + number // order", "square + number % order", DESIGNS),
    Mutant("covering/fields.py", "if x == c or _ratio(numbers, x, a, b, c) in small)", "if _ratio(numbers, x, a, b, c) in small)", DESIGNS),
    Mutant("covering/fields.py", "for j in range(11) if j in squares)", "for j in range(11) if j not in squares)", DESIGNS),
    Mutant("covering/any_shape.py", "least = max(ceil(value * least), 1)", "least = max(ceil(value) + least, 1)", ANY_SHAPE),
    Mutant("covering/any_shape.py", "0 <= value <= _value(slot, weights, self.largest)", "0 <= value", ANY_SHAPE),
    Mutant("covering/any_shape.py", "or len(set(shapes)) < len(shapes)", "", ANY_SHAPE),
    Mutant("covering/any_shape.py", "max(counts.get(shape, 0), stencil.places.area)", "counts.get(shape, 0) + 2 * stencil.places.area", ANY_SHAPE),
    Mutant("covering/any_shape.py", "widths = {height: column + 1", "widths = {height: column + 2", ANY_SHAPE),
    Mutant("covering/any_shape.py", "if min(weight for _, weight in weights) < 1 or", "if", ANY_SHAPE),
    Mutant("covering/search/diagrams.py", "rest = area - (a - 1) * (b - 1) - (b - 1) * rows", "rest = area - (a - 1) * b - (b - 1) * rows", ANY_SHAPE),
    Mutant("covering/search/diagrams.py", "above = np.minimum(below + 1, width - b + 1)", "above = below", ANY_SHAPE),
    Mutant("covering/search/diagrams.py", "cells[a:, b - 1 :] += weight", "cells[a:, b:] += weight", ANY_SHAPE),
    Mutant("covering/search/diagrams.py", "for column in range(min(sides[1], area // height)):", "for column in range(min(sides[1], area // height) - 1):", ANY_SHAPE),
    Mutant("covering/designs.py", "(x + y) * (half + 1) % side", "(x + y) % side", COVERING),
    Mutant("covering/designs.py", "missing.pop(served, None)", "missing.clear()", COVERING),
    Mutant("covering/selection.py", "if all(rest & signature for signature in signatures if signature >> number & 1):", "if any(rest & signature for signature in signatures if signature >> number & 1):", COVERING),
    Mutant("covering/selection.py", "if len(solution) < len(chosen) and _hits(solution, signatures):", "if len(solution) < len(chosen):", COVERING),
    Mutant("covering/lower.py", "return bound if bound.check() else", "return bound if True else", BOUNDS),
    Mutant("covering/lower.py", "if not places[box.extents].contains(Cells([Box.at(box.start, span)])):", "if not places[box.extents]:", BOUNDS),
    Mutant("covering/lower.py", "before.union(stencil.places) if before else stencil.places", "stencil.places", BOUNDS),
    Mutant("covering/lower.py", "and set(self._dual.sizes) <= {1}", "", BOUNDS),
    Mutant("covering/search/bounds.py", "for other in boxes[:i])", "for other in boxes[:i - 1])", BOUNDS),
    Mutant("covering/search/bounds.py", "maximal_extents(grid, admissible), groups) <= dual.denominator", "maximal_extents(grid, admissible)[:1], groups) <= dual.denominator", BOUNDS),
    Mutant("covering/search/bounds.py", "stop + count - 1 <= n for", "stop <= n for", BOUNDS),
    Mutant("covering/search/windows.py", "for part in (line, line - room - 1)]", "for part in (line,)]", BOUNDS),
    Mutant("covering/search/windows.py", "starts[:, None] + room + 1)", "starts[:, None] + room)", BOUNDS),
    Mutant("covering/search/windows.py", "return group.weights.size == 1 and all(", "return group.weights.size == 1 or all(", BOUNDS),
    Mutant("covering/search/compiled.py", "planes.zero[word] = zero | (single & mask)", "planes.zero[word] = zero", COMPILED),
    Mutant("covering/search/compiled.py", "change -= _change_outside(lattice, rows, columns, into, out, True)", "change += _change_outside(lattice, rows, columns, into, out, True)", COMPILED),
    Mutant("covering/search/compiled.py", "return min(seen, len(places))", "return seen", COMPILED),
    Mutant("covering/search/planes.py", "(n - a) // 2 + 1 if half", "(n - a) // 2 if half", COMPILED),
    Mutant("covering/search/planes.py", "shapes = shapes[shapes[:, 0] <= shapes[:, 1]]", "shapes = shapes[shapes[:, 0] < shapes[:, 1]]", COMPILED),
    Mutant("covering/search/weighting.py", "        watched.counts[:] += changes\n", "", COMPILED),
    Mutant("covering/search/weighting.py", "weights[free] += 1.0", "weights[~free] += 1.0", COMPILED),
    Mutant("covering/search/weighting.py", "if uncovered < least:", "if uncovered > least:", COMPILED),
    Mutant("covering/search/restarts.py", "if uncovered <= _STUBBORN * lattice.size:", "if uncovered > _STUBBORN * lattice.size:", COMPILED),
    Mutant("covering/search/restarts.py", "if outcome.uncovered == 0:", "if outcome.uncovered <= 9:", COMPILED),
    Mutant("covering/search/fewer.py", "if _fault(tokens.cells, shapes, boxes, largest, tokens.align):", "if len(boxes) > 10**6:", "tests/covering/search/test_fewer.py"),
    Mutant("covering/starts.py", "            if verify(masks, regions):", "            if masks:", STARTS),
    Mutant("covering/starts.py", "if shipped.sides == grid.shape:", "if shipped.masks:", STARTS),
    Mutant("covering/starts.py", "if largest > slot.largest:", "if largest > slot.largest + 2:", STARTS),
    Mutant("covering/frontiers.py", "masks.largest_hidden_area < best[-1].largest_hidden_area", "masks.largest_hidden_area <= best[-1].largest_hidden_area + 9999", "tests/covering/test_frontiers.py"),
    # Sets of cells.
    Mutant("cells/cells.py", "(cells[1:] != cells[:-1])", "(cells[1:] > cells[:-1])", GEOMETRY),
    Mutant("cells/cells.py", "meet = (low < high).all(axis=1)", "meet = (low <= high).all(axis=1)", GEOMETRY),
    Mutant("cells/erosion.py", "np.subtract.outer(edges, spans[:, 1] - 1)", "np.subtract.outer(edges, spans[:, 1])", GEOMETRY),
    Mutant("cells/erosion.py", "np.subtract.outer(edges, spans[:, 0])", "np.subtract.outer(edges, spans[:, 0]) + 1", GEOMETRY),
    Mutant("cells/erosion.py", 'side="right") - 1', 'side="left") - 1', GEOMETRY),
    Mutant("cells/erosion.py", 'starts + stop, side="left"', 'starts + stop - 1, side="left"', GEOMETRY),
    Mutant("cells/erosion.py", "np.array(stencil.span.stop) + 1", "np.array(stencil.span.stop) + 2", GEOMETRY),
    Mutant("cells/erosion.py", "or len(cells.bounds) == 1:", "or len(cells.bounds) <= 2:", GEOMETRY),
    Mutant("cells/inscribed.py", "(high[:, None] <= high[None])", "(high[:, None] < high[None])", GEOMETRY),
    Mutant("cells/inscribed.py", "common = common & cells[last]", "common = common | cells[last]", GEOMETRY),
    Mutant("cells/inscribed.py", "range(first, len(cells))", "range(first, first + 1)", GEOMETRY),
    # Exact verification.
    Mutant("cells/counting.py", "(-1) ** sum(ends)", "(-1) ** max(ends)", GEOMETRY),
    Mutant("covering/blocks.py", "bounds[:, 1] -= np.array(extents) - 1", "bounds[:, 1] -= np.array(extents) - 2", GEOMETRY),
    Mutant("covering/blocks.py", "rest = masks.intricate if stencil.is_box else masks.composed + masks.intricate", "rest = masks.intricate", GEOMETRY),
    Mutant("covering/blocks.py", "numbered = sorted((number, mask) for mask, number in firsts.items())", "numbered = list(enumerate(masks))", GEOMETRY),
    Mutant("covering/blocks.py", "reshape(places.allowed.shape) >= multiplicity", "reshape(places.allowed.shape) > 0", GEOMETRY),
    Mutant("covering/blocks.py", "<< np.uint8(owner % 8)", "<< np.uint8(owner % 4)", GEOMETRY),
    Mutant("covering/blocks.py", "np.concatenate([stencil.places.bounds, inside.bounds])", "np.concatenate([stencil.places.bounds[:1], inside.bounds])", GEOMETRY),
    Mutant("covering/verification.py", "missed = places.allowed & ~covered", "missed = places.allowed & ~covered.any()", GEOMETRY),
    Mutant("covering/verification.py", "for term in regions.terms(masks.grid):", "for term in regions.terms(masks.grid)[:1]:", GEOMETRY),
    Mutant("covering/signatures.py", "joined.setdefault(common & signature, (*placed, patch))", "joined.setdefault(signature, (*placed, patch))", GEOMETRY),
    Mutant("covering/signatures.py", "return {slot: minimal_signatures(masks, slot) for", "return {slot: minimal_signatures(masks, term.slots[0]) for", GEOMETRY),
    Mutant("covering/signatures.py", "scarce = min(shared, key=int.bit_count)", "scarce = max(shared, key=int.bit_count)", GEOMETRY),
    Mutant("covering/signatures.py", "allowed = np.flatnonzero(places.allowed)", "allowed = np.flatnonzero(places.allowed | True)", GEOMETRY),
    Mutant("covering/signatures.py", "smaller & signature == smaller", "smaller & signature == signature", PATCHES),
    # Regions and masks.
    Mutant("regions/base.py", "for shape in sorted(shapes, reverse=True):", "for shape in sorted(shapes):", GEOMETRY),
    Mutant("regions/base.py", "*_undominated(boxes)]", "*_undominated(slot)]", GEOMETRY),
    Mutant("regions/base.py", "places = places.minus(_spread(boxes[other].places, (extents[other] - extents[number]).tolist()))", "places = places.minus(places)", GEOMETRY),
    Mutant("regions/base.py", "bounds[:, 1] += room", "bounds[:, 1] += np.add(room, 1)", GEOMETRY),
    Mutant("regions/base.py", "any(part.is_outer_bound for part in self.parts)", "False", "tests/regions"),
    Mutant("regions/base.py", "any(part.has_patches for part in self.parts)", "False", "tests/regions"),
    Mutant("regions/boxes.py", "low, high = self.min_side, min(sides[0], limit)", "low, high = self.min_side, min(sides[0], limit) - (len(sides) == 1)", GEOMETRY),
    Mutant("regions/boxes.py", "shapes = set(self._every(room.extents, (), limit))", "shapes = set(self._tallest(room.extents, (), limit))", GEOMETRY),
    Mutant("regions/boxes.py", "if len(inside.bounds) <= 1:", "if len(inside.bounds) <= 2:", GEOMETRY),
    Mutant("regions/boxes.py", "remaining[tuple(head)] &= ~larger", "remaining[tuple(head)] &= ~larger.any()", GEOMETRY),
    Mutant("regions/boxes.py", "Cells.from_array(remaining).shifted(room.start)", "Cells.from_array(remaining)", GEOMETRY),
    Mutant("regions/boxes.py", "stencil.places.shifted(room.start)) for stencil in free", "stencil.places) for stencil in free", GEOMETRY),
    Mutant("regions/slabs.py", "start[axis], stop[axis] = first, first + depth", "start[axis], stop[axis] = first, first + depth - (depth > 1)", GEOMETRY),
    Mutant("regions/slabs.py", "range(grid.shape[axis] - self.width + 1))", "range(grid.shape[axis] - self.width or 1))", GEOMETRY),
    Mutant("regions/areas.py", "return self.base.expand(grid, inside.common(area))", "return self.base.expand(grid, area)", GEOMETRY),
    Mutant("regions/areas.py", "Cells([grid.whole]).minus(area))", "area)", GEOMETRY),
    Mutant("regions/areas.py", "inside.minus(self.area.strict(grid))", "inside.minus(self.area.generous(grid))", GEOMETRY),
    Mutant("regions/areas.py", "if all(slots):", "if slots:", GEOMETRY),
    Mutant("regions/area.py", "return Cells.from_array(touched_on(self.shape, _two_sides(grid)))", "return self.strict(grid)", GEOMETRY),
    Mutant("regions/shapes/containing.py", "return not (self.cells & ~larger[", "return not (self.cells & larger[", GEOMETRY),
    Mutant("regions/bitmaps.py", "places = places.minus(held.shifted(shift))", "places = places.minus(held)", GEOMETRY),
    Mutant("regions/bitmaps.py", '* (len(cells) == 1)', '* 0', GEOMETRY),
    Mutant("regions/turning.py", "_OVERHANG = {False: 1, True: 2}", "_OVERHANG = {False: 0, True: 1}", TURNING),
    Mutant("regions/turning.py", "if 0 <= at <= last + 1} | {0, last + 1})", "if at in (0, overhang, last + 1)})", TURNING),
    Mutant("regions/turning.py", "wholly_inside(middle, sides, origin)", "touched_on(middle, sides, origin)", TURNING),
    Mutant("regions/turning.py", "np.logical_and.reduce(", "np.logical_or.reduce(", TURNING),
    Mutant("regions/turning.py", "moves = [a + b - overhang for a, b", "moves = [a + b for a, b", TURNING),
    Mutant("regions/combined.py", "joined = alone[0] if len(alone) == 1 else prune(chain.from_iterable(alone))", "joined = alone[0] if alone else ()", GEOMETRY),
    Mutant("regions/combined.py", "tuple(slot for (term,) in terms for slot in term.slots)", "tuple(slot for (term,) in terms[:1] for slot in term.slots)", GEOMETRY),
    Mutant("regions/videos.py", "    if term.patches > 1:\n", "    if term.patches > 2:\n", "tests/regions/test_combined.py"),
    Mutant("regions/base.py", "value if isinstance(value, tuple) else (value,) for value in values", "(value,) for value in values", "tests/regions/test_describe.py tests/regions/test_combined.py"),
    Mutant("regions/videos.py", "for first in range(grid.shape[0] - frames + 1):", "for first in range(grid.shape[0] - frames or 1):", GEOMETRY),
    Mutant("regions/videos.py", "(places[:, 0, 0] <= first) & (first < places[:, 1, 0])", "(places[:, 0, 0] <= first)", GEOMETRY),
    Mutant("regions/transformed.py", "filter(None, (_pulled(slot, axes) for slot in term.slots))", "filter(None, (_pulled(slot, axes) for slot in term.slots[:1]))", GEOMETRY),
    Mutant("regions/transformed.py", "(axis.first < high[:, :, None])", "(axis.first < high[:, :, None] - 1)", GEOMETRY),
    Mutant("regions/transformed.py", "(axis.stop > low[:, :, None])", "(axis.stop > low[:, :, None] + 1)", GEOMETRY),
    Mutant("regions/transformed.py", "other is not rows and not (rows & ~other).any()", "other is not rows and not (other & ~rows).any()", GEOMETRY),
    Mutant("regions/transformed.py", "allowed = Cells([source.whole]).minus(_sources(outside, axes))", "allowed = Cells([source.whole])", GEOMETRY),
    Mutant("regions/transformed.py", "starts_of.setdefault((cropped.shape[1], cropped.tobytes()), []).append(int(touched[0]))", "starts_of[cropped.shape[1], cropped.tobytes()] = [int(touched[0])]", GEOMETRY),
    Mutant("regions/transformed.py", "starts.shifted(corner)", "starts", GEOMETRY),
    Mutant("amounts.py", "ceil(amount * total)", "floor(amount * total)", "tests/test_amounts.py tests/regions tests/property"),
    Mutant("amounts.py", "else floor(amount * total)", "else ceil(amount * total)", "tests/test_amounts.py tests/covering"),
    Mutant("schemas/masked.py", 'if document["digest"] != digest(content):', "if False:", "tests/masks"),
    Mutant("regions/transformed.py", "inner[:, :, 1] <= outer[:, :, 1]", "inner[:, :, 1] < outer[:, :, 1]", PULLED),
    Mutant("regions/transformed.py", "relative = np.where(empty[:, :, None], 0, largest - starts[:, None, None])", "relative = largest - starts[:, None, None]", PULLED),
    Mutant("regions/preprocessing/supports.py", "begin, end = len(used) - end, len(used) - begin", "begin, end = begin, end", PULLED),
    Mutant("regions/preprocessing/supports.py", "np.searchsorted(stop, low, side=\"right\")", "np.searchsorted(stop, low, side=\"left\")", PULLED),
    Mutant("regions/preprocessing/supports.py", "if not len(used) or used[-1] - used[0] >= len(used):", "if not len(used):", PULLED),
    Mutant("regions/shapes/containing.py", "high = np.minimum((last[rows] - self.last)", "high = np.minimum((last[rows] - self.last + 1)", CONTAINING),
    Mutant("regions/shapes/containing.py", "if larger.is_solid or self._lies_at", "if True or self._lies_at", CONTAINING),
    Mutant("regions/shapes/containing.py", "at_first, at_last = (_DIRECTIONS @", "at_first, at_last = (2 * _DIRECTIONS[::-1] @", CONTAINING),
    Mutant("regions/bitmaps.py", "low = map(max, places.start, map(add, held.start, shift))", "low = map(max, places.start, held.start)", GEOMETRY),
    Mutant("cells/cells.py", "ends[:, :-1] ^= sections", "ends[:, :-1] |= sections", CELLS_ALONE),
    Mutant("covering/sizes.py", "shrunk[:, 1] -= extents - 1", "shrunk[:, 1] -= extents - 2", SIZES),
    Mutant("covering/sizes.py", "return all(_holds(bounds, places)", "return any(_holds(bounds, places)", SIZES),
    Mutant("covering/verification.py", "if multiplicity == 1 and by_size", "if by_size", SIZES),
    Mutant("covering/merging.py", "sets[best] &= signature", "sets[best] |= signature", MERGING),
    Mutant("covering/merging.py", "return all(common.bit_count() >= multiplicity for common in both)", "return any(common.bit_count() >= multiplicity for common in both)", MERGING),
    Mutant("covering/merging.py", "shared = dict.fromkeys(both)", "shared = dict.fromkeys(list(both)[:1])", MERGING),
    Mutant("covering/signatures.py", "if comparisons * (masks.count // 64 + 1) > _MOST_COMPARED:", "if False:", MERGING),
    Mutant("covering/blocks.py", "np.uint8(1) << (owners % 8)", "np.uint8(1) << (owners % 4)", SIZES),
    Mutant("masks/unions.py", "(~missing.any(axis=1)", "(~missing.all(axis=1)", "tests/masks/test_contained.py"),
    Mutant("masks/unions.py", "packed[first] | packed[second]", "packed[first] & packed[second]", "tests/masks"),
    # The defence.
    Mutant("classifiers/labels.py", "np.where(decided & ~ties, top", "np.where(decided, top", DEFENCE),
    Mutant("classifiers/labels.py", "np.where(decided & ~ties, top", "np.where(~ties, top", DEFENCE),
    Mutant("defense/certificates.py", "certified = bool(certifying.any()) and covers(certifying)", "certified = bool(certifying.any())", DEFENCE),
    Mutant("defense/certificates.py", "certified = bool(certifying.any()) and covers(certifying)", "certified = bool(hopeful.any()) and covers(hopeful)", DEFENCE),
    Mutant("defense/certificates.py", "certifying = right.all(axis=1)\n    complete", "certifying = right.any(axis=1)\n    complete", DEFENCE),
    Mutant("defense/certificates.py", "if covering and not wrong.any() and not present.all():", "if covering and not wrong.any() and not present.any():", DEFENCE),
    Mutant("defense/certificates.py", "certified = covering and bool(certifying.all())", "certified = bool(certifying.all())", DEFENCE),
    Mutant("defense/certificates.py", "if label < 0:", "if label < -9:", DEFENCE),
    Mutant("defense/double.py", "if (row[~unseen] != one_mask[mask]).any():", "if (row[~unseen] == one_mask[mask]).any():", DEFENCE),
    Mutant("defense/double.py", "disagreers = np.flatnonzero(one_mask != majority)", "disagreers = np.flatnonzero(one_mask != majority)[:1]", DEFENCE),
    Mutant("defense/double.py", "counts == counts.max()", "counts == counts.min()", DEFENCE),
    Mutant("defense/first_rounds.py", "    if (present == UNDECIDED).any() or (present", "    if (present", FIRST_ROUNDS),
    Mutant("defense/first_rounds.py", "    if not np.array_equal(np.unique(pairs), np.arange(masks)):", "    if False:", FIRST_ROUNDS),
    Mutant("defense/first_rounds.py", "    if len(present) < len(labels):", "    if not len(present):", FIRST_ROUNDS),
    Mutant("defense/first_rounds.py", "(present != present[:1]).any()", "(present != present[:1]).all()", FIRST_ROUNDS),
    Mutant("defense/first_rounds.py", "        outcome = agreed(table.labels[table.numbers(pairs)], pairs, case)", "        pairs = pairs[pairs[:, 0] < pairs[:, 1]] if len(pairs) > 1 else pairs\n        outcome = agreed(table.labels[table.numbers(pairs)], pairs, case)", FIRST_ROUNDS),
    Mutant("defense/first_rounds.py", "        if outcome is not None:\n            return outcome\n", "        if isinstance(outcome, Pending):\n            return outcome\n", FIRST_ROUNDS),
    # First rounds by levels.
    Mutant("defense/first_rounds.py", "    if all(held):\n", "    if any(held):\n", LEVELS),
    Mutant("defense/first_rounds.py", "held = [covers_level(flags) for", "held = [covers_level(np.ones_like(flags)) for", LEVELS),
    Mutant("defense/first_rounds.py", "    trusted = table.trusted(min_margin)\n", "    trusted = table.labels\n", LEVELS),
    Mutant("defense/first_rounds.py", "groups, begin = [certifying, *right], 0", "groups, begin = [certifying], 0", LEVELS),
    Mutant("defense/first_rounds.py", "np.logical_and.reduce([sets", "np.logical_or.reduce([sets", LEVELS),
    Mutant("defense/first_rounds.py", "        begin += len(group)\n", "        begin += 0\n", LEVELS),
    Mutant("defense/first_rounds.py", "by_masks=certificate.certified, coarser=coarser)\n    wrong", "by_masks=certificate.certified)\n    wrong", LEVELS),
    Mutant("defense/first_rounds.py", "certified=False, certifying=(), failing", "certified=False, failing", LEVELS),
    Mutant("defense/first_rounds.py", "enumerate(covers.of_levels, start=1)", "enumerate(covers.of_levels[:1], start=1)", LEVELS),
    Mutant("defense/first_rounds.py", "        for numbers in masks.level_numbers:\n", "        for numbers in masks.level_numbers[:1]:\n", LEVELS),
    Mutant("defense/first_rounds.py", "Pending(pairs[missing]) if missing.any() else None", "None", LEVELS),
    Mutant("masks/unions.py", "np.append(singles, coarser)[first]", "np.append(singles, coarser[::-1])[first]", LEVELS),
    Mutant("masks/unions.py", "    if (first != second)[of_levels].any():\n", "    if False:\n", LEVELS),
    Mutant("masks/unions.py", "    numbers[~of_levels] = of_masks(first[~of_levels], second[~of_levels])\n", "", LEVELS),
    Mutant("masks/maskset.py", "np.cumsum([len(self.masks), *map(len, self.levels)])", "np.cumsum([0, *map(len, self.levels)])", LEVELS),
    Mutant("masks/maskset.py", "*([[level.digest for level in self.levels]] if self.levels else [])", "", LEVELS),
    Mutant("defense/procedures.py", "if isinstance(certificate, Pending) or not self.maps_itself:", "if True:", LEVELS),
    Mutant("defense/procedures.py", "return unseen_in_levels(table) or level_certificate(", "return level_certificate(", LEVELS),
    Mutant("defense/procedures.py", "[table.views.ids] == label).all(axis=1)", "[table.views.ids] == label).any(axis=1)", LEVELS),
    Mutant("defense/procedures.py", "            expect_covering_levels(covers)\n", "            pass\n", LEVELS),
    Mutant("runs/evidence.py", "for pairs in first_rounds]", "for pairs in first_rounds[1:]]", LEVELS),
    Mutant("runs/tables.py", "largest[:, : len(starts)] = ", "largest[:, -len(starts) :] = ", LEVELS),
    Mutant("runs/parts.py", "_levels_lost(part, covers) if procedure.maps_itself else np", "np", LEVELS),
    Mutant("runs/parts.py", "            lost[number] = min(\n", "            lost[number] = max(\n", LEVELS),
    Mutant("runs/parts.py", "right = filled.kept[place] & (filled.labels[place] == part.tables.labels[number])", "right = filled.kept[place]", LEVELS),
    Mutant("covering/containment.py", "Containment(level, self.regions) for level in", "Containment(self.masks.levels[0], self.regions) for level in", LEVELS),
    Mutant("defense/verdicts.py", "    if certifying and certificate.coarser:\n", "    if False:\n", LEVELS),
    Mutant("defense/verdicts.py", "table.views.numbers(coarser, coarser))", "coarser)", LEVELS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "*(strongest[:, list(level)] for level in self.levels)]", "]", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "np.min([group.max(axis=1)", "np.max([group.max(axis=1)", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "len(masks) if levels else None", "None", AIMS),
    Mutant("defense/waves.py", "pairs=pending.pairs[:first_round]", "pairs=pending.pairs", FIRST_ROUNDS),
    Mutant("defense/procedure.py", "next_wave(table, answer, first_round, growth)", "next_wave(table, answer)", FIRST_ROUNDS),
    Mutant("defense/waves.py", "max(-(-batch_size // max(images, 1)), min(batch_size, FEW))", "batch_size", FIRST_ROUNDS),
    Mutant("runs/answers.py", "type(procedure) is type(other) and procedure.first_round == other.first_round", "type(procedure) is type(other)", FIRST_ROUNDS),
    Mutant("runs/tables.py", "PredictionTable(self.views, mask_set=self.masks)", "PredictionTable(self.views)", FIRST_ROUNDS),
    Mutant("masks/pairing.py", "if tuple(sums) < (0, 0) else None", "if False else None", PAIRING),
    Mutant("masks/pairing.py", "np.lexsort([shrink, -gain])", "np.lexsort([shrink, gain])", PAIRING),
    Mutant("masks/pairing.py", "np.where(pairs == len(masks), pairs[:, ::-1], pairs)", "np.where(pairs == len(masks), 0, pairs)", PAIRING),
    Mutant("defense/challenger.py", "survives = bool(game_label == one_mask[mask])", "survives = bool(game_label != one_mask[champions[0]])", DEFENCE),
    Mutant("defense/challenger.py", "if game_label != one_mask[champions[0]]:", "if game_label == one_mask[mask]:", DEFENCE),
    Mutant("defense/challenger.py", "while survives and champions", "if survives and champions", DEFENCE),
    Mutant("defense/challenger.py", "game_label = table[champions[0], mask]", "game_label = table[champions[-1], mask]", DEFENCE),
    Mutant("defense/challenger.py", "champions.popleft()", "champions.pop()", DEFENCE),
    Mutant("defense/challenger.py", "one_mask[champions[0]] != one_mask[mask]:", "one_mask[0] != one_mask[mask]:", DEFENCE),
    Mutant("defense/detection.py", "(confidence >= checked_threshold(threshold)))\n    alerting", "(confidence > checked_threshold(threshold)))\n    alerting", DEFENCE),
    Mutant("defense/detection.py", "& (confidence >= checked_threshold(threshold))\n    certifying", "& (confidence > checked_threshold(threshold))\n    certifying", DEFENCE),
    Mutant("defense/detection.py", "((labels == UNDECIDED) | (confidence >=", "((confidence >=", DEFENCE),
    Mutant("defense/detection.py", "mask is not None or undefended == UNDECIDED", "mask is not None", DEFENCE),
    Mutant("defense/detection.py", "certified = bool(certifying.any()) and covers(certifying)", "certified = bool(certifying.any())", DEFENCE),
    Mutant("defense/detection.py", "((labels == UNDECIDED) | (confidence < _low", "((confidence < _low", DEFENCE),
    Mutant("defense/detection.py", "(right & (confidence >= level))", "(right & (confidence > level))", DEFENCE),
    # Alerts on low confidence.
    Mutant("defense/detection.py", "against | (confidence < _low", "against | (confidence <= _low", DETECTED),
    Mutant("defense/detection.py", "alerting = against | (confidence < _low(alert_below))", "alerting = against", DETECTED),
    Mutant("defense/detection.py", "(labels != UNDECIDED) & (confidence < _low(alert_below))", "(labels != UNDECIDED) & (confidence <= _low(alert_below))", DETECTED),
    Mutant("defense/detection.py", "(labels != UNDECIDED) & (confidence < _low(alert_below))", "confidence < _low(alert_below)", DETECTED),
    Mutant("defense/detection.py", "(labels == UNDECIDED) | (confidence < _low(alert_below))", "labels == UNDECIDED", DETECTED),
    Mutant("defense/detection.py", "if low.any() and covers(low):", "if low.all():", DETECTED),
    Mutant("defense/detection.py", "inf if always else float(confidence[labels != undefended]", "inf if always else float(confidence[~right]", DETECTED),
    Mutant("defense/detection.py", "image_levels.alert_level >= limit", "image_levels.alert_level > limit", DETECTED),
    Mutant("defense/detection.py", "np.searchsorted(alerting, thresholds)", 'np.searchsorted(alerting, thresholds, "right")', DETECTED),
    Mutant("defense/procedures.py", 'checked_threshold(self.alert_below, "alert_below") or None', 'checked_threshold(self.alert_below, "alert_below")', DETECTED),
    Mutant("defense/procedures.py", "self.threshold, covers, self.alert_below)", "self.threshold, covers)", METHODS),
    Mutant("defense/procedure.py", "if self.method is None or newer:", "if self.method is None:", DETECTED),
    Mutant("defense/detection.py", "image_levels.alarm_level < limit", "image_levels.alarm_level <= limit", DEFENCE),
    Mutant("defense/detection.py", "np.searchsorted(covered, thresholds)", 'np.searchsorted(covered, thresholds, "right")', DEFENCE),
    Mutant("defense/detection.py", "confidence.astype(np.float64)", "confidence", DEFENCE),
    Mutant("masks/drawing.py", "self._drawn[first] | self._drawn[second]", "self._drawn[first] & self._drawn[second]", DEFENCE),
    Mutant("classifiers/evaluation.py", "plain = plain_array(loaded).copy()", "plain = plain_array(loaded)", PROBES),
    Mutant("classifiers/evaluation.py", "largest if value > largest else value", "value if value < largest else 1", PROBES),
    Mutant("engine/queue.py", "self._evaluator.submit(images + filling_images,", "self._evaluator.submit(filling_images + images,", ENGINE),
    Mutant("engine/queue.py", "while not len(item.missing) and not item.coming:", "while not len(item.missing):", ENGINE),
    Mutant("engine/queue.py", "if len(answers.labels) != self._evaluator.batch_size:", "if not len(answers.labels):", ENGINE),
    Mutant("engine/queue.py", "self._submitted([chunk])()", "self._submitted(chunks)()", ENGINE),
    # What certificates rest on, and how it is tried out.
    Mutant("engine/probes.py", "self.evaluator.scores(images, pairs).copy()", "self.evaluator.scores(images, pairs)", PROBES),
    Mutant("engine/probes.py", "for begin in range(0, len(pairs), size):", "for begin in range(0, 1, size):", PROBES),
    Mutant("engine/findings.py", "return self.drift <= min_margin / 2", "return self.drift <= min_margin", PROBES),
    Mutant("engine/probes.py", "            yield from self._hostile(before)\n", "", BATCHES),
    Mutant("engine/probes.py", "    if changed := Fingerprint.of(evaluator.identity()).differences(Fingerprint.of(identity)):\n", "    if changed := ():\n", TORCH),
    Mutant("engine/findings.py", "(finite | (first == second) | (np.isnan(first) & np.isnan(second))).all()", "finite.any()", PROBES),
    Mutant("engine/probes.py", "        raise  # the evaluator's", "        return name  # the evaluator's", PROBES),
    # Procedures as values, their texts, and what others bring.
    Mutant("masks/drawing.py", "rows[first] | rows[second]", "rows[first]", "tests/masks/test_drawing.py"),
    Mutant("masks/unions.py", "        if (first != second).any():\n", "        if (first > second).any():\n", PROCEDURES),
    Mutant("defense/table.py", "~(self.margins > min_margin)", "~(self.margins >= min_margin)", "tests/defense/test_table.py"),
    Mutant("defense/table.py", "self.observed[numbers] = observed", "self.observed[numbers] = observed[:1]", PROCEDURES),
    Mutant("defense/procedure.py", "in reversed(list(_subclasses(Procedure)))", "in list(_subclasses(Procedure))", PROCEDURES),
    Mutant("defense/procedure.py", "        if look := procedure.first_views(table):\n            return look\n        certificate", "        certificate", PROCEDURES),
    Mutant("defense/procedure.py", "self.needs_bits or self.observation != TopLabel()", "self.needs_bits", PROCEDURES),
    Mutant("defense/procedure.py", "    needs_bits: ClassVar[bool] = True", "    needs_bits: ClassVar[bool] = False", PROCEDURES),
    Mutant("defense/procedure.py", "certificate.certified and not includes(answer, label) and", "certificate.certified and answer.label < 0 and", PROCEDURES),
    Mutant("covering/containment.py", "selected.dtype != np.bool_ or ", "", CONTAINED),
    Mutant("regions/combined.py", "if any(len(own) > 1 or own[0].patches > 1 for own in terms):", "if any(own[0].patches > 1 for own in terms):", "tests/regions/test_combined.py"),
    Mutant("defense/texts.py", "or not issubclass(kind, Procedure)", "", PROCEDURES),
    Mutant("defense/texts.py", "            if len(keywords) == len(node.keywords):\n", "            if True:\n", PROCEDURES),
    Mutant("certification/certifying.py", "if procedure.needs_cover else", "if not procedure.needs_cover else", PROCEDURES),
    Mutant("certification/certifying.py", "    if procedure.requires_bits and start.min_margin:\n", "    if procedure.may_alert and start.min_margin:\n", PROCEDURES),
    Mutant("certification/serving.py", "if not answer.alert and answer.label < 0", "if not answer.alert and answer.label > 0", "tests/certification/test_methods.py"),
    Mutant("certification/binding.py", "np.array_equal(now, before, equal_nan=True)", "True", "tests/certification/test_binding_observed.py"),
    Mutant("classifiers/observations.py", "likelihoods = xp.exp(scores - xp.amax(scores, axis=1, keepdims=True))", "likelihoods = xp.exp(scores)", "tests/classifiers/test_observations.py"),
    Mutant("classifiers/observations.py", ">= self.threshold)", "> self.threshold)", "tests/classifiers/test_observations.py"),
    Mutant("../adapters/maskcover_torch/evaluator.py", "least_scale), observation.reduced(_finite(scores)[1], torch))", "least_scale), None)", "tests/classifiers/test_observations.py"),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "if isinstance(procedure, Voting | RobustMasking):", "if False:", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "torch.relu(own - low) + torch.relu(high - target)", "torch.relu(own - low)", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "return torch.minimum(to_target, too_sure)", "return to_target", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "threshold > (procedure.alert_below or 0.0)", "threshold > 0.0", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/aims.py", "masked_fill(~touched, -torch.inf)", "masked_fill(touched, -torch.inf)", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/masked.py", "torch.zeros_like(self.hidden[:1])", "torch.ones_like(self.hidden[:1])", AIMS),
    Mutant("../adapters/maskcover_torch/attacks/run.py", "not includes(answer, label) and not answer.alert", "answer.label != label", PROCEDURES),
    Mutant("defense/waves.py", "np.argsort(support(table, pairs, pending.wanted_label), kind=\"stable\")", "np.argsort(-support(table, pairs, pending.wanted_label), kind=\"stable\")", WAVES),
    Mutant("defense/waves.py", "max(growth.first, _present(table, np.unique(pending.pairs[:, 0])) // growth.divisor)", "growth.first", WAVES),
    Mutant("defense/waves.py", "THRIFTY = Growth(first=1, divisor=2)", "THRIFTY = DOUBLING", WAVES),
    Mutant("defense/waves.py", "pair_support + float(table", "pair_support - float(table", WAVES),
    Mutant("defense/waves.py", "later=pairs[size:])", "later=None)", WAVES),
    Mutant("defense/procedure.py", "next_wave(table, certificate, growth=THRIFTY)", "next_wave(table, certificate)", WAVES),
    Mutant("engine/queue.py", "        self.missing = numbers[~came]\n", "        self.missing = numbers\n", ENGINE),
    Mutant("engine/queue.py", "        if isinstance(self._evaluator, Fills):\n            return chunks\n", "", ENGINE),
    Mutant("engine/queue.py", "                item.later = item.later[~np.isin(item.later, unions)]\n", "", ENGINE),
    Mutant("defense/waves.py", "table.margins[single], -table.margins[single]", "table.margins[single], table.margins[single]", WAVES),
    Mutant("engine/preparation.py", "Fingerprint.of({**own, **added})", "Fingerprint.of({**added, **own})", FINGERPRINT),
    Mutant("engine/settings.py", "if report.bitwise and (not setting.alone or fastest", "if report.findings and (not setting.alone or fastest", SETTINGS),
    Mutant("engine/preparation.py", "        if changed:\n", "        if changed is None:\n", PROBES),
    Mutant("classifiers/fingerprint.py", "for name, own, other_text in entries if own != other_text", "for name, own, other_text in entries if own not in (other_text, \"-\")", FINGERPRINT),
    Mutant("certification/binding.py", "fingerprint(evaluator, preprocessing).expect(self.fingerprint)", "fingerprint(evaluator, preprocessing).digest", FINGERPRINT),
    Mutant("certification/serving.py", "defended.fingerprint.expect(certified.fingerprint)", "defended.fingerprint.digest", FINGERPRINT),
    Mutant("certification/serving.py", "    certified.expect(evaluator_of(classifier, certified.masks, batch_size=certified.batch_size), images_preprocessing)\n", "", FINGERPRINT),
    Mutant("certification/certifying.py", "        if table.broken:\n", "        if table.broken is None:\n", "tests/certification/test_methods.py"),
    # torch.
    Mutant("../adapters/maskcover_torch/evaluator.py", "dtype=place[1], copy=True)", "dtype=place[1])", TORCH),
    Mutant("../adapters/maskcover_torch/evaluator.py", "self._bitmaps.index_select(0, first) | self", "self._bitmaps.index_select(0, first) & self", TORCH),
    Mutant("../adapters/maskcover_torch/evaluator.py", "if images[row] is not images[row - 1]]", "if images[row] is None]", TORCH),
    Mutant("../adapters/maskcover_torch/evaluator.py", "decided = finite & (top > second)", "decided = finite", TORCH),
    Mutant("../adapters/maskcover_torch/evaluator.py", "        expect(self._flags, self._device)  # the model", "        # the model", NUMERICS),
    Mutant("../adapters/maskcover_torch/evaluator.py", "weights_digest(self._computed)", "weights_digest(torch.nn.Flatten())", TORCH),
    Mutant("../adapters/maskcover_torch/module.py", "self.model = contracted(model, classifier.contract)", "self.model = model", TORCH),
    Mutant("../adapters/maskcover_torch/numerics.py", "        _set_precisions(*float32)\n", "", NUMERICS),
    Mutant("../adapters/maskcover_torch/numerics.py", "torch.autocast(device.type, enabled=False)", "torch.autocast(device.type, enabled=torch.is_autocast_enabled(device.type))", NUMERICS),
    Mutant("../adapters/maskcover_torch/identity.py", "if value.is_quantized:", "if value.is_quantized and not value.numel():", NUMERICS),
    Mutant("../adapters/maskcover_torch/batches.py", "if rate.rows * _TIE >= best]", "if rate.rows >= best]", WAYS),
    Mutant("../adapters/maskcover_torch/batches.py", "for layout in reversed(FORMATS)", "for layout in FORMATS", WAYS),
    Mutant("../adapters/maskcover_torch/batches.py", "        self.begin = time.perf_counter()\n", "", WAYS),
    Mutant("covering/containment.py", "        if not report:\n", "        if report is None:\n", DEFENCE),
    Mutant("covering/containment.py", "return all(signature & bits", "return any(signature & bits", CONTAINED),
    Mutant("covering/containment.py", "first[self._firsts[selected]] = True", "first[selected] = True", CONTAINED),
    Mutant("covering/containment.py", "(self.masks, flags, strict=True) if keep)", "(self.masks, flags, strict=True))", CONTAINED),
    Mutant("covering/signatures.py", "for slots in {term.slots for term in terms}:\n        listed = {slot", "for slots in {term.slots for term in terms[:1]}:\n        listed = {slot", CONTAINED),
    Mutant("covering/signatures.py", "        for slot in slots:\n            more", "        for slot in slots[:1]:\n            more", CONTAINED),
    Mutant("covering/signatures.py", "        every = minimal(every)\n    return list(every)", "    return list(minimal(every))[:1]", CONTAINED),
    Mutant("engine/queue.py", "if not chunk.ahead and chunk.item in self._open]:\n", "if not chunk.ahead]:\n", ENGINE),
    # Runs.
    Mutant("runs/running.py", "range(first, -(-count // shard_size), step)", "range(first, count // shard_size, step)", RUNS),
    Mutant("runs/running.py", "if isinstance(outcome, Failed) and outcome.evaluating:", "if isinstance(outcome, Failed) and not outcome.evaluating:", RUNS),
    Mutant("engine/preparation.py", "self.evaluator.scores([self.example] * size", "print([self.example] * size", RUNS),
    Mutant("runs/running.py", "isinstance(outcome, Failed) and outcome.evaluating", "isinstance(outcome, Failed)", RUNS),
    Mutant("runs/running.py", "in_order = tuple(rows[task.ids[number]] for number in members)", "in_order = tuple(rows.values())", RUNS),
    Mutant("runs/running.py", "prepare(kept.earlier if kept else None)", "prepare(None)", RUNS),
    Mutant("runs/running.py", "            start, config = prepare(kept.earlier)\n", "            pass\n", RUNS),
    Mutant("runs/running.py", '"labels": digest(task.labels.tolist())', '"labels": digest(sorted(task.labels.tolist()))', RUNS),
    Mutant("runs/resuming.py", "if config.digest != kept.digest:", "if config.document[\"masks\"] != kept.document[\"masks\"]:", STATEFUL),
    Mutant("runs/folder.py", '"shard": str(number), ', "", STATEFUL),
    Mutant("runs/folder.py", "rows, rows_digest = read(table)", "rows, rows_digest = read(table)[0], metadata['rows']", RUNS),
    Mutant("runs/folder.py", "        if not path.exists():\n            raise\n", "        raise\n", RUNS),
    Mutant("runs/folder.py", "            write_atomically(path, content.getvalue())", "            path.write_bytes(content.getvalue())", RUNS),
    Mutant("runs/folder.py", "write_atomically(path, content, only_new=True)", "write_atomically(path, content)", RUNS),
    Mutant("runs/folder.py", '(".run.json.*", ".masks.json.*", "shards/.*.parquet.*")', '("shards/.*.parquet.*",)', STATEFUL),
    Mutant("runs/summary.py", 'counts["defended"] += int((~error & (', 'counts["defended"] += int(((', RUNS),
    Mutant("runs/rows.py", "0.0 if verdict.error else _certified_fraction", "_certified_fraction", RUNS),
    Mutant("runs/replaying.py", "config.min_margin or (None", "(None", RUNS),
    Mutant("runs/replaying.py", "(slot := int(chance.integers(place + 1))) < sample", "(slot := int(chance.integers(sample + 1))) < sample", RUNS),
    # Data.
    Mutant("data/labels.py", "count in (None, 1000)", "count == 1000", "tests/data/test_classes.py"),
    Mutant("data/labels.py", "count in (None, 1000)", "count is not None", "tests/data/test_classes.py"),
    Mutant("data/labels.py", "numbers = np.full(len(own), -1, np.int64)", "return labels", "tests/data/test_classes.py"),
    Mutant("data/labels.py", "if count is not None and count != len(own):", "if count is not None and count < len(own):", "tests/data/test_classes.py"),
    Mutant("data/classes.py", "numbers[name] = number if numbers.get(name, number) == number else None", "numbers[name] = number", "tests/data/test_classes.py"),
    Mutant("data/labels.py", "(labels < 0) | (labels >= count)", "labels > count", "tests/data/test_classes.py"),
    Mutant("data/folders.py", "None if request.digits_are_names else numbers_of(classes, str(folder))", "None", "tests/data/test_folders.py"),
    Mutant("data/folders.py", "    return folder / split\n", "    return folder / names[0]\n", "tests/data/test_folders.py"),
    Mutant("data/cifar.py", 'part = split or "test"', 'part = "test"', "tests/data/test_cifar.py"),
    Mutant("data/cifar.py", "records[:, head - 1]", "records[:, 0]", "tests/data/test_cifar.py"),
    Mutant("data/cifar.py", 'side="right")) - 1', 'side="left")) - 1', "tests/data/test_cifar.py"),
    Mutant("data/cifar.py", "planes.transpose(1, 2, 0)", "planes.transpose(2, 1, 0)", "tests/data/test_cifar.py"),
    Mutant("data/unpickling.py", "            raise _Refusal(f\"it names", "            return super().find_class(module, name)\n            raise _Refusal(f\"it names", "tests/data/test_cifar.py"),
    Mutant("data/unpickling.py", "and not columns_first", "", "tests/data/test_cifar.py"),
    Mutant("data/idx.py", "if part in (usual, split or \"test\")", "if part", "tests/data/test_idx.py"),
    Mutant("data/idx.py", "    if count != math.prod(shape):", "    if count < math.prod(shape):", "tests/data/test_idx.py"),
    Mutant("data/npz.py", "allow_pickle=False", "allow_pickle=True", "tests/data/test_npz.py"),
    Mutant("data/npz.py", 'part: Any = split or "test"', 'part: Any = "test"', "tests/data/test_npz.py"),
    Mutant("data/huggingface.py", "(labels == -1).all()", "(labels == -1).any()", "tests/data/test_huggingface.py"),
    Mutant("data/huggingface.py", "return _beside(path, str(split)), str(split)", "return path / splits[0], str(split)", "tests/data/test_huggingface.py"),
    Mutant("data/webdataset.py", "            _expect_end(shard, end)\n", "", "tests/data/test_webdataset.py"),
    Mutant("data/webdataset.py", "if len(set(names)) < len(names) or not set(names) <= labelled:", "if False:", "tests/data/test_webdataset.py"),
    Mutant("data/mapstyle.py", "pixels.transpose(1, 2, 0)", "pixels.transpose(2, 1, 0)", "tests/data/test_mapstyle.py"),
    Mutant("data/mapstyle.py", "whole.astype(pixels.dtype) / pixels.dtype.type(255), pixels)", "whole, whole)", "tests/data/test_mapstyle.py"),
    Mutant("data/mapstyle.py", "label is not None and label != labels[number]", "label is None", "tests/data/test_mapstyle.py"),
    Mutant("data/images.py", "image.transpose(pillow().Image.Transpose[turn])", "image", "tests/data/test_images.py"),
    Mutant("data/images.py", ">= 5", ">= 6", "tests/data/test_images.py"),
    Mutant("data/images.py", ' or "transparency" in image.info', "", "tests/data/test_images.py"),
    Mutant("data/dataset.py", "replace=False).tolist()", "replace=True).tolist()", "tests/data/test_opening.py"),
    Mutant("data/dataset.py", "Chosen(count, self._whole_count, seed)", "Chosen(count, count, seed)", "tests/data/test_opening.py"),
    Mutant("data/opening.py", ".sampled(sample, seed)", ".sampled(sample)", "tests/data/test_opening.py"),
    Mutant("data/opening.py", 'names += ["folder"] * mixed', "names += []", "tests/data/test_opening.py"),
    Mutant("runs/running.py", '"sample": getattr(images, "chosen", None), ', "", "tests/cli/test_data.py -k threat_34"),
    # Choosing masks, procedures and fills.
    Mutant("choosing/sharing.py", "own, combined.labels[sources], combined.margins[sources], combined.confidences[sources], observed", "own, combined.labels[sources], combined.margins[sources], combined.confidences[own], observed", SHARING),
    Mutant("choosing/sharing.py", "position = np.array([places[mask] for mask in candidate.masks.all_masks], dtype=np.int64)", "position = np.arange(len(candidate.masks.all_masks))", SHARING),
    Mutant("choosing/sharing.py", "-(-wave // self.batch_size)", "wave // self.batch_size", SHARING),
    Mutant("choosing/sharing.py", "return ImageFigures(verdict, sum(waves)", "return ImageFigures(verdict, max(waves)", SHARING),
    Mutant("choosing/sharing.py", "self.waves.append(len(own))", "self.waves.append(len(np.unique(self.numbers)))", SHARING),
    Mutant("choosing/sharing.py", "make(int(order[place]))", "make(place)", f"{CHOICES} -k order"),
    Mutant("choosing/candidates.py", "for each in alternatives(defence, masks, regions)", "for each in (defence,)", f"{CHOICES} -k auto"),
    Mutant("choosing/candidates.py", "for mask in masks.all_masks})", "for mask in masks})", f"{CHOICES} -k too_many"),
    Mutant("choosing/candidates.py", "if level not in (PAIRS, LEVELS, AUTO)]", "if level in ()]", f"{CHOICES} -k auto"),
    Mutant("certification/choosing_first_rounds.py", "first_rounds = (None, *default_first_rounds(masks, regions))", "first_rounds = default_first_rounds(masks, regions)", f"{CHOICES} -k auto"),
    Mutant("certification/choosing_first_rounds.py", "if not isinstance(procedure, TwoRounds) or procedure.first_round != AUTO or masks.levels:\n        return (procedure,)", "if not isinstance(procedure, TwoRounds) or procedure.first_round != AUTO:\n        return (procedure,)", f"{CHOICES} -k auto"),
    Mutant("choosing/sharing.py", "return Views.PAIRS if pairs else Views.SINGLE_MASKS", "return Views.PAIRS", SHARING),
    Mutant("choosing/assessment.py", "verdict.answer == verdict.label and verdict.error is None", "verdict.certificate.certified", f"{CHOICES} -k figures"),
    Mutant("choosing/assessment.py", "self.batches.astype(np.float64) * self.speed.milliseconds", "self.serving.astype(np.float64) * self.speed.milliseconds", RANKING),
    Mutant("choosing/assessment.py", "(self.speed.milliseconds / self.speed.batch_size)", "self.speed.milliseconds", RANKING),
    Mutant("choosing/assessment.py", 'costs.mean() if over == "mean" else costs.max()', "costs.mean()", RANKING),
    Mutant("choosing/ranking.py", "return not affordable(assessment, budget), -certified, -right, *costs", "return not affordable(assessment, budget), -certified, *costs, -right", RANKING),
    Mutant("choosing/ranking.py", "return not affordable(assessment, budget), -certified", "return False, -certified", RANKING),
    Mutant("choosing/ranking.py", "if not kept or assessment.certified.sum() > kept[-1].certified.sum():", "if not kept or assessment.certified.sum() >= kept[-1].certified.sum():", RANKING),
    Mutant("choosing/ranking.py", "assessment.of_images(~inside) for assessment", "assessment.of_images(inside) for assessment", RANKING),
    Mutant("choosing/ranking.py", "if affordable(order[0], budget) else _cheapest(order, budget)", "", RANKING),
    Mutant("choosing/ranking.py", "rivals = [assessment for place, assessment in enumerate(assessments) if place not in reasons]", "rivals = list(assessments)", RANKING),
    Mutant("choosing/ranking.py", "rival.certified_interval[0] > high and _costs_no_more(rival, assessment, budget)", "rival.certified_interval[0] > high", RANKING),
    Mutant("choosing/ranking.py", "rival.certified_interval[0] > high", "rival.certified_interval[1] > high", RANKING),
    Mutant("choosing/ranking.py", "costs.sum() > budget.amount * images", "costs.sum() > budget.amount * len(costs)", RANKING),
    Mutant("choosing/ranking.py", "return all(rival.cost(measure) <= assessment.cost(measure) for measure in measures)", "return any(rival.cost(measure) <= assessment.cost(measure) for measure in measures)", RANKING),
    Mutant("certification/certifying.py", "Containment.covering(masks, regions) if procedure", "Containment.of(masks, regions) if procedure", f"{CHOICES} -k witness"),
    Mutant("choosing/candidates.py", "if 1 < len(masks) <= _MOST_MASKS and masks not in kept.values():", "if 1 < len(masks) <= _MOST_MASKS:", f"{CHOICES} -k default_candidates"),
    Mutant("choosing/candidates.py", "if masks.grid != grid:", "if False:", f"{CHOICES} -k bad_input"),
    Mutant("choosing/result.py", "same = [number for number, text in enumerate(digests) if text in choosing]", "same = [number for number, text in enumerate(digests) if self.digests[number : number + 1] == (text,)]", f"{CHOICES} -k threat_51"),
    Mutant("choosing/result.py", 'choosing = set(self.digests) - {""}', "choosing = set(self.digests)", f"{CHOICES} -k without_pixels"),
    Mutant("choosing/result.py", "most.clean_interval[0] > self.winner.clean_interval[1]", "most.clean_fraction > self.winner.clean_fraction", f"{CHOICES} -k less_often_right"),
    Mutant("choosing/result.py", "within = [assessment for assessment in self.ranking if affordable(assessment, self.budget)]", "within = self.ranking", f"{CHOICES} -k less_often_right"),
    Mutant("choosing/result.py", "return digest(sorted(self.digests))", "return digest(list(self.digests))", f"{CHOICES} -k threat_51"),
    Mutant("choosing/result.py", "self.winner.certified_fraction - self.cross_fitted", "self.winner.clean_fraction - self.cross_fitted", f"{CHOICES} -k threat_51"),
    Mutant("choosing/result.py", '{"fill": self.fill})', "{})", f"{CHOICES} -k several_fills"),
    Mutant("choosing/halving.py", " if assessment.candidate not in dropped", "", f"{CHOICES} -k rounds"),
    Mutant("choosing/halving.py", "begin, end = end, min(2 * end, len(self._order))", "begin, end = end, min(2 * end, 64)", f"{CHOICES} -k rounds"),
    Mutant("choosing/halving.py", "return 1000 * median(seconds)", "return 1000 * max(seconds)", f"{CHOICES} -k timed"),
    Mutant("choosing/selecting.py", "        group.start.expect_unchanged()\n", "        pass\n", f"{CHOICES} -k meanwhile"),
    Mutant("choosing/selecting.py", "if not affordable(ranking[0], budget):", "if False:", f"{CHOICES} -k rules_out"),
    Mutant("cli/choosing.py", "    if further is not None:\n        with working", "    if False:\n        with working", "tests/cli/test_choose.py -k before_anything"),
    Mutant("cli/choosing.py", "each = typed.hours * _HOUR / len(further)", "each = typed.hours * _HOUR", "tests/cli/test_choose.py -k hours"),
    Mutant("plot/choosing.py", "[100 * assessment.certified_fraction for", "[100 * assessment.clean_fraction for", "tests/choosing/test_drawing.py"),
    # Dropped tokens, and evaluators that compute in several shapes.
    Mutant("classifiers/occlusion.py", "if not np.array_equal(rows[-1], tokens.any(axis=(1, 3)).ravel()):", "if False:", OCCLUSION),
    Mutant("classifiers/occlusion.py", "rows.append(tokens.all(axis=(1, 3)).ravel())", "rows.append(tokens.any(axis=(1, 3)).ravel())", OCCLUSION),
    Mutant("classifiers/occlusion.py", 'return {"fill": str(self)}', 'return {"fill": "0.0"}', TOKENS),
    Mutant("classifiers/occlusion.py", "            if rows[-1].all():\n", "            if False:\n", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "argsort(dim=1, stable=True)[:, :count] + first", "argsort(dim=1, stable=True)[:, :count]", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "hidden.to(torch.uint8).argsort(dim=1, stable=True)", "(~hidden).to(torch.uint8).argsort(dim=1, stable=True)", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "            self._expect_local(image, sequence, hidden.to(place[0]))\n", "            pass\n", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", '        self._expect_same(whole, moved, "tokens in another order")\n', "", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", '        self._expect_same(whole, sequence, "all tokens kept")\n', "", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "if sides != occlusion.sides:", "if False:", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "if _name_of(part) in _PARTS]", "if any(hasattr(part, name) for name in ('patch_embed',))]", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "    twin = _shallow(model)\n", "    twin: Any = model\n", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "torch.cat(parts)[torch.cat(rows).argsort()]", "torch.cat(parts)", TOKENS),
    Mutant("../adapters/maskcover_torch/tokens.py", "parts.append(scores if count else torch.full_like(scores, torch.nan))", "parts.append(scores)", TOKENS),
    Mutant("../adapters/maskcover_torch/token_evaluator.py", "batch = rows.take(range(len(pairs)), mode=\"clip\")", "batch = rows", TOKENS),
    Mutant("../adapters/maskcover_torch/token_evaluator.py", "index_select(0, first) | self", "index_select(0, first) & self", TOKENS),
    Mutant("../adapters/maskcover_torch/token_evaluator.py", "for count in sorted(set(counts.tolist()) - {0}):", "for count in sorted(set(counts.tolist())):", TOKENS),
    Mutant("../adapters/maskcover_torch/token_evaluator.py", "else self._embedded(pixels)\n", "else LoadedTokens(pixels, image.sequence)\n", TOKENS),
    Mutant("../adapters/maskcover_torch/token_evaluator.py", "        if contract.compiled:\n", "        if False:\n", TOKENS),
    Mutant("engine/queue.py", "self._of_shape(item.missing, shape)[:size]", "item.missing[:size]", ENGINE),
    Mutant("engine/queue.py", "fills = missing and not self._has_shapes and", "fills = missing and", ENGINE),
    Mutant("engine/queue.py", "self._waiting_rows().max() < self._evaluator.batch_size", "self._waiting_rows().max() < 1", ENGINE),
    Mutant("engine/probes.py", "                yield from self._hostile(further, turns=2)\n", "", TOKENS),
    Mutant("engine/probes.py", " if same_shape else before.pairs", "", TOKENS),
    Mutant("engine/probes.py", "*_further_shapes(evaluator)]", "]", TOKENS),
    # Models by name, arrays, frames, explanations.
    Mutant("classifiers/loading.py", "return len(needed) != 1", "return True", "tests/classifiers/test_loading.py"),
    Mutant("classifiers/occlusion.py", "xp.where(hidden, filling, images)", "images * ~hidden + filling * hidden", "tests/classifiers/test_arrays.py"),
    Mutant("classifiers/arrays.py", 'fits = fill.dtype.kind == "f" or np.array_equal(fill, self.fill)', "fits = True", "tests/classifiers/test_arrays.py"),
    Mutant("engine/preparation.py", "isinstance(images_preprocessing, Preprocessing) and images_preprocessing != declared", "False", "tests/adapters/test_refusals.py"),
    Mutant("engine/preparation.py", "if size is not None and size != masks.grid.shape:", "if False:", "tests/adapters/test_refusals.py"),
    Mutant("engine/preparation.py", "size is not None and size != masks.grid.shape", "False", "tests/adapters/test_refusals.py"),
    Mutant("classifiers/registry.py", "frameworks = (kind.__module__.partition(\".\")[0] for kind in type(model).__mro__)", "frameworks = (kind.__module__.partition(\".\")[0] for kind in type(model).__mro__[:1])", "tests/classifiers/test_adapters.py"),
    Mutant("certification/serving.py", 'if preprocessing == NONE else preprocessing', "if preprocessing else preprocessing", "tests/adapters/test_transformers.py"),
    Mutant("certification/explanation.py", "return self.certificate.certified and not self.broken", "return self.certificate.certified", "tests/certification/test_explanation.py"),
    Mutant("certification/explanation.py", "np.triu(self.predictions != self.label)", "np.triu(self.predictions != self.label, 1)", "tests/certification/test_explanation.py"),
    Mutant("data/preprocessing.py", "rows, columns = step.axes((pixels.shape[0], pixels.shape[1]))", "rows, columns = step.axes((pixels.shape[1], pixels.shape[0]))", "tests/data/test_preprocessing.py"),
    Mutant("data/preprocessing.py", "np.where(outside[:, :, None], np.uint8(0), moved)", "moved", "tests/data/test_preprocessing.py"),
    Mutant("data/preprocessing.py", "mine.shape != other.shape or not np.allclose(mine, other, rtol=0, atol=1e-5)", "mine.shape != other.shape", "tests/data/test_preprocessing.py"),
    Mutant("regions/preprocessing/steps.py", '(length - outputs) // 2 if rounding == "down" else round((length - outputs) / 2)', "(length - outputs) // 2", "tests/data/test_preprocessing.py tests/adapters/test_timm.py"),
    Mutant("regions/preprocessing/steps.py", "// stride + 1, dtype=np.int64)", "// stride, dtype=np.int64)", CELLS),
    Mutant("regions/preprocessing/steps.py", "np.minimum(first + size, length)", "np.minimum(first + size - 1, length)", CELLS),
    Mutant("regions/preprocessing/steps.py", "any(size <= padding for size", "any(size < padding for size", CELLS),
    Mutant("classifiers/evaluation.py", "        classifier.expect_regions(regions, example)\n", "        str(regions)\n", SPLIT + " -k field"),
    Mutant("cli/certifying.py", "return own(grid) if named is None and own is not None else named", "return named", "tests/cli/test_cells.py -k local"),
    Mutant("cli/certifying.py", "return str(classifier.regions(regions, preprocessing.size or (224, 224)))", "return regions", "tests/cli/test_cells.py -k split"),
    Mutant("../adapters/maskcover_torch/fields.py", '_VALUES = (None, 1e30, -1e30, float("inf"), -float("inf"), float("nan"))', '_VALUES = (float("nan"),)', FIELDS),
    Mutant("../adapters/maskcover_torch/fields.py", "        if all(whole):\n", "        if False:\n", FIELDS),
    Mutant("../adapters/maskcover_torch/fields.py", "rest - (len(first) * stride - 1)", "rest - len(first) * stride", FIELDS),
    Mutant("../adapters/maskcover_torch/fields.py", "        for axis, support in enumerate(axes):\n", "        for axis, support in list(enumerate(axes))[:1]:\n", FIELDS),
    Mutant("../adapters/maskcover_torch/local_classifier.py", "        if masks != own:\n", "        if len(masks) != len(own):\n", LOCAL),
    Mutant("../adapters/maskcover_torch/local_classifier.py", "            ruler.expect_inside(field)\n", "            print(field)\n", LOCAL),
    Mutant("../adapters/maskcover_torch/local_classifier.py", "np.maximum(first, second), cells)", "np.maximum(first, second), np.minimum(first, second))", LOCAL),
    Mutant("../adapters/maskcover_torch/heads.py", "for other in (noise, torch.full_like(images, 1e30), torch.full_like(images, torch.nan)):", "for other in ():", SPLIT),
    Mutant("../adapters/maskcover_torch/heads.py", "tuple(map(_version, self.parameters()))", "()", SPLIT + " -k weights"),
    Mutant("../adapters/maskcover_torch/heads.py", "if self._prefix(cut, images) and not", "if False and not", SPLIT + " -k tokens"),
    Mutant("../adapters/maskcover_torch/split_classifier.py", "if tuple(pixels.shape) != self._shape:", "if False:", SPLIT + " -k another_size"),
    Mutant("../adapters/maskcover_torch/training/margins.py", "leads + 1.0", "leads", "tests/adapters/test_bagnet.py"),
    Mutant("runs/size_groups.py", "return through(regions, *preprocessing.steps, source=size) if preprocessing.steps else regions", "return regions", "tests/runs/test_source_frame.py"),
    Mutant("runs/source_frame.py", "mine = ((first - number) % step, step)", "mine = ((first - number) % step, step + 1)", "tests/runs/test_source_frame.py"),
    Mutant("runs/size_groups.py", "return {size: tuple(members[size]) for size in sorted(members)}", "return {size: tuple(members[size])[:1] for size in sorted(members)}", "tests/runs/test_source_frame.py"),
    Mutant("runs/source_frame.py", "return tuple(by_number[number] for number in sorted(by_number))", "return tuple(by_number.values())", "tests/runs/test_source_frame.py"),
    Mutant("../adapters/maskcover_torch/modes.py", "node.args[:6]", "node.args[:1]", "tests/adapters/test_torch_outputs.py"),
    Mutant("../adapters/maskcover_torch/outputs.py", "if len(entries) == 1 else output", "if entries else output", "tests/adapters/test_torch_outputs.py"),
    Mutant("../adapters/maskcover_torch/classifier.py", "preprocessing=preprocessing, fill=self.fill, contract=contract", "preprocessing=preprocessing, contract=contract", "tests/adapters/test_torch.py tests/adapters/test_torch_fingerprint.py"),
    Mutant("../adapters/maskcover_timm/configuration.py", "if built is not None and tuple(built) != size:", "if False:", "tests/adapters/test_timm.py"),
    Mutant("../adapters/maskcover_timm/configuration.py", "if missing:", "if False:", "tests/adapters/test_timm.py"),
    Mutant("../adapters/maskcover_transformers/processors.py", "return expect_same(preprocessing, lambda image: _processed_by(twin, image), name)", "return preprocessing", "tests/adapters/test_transformers.py"),
    Mutant("../adapters/maskcover_transformers/zeroshot.py", "(embedded / embedded.norm(dim=-1, keepdim=True)) @", "embedded @", "tests/adapters/test_transformers.py"),
    Mutant("../adapters/maskcover_onnx/network.py", "if absent:", "if False:", "tests/adapters/test_onnx.py"),
    Mutant("../adapters/maskcover_sklearn/estimator.py", "np.array_equal(array, np.arange(len(array)))", "len(array)", "tests/adapters/test_sklearn.py"),
    # Certificates.
    Mutant("certificate/check.py", "(low, _plus(high, room)) for low, high in spots", "(low, _plus(high, room, 1, 1)) for low, high in spots", CERTIFICATES),
    Mutant("certificate/check.py", "_plus(a[0], b[1], -1, 1)", "_plus(a[0], b[1], -1, 0)", CERTIFICATES),
    Mutant("certificate/check.py", "_plus(high, stop, more=-1)", "_plus(high, stop, more=-2)", CERTIFICATES),
    Mutant("certificate/check.py", "if _overlap(places) or volumes", "if volumes", CERTIFICATES),
    Mutant("certificate/check.py", "volumes[0] != volumes[1] or any", "any", CERTIFICATES),
    Mutant("certificate/check.py", "if frozenset() in shared:", "if not shared:", CERTIFICATES),
    Mutant("certificate/check.py", "if all(gaps):", "if gaps and all(gaps):", CERTIFICATES),
    Mutant("certificate/check.py", "return list(filter(all, terms)), ", "return list(filter(all, terms))[:1], ", CERTIFICATES),
    Mutant("certificate/check.py", "elif not any(_left(box, outer)", "elif not all(_left(box, outer)", CERTIFICATES),
    Mutant("certificate/check.py", "(rows is None or used == there)", "True", CERTIFICATES),
    Mutant("certificate/check.py", "ceil(count * total)", "int(count * total)", CERTIFICATES),
    Mutant("certificate/check.py", "not places or any(_ends(shape)[0]) or", "not places or", CERTIFICATES),
    Mutant("certificate/check.py", "lasts if len(free) > 1 else", "lasts if len(free) > 9 else", CERTIFICATES),
    Mutant("certificate/check.py", "for mask in signatures[number]:", "for mask in signatures[number][:1]:", CERTIFICATES),
    Mutant("certificate/tiling.py", "next(number_of[minimum] for minimum in least if minimum & kind == minimum)", "next(number_of[minimum] for minimum in least if minimum & kind)", CERTIFICATES),
    Mutant("certificate/tiling.py", "labels[~places.allowed] = -1", "labels[~places.allowed] = 0", CERTIFICATES),
    # What Coq is told: a theorem about another claim than that of the file.
    Mutant("certificate/coq.py", "(Rectangles {_amount(area)} {least}", "(Rectangles {_amount(area)} {least + 1}", PROVED),
    Mutant("certificate/coq.py", "(copies {_claim(base, grid)} {k})", "(copies {_claim(base, grid)} {k - 1})", PROVED),
    Mutant("certificate/coq.py", "first, *more = (_claim(member, grid) for member in members)", "first, *more = (_claim(member, grid) for member in members[:1])", PROVED),
    Mutant("certificate/coq.py", "touching=False):", "touching=_):", PROVED),
    # The fingerprint names all that computes.
    Mutant("../adapters/maskcover_onnx/files.py", "_read(path.parent / name,", "_read(Path(name),", "tests/adapters/test_onnx_files.py"),
    Mutant("../adapters/maskcover_onnx/files.py", '({"external data": others} if others else {})', "{}", "tests/adapters/test_onnx_files.py"),
    Mutant("classifiers/arrays.py", "            expect_alike(image, arrays[0])\n", "            pass\n", "tests/classifiers/test_mixed_images.py"),
    Mutant("classifiers/arrays.py", "(image.dtype, image.shape) != (first.dtype, first.shape)", "image.shape != first.shape", "tests/classifiers/test_mixed_images.py"),
    Mutant("classifiers/evaluation.py", "        expect_alike(plain, self._first)\n", "", "tests/classifiers/test_mixed_images.py"),
    Mutant("../adapters/maskcover_sklearn/estimator.py", "return scores if predict is None else self._own.agreed(scores, self._numbers(predict(rows)))", "return scores", "tests/adapters/test_sklearn_decisions.py"),
    Mutant("classifiers/decisions.py", "np.where(others[:, None], scores.dtype.type(0), scores)", "scores", "tests/adapters/test_sklearn_decisions.py"),
    Mutant("../adapters/maskcover_sklearn/estimator.py", "if type(final).__name__ in _VOTING else there[0]", "if False else there[0]", "tests/adapters/test_sklearn_decisions.py"),
    Mutant("classifiers/content.py", "if value.dtype.names:", "if False:", "tests/adapters/test_sklearn_identity.py"),
    Mutant("classifiers/content.py", "list(value.get_arrays())]", "_reduced(value)]", "tests/adapters/test_sklearn_identity.py"),
    Mutant("../adapters/maskcover_onnx/network.py", "self._own.agreed(scores, labels[0].reshape(-1)) if labels else scores", "scores", "tests/adapters/test_onnx.py"),
    Mutant("../adapters/maskcover_onnx/network.py", 'return "hwc" if None not in sides and first == middle != last else "chw"', 'return "chw"', "tests/adapters/test_onnx.py"),
    # Runs: other pixels under the same ids, documents that are edited, and code that a run names.
    Mutant("runs/running.py", 'part.digests.pop(place, "")', '""', PIXELS),
    Mutant("report/html.py", "autoescape=True", "autoescape=False", ESCAPED),
    Mutant("report/markdown.py", '_ENTITIES.get(match[1], "\\\\" + match[1])', "_ENTITIES.get(match[1], match[1])", ESCAPED),
    Mutant("report/markdown.py", '_table(("image", "reason"), facts.errors)', '"\\n".join(reason for _, reason in facts.errors)', ESCAPED),
    Mutant("runs/reporting.py", "printable(str(names[label]))", "str(names[label])", ESCAPED),
    Mutant("runs/report_images.py", "id=printable(row.id)", "id=row.id", ESCAPED),
    Mutant("notebooks.py", "return escape(line", "return (line", "tests/test_notebooks.py"),
    Mutant("report/facts.py", "math.ceil(1000 * fraction)", "math.floor(1000 * fraction)", REPORTING),
    Mutant("report/facts.py", "math.floor(1000 * fraction)", "math.ceil(1000 * fraction)", REPORTING),
    Mutant("runs/reporting.py", "sampled = not run.selected and (chosen is None or chosen.seed is not None)", "sampled = not run.selected", REPORTING),
    Mutant("runs/reporting.py", "sampled = not run.selected and (chosen is None or chosen.seed is not None)", "sampled = chosen is None or chosen.seed is not None", REPORTING),
    Mutant("runs/reporting.py", "exact_interval(count, total) if sampled", "exact_interval(count, total, 0.9) if sampled", REPORTING),
    Mutant("runs/reporting.py", "if len(wrong):", "if False:", REPORTING),
    Mutant("runs/reporting.py", "containment_for(part.config.procedure, part.masks, part.config.regions)", "pass", REPORTING),
    Mutant("runs/reporting.py", "return names if agree else None", "return names", REPORTED),
    Mutant("runs/own_images.py", "if now and digest and now != digest:", "if False:", REPORTING),
    Mutant("runs/own_images.py", "if not same and not unknown:", "if False:", REPORTING),
    Mutant("runs/own_images.py", "if len(images) != count:", "if False:", REPORTING),
    Mutant("runs/report_images.py", 'least = "" if row.certified or _exhaustive(part) else "at least "', 'least = ""', REPORTING),
    Mutant("runs/report_images.py", "order = np.lexsort((margin, run.undefended == right, run.defended == right, fraction, certified))", "order = np.lexsort((margin, fraction, certified))", REPORTING),
    Mutant("runs/own_images.py", '"split", "labels", "outside"', '"split", "labels", "classes", "outside"', REPORTED),
    Mutant("runs/pixels.py", "{kind} {values.shape} ", "{kind} ", PIXELS),
    Mutant("runs/pixels.py", "np.ascontiguousarray(values, values.dtype", "np.ascontiguousarray(values[:1], values.dtype", PIXELS),
    Mutant("runs/resuming.py", "if now and now != row.pixels:", "if now and not row.pixels:", PIXELS),
    Mutant("runs/resuming.py", "[*with_pixels[:1], *with_pixels[-1:]]", "with_pixels[:1]", PIXELS),
    Mutant("runs/resuming.py", "config.example != kept.example:", "not kept.example:", PIXELS),
    Mutant("runs/replaying.py", "if row.pixels != other.pixels", "if not row.pixels", PIXELS),
    Mutant("runs/columns.py", 'for name in _PLAIN if name != "pixels" or document[name]}', 'for name in _PLAIN}', PIXELS),
    Mutant("runs/documents.py", "if document[_SEAL] != claim(document, without):", "if not document[_SEAL]:", PIXELS),
    Mutant("runs/folder.py", '"scale", "reused"})\n', '"scale", "reused", "regions"})\n', PIXELS),
    Mutant("runs/folder.py", 'about | {"run": config.claim}', "about", PIXELS),
    Mutant("runs/source_frame.py", "if not bound or config.count != count:", "if config.count != count:", FRAMES),
    Mutant("runs/source_frame.py", "            expect_sealed(document)\n", "            pass\n", FRAMES),
    Mutant("cli/sources.py", "if model is None and runs_code(self.model):", "if not self.model:", TYPED),
    Mutant("classifiers/loading.py", "if entry is None or entry.dist is None or entry.dist.name != \"maskcover\":", "if entry is None:", TYPED),
    Mutant("classifiers/loading.py", "return not isinstance(adapter, Loads)", "return adapter is None", TYPED),
    Mutant("terminal.py", "letter if letter.isprintable() else", "letter if letter != chr(27) else", "tests/test_terminal.py"),
    Mutant("canonical.py", "if os.path.lexists(path):", "if not path.parent.exists():", "tests/test_canonical.py"),
    Mutant("canonical.py", "            os.fsync(stream.fileno())\n", "", "tests/test_canonical.py"),
    # Judges that read one document in two ways, and texts that hang them.
    Mutant("certificate/check.py", "def rectangles(self, area: Any, *, min_side", "def rectangles(self, area: Any, min_side", JUDGES),
    Mutant("certificate/check.py", '[0-9]{1,41}/(?=.{1,41}$)0*[1-9][0-9]*', '[0-9]{1,41}/0*[1-9][0-9]*', JUDGES),
    Mutant("certificate/check.py", "or any(_ends(shape)[0]) or _overlap(shape):", "or any(_ends(shape)[0]):", JUDGES),
    Mutant("certificate/check.py", 'parse_int=lambda digits: digits[0] != "-" and int(digits)', "parse_int=int", JUDGES),
    Mutant("certificate/check.py", "_need(type(value) is list, ", "_need(isinstance(value, list | dict), ", JUDGES),
    Mutant("certificate/check.py", "_need(max(brackets) <= DEEPEST, ", "_need(True, ", JUDGES),
    Mutant("certificate/check.py", "top = min(sides[-1], limit // prod(prefix), floor(high * aspect))", "top = min(sides[-1], limit // prod(prefix), floor(high * aspect) - 1)", CERTIFICATES),
    Mutant("certificate/check.py", "range(max(least, ceil(low / aspect)), top + 1)", "range(max(least, ceil(low / aspect)), top)", CERTIFICATES),
    Mutant("certificate/check.py", "min_side)\n        aspect = _number(max(limit, 1) if", "min_side)\n        aspect = _number(1 if", CERTIFICATES),
    Mutant("certificate/check.py", "key=lambda side: side**axes)", "key=lambda side: side**axes + 1)", CERTIFICATES),
    Mutant("certificate/check.py", "_few(10 * prod(min(side, limit) for side in sides[:-1]))", "pass", JUDGES),
    Mutant("certificate/document.py", "    if len(used) < len(items):\n", "    if False:\n", JUDGES),
    Mutant("certificate/document.py", "    if shape.area != sum(box.volume for box in boxes):\n", "    if False:\n", JUDGES),
    Mutant("certificate/document.py", "if not TEXT.fullmatch(text):", "if not text:", JUDGES),
    Mutant("certificate/claims.py", "or _schema(content) == CERTIFICATE.schema:", "or CERTIFICATE.schema.encode() in content[:200]:", "tests/cli/test_claims.py"),
    Mutant("canonical.py", 'refuse_number(literal) if literal == "-0" else int(literal)', "int(literal)", "tests/masks/test_files.py"),
    Mutant("regions/polygons.py", "larger = ceil(diameter * 1000) / 1000", "larger = (ceil(diameter * 1000) - 1) / 1000", "tests/regions/test_parse.py"),
    Mutant("regions/shapes/reading.py", "shapely.remove_repeated_points(shapely.force_2d(shape)).normalize()", "shapely.force_2d(shape).normalize()", "tests/regions/test_parse.py"),
    Mutant("regions/base.py", "(extents[:number] >= extents[number]).all(axis=1)", "(extents[:number] >= extents[number]).any(axis=1)", "tests/regions tests/property/test_families.py"),
    Mutant("regions/base.py", "            if not places or compared == _MOST_COMPARED:\n", "            if compared == _MOST_COMPARED:\n                places = boxes[other].places.minus(boxes[other].places)\n            if not places:\n", "tests/regions/test_limits.py"),
    Mutant("regions/parse.py", "return -value if isinstance(value, int) and value else", "return -value if isinstance(value, int) else", JUDGES),
    Mutant("amounts.py", "_checked_fraction(Fraction(percent[1]) / 100, name)", "_checked_fraction(Fraction(percent[1]), name)", "tests/test_amounts.py"),
    Mutant("masks/files.py", "document_in(path, MASK_SET, CERTIFICATE)", "document_in(path, MASK_SET)", "tests/masks/test_files.py"),
    Mutant("schemas/validation.py", "type(value) is int and rules[", "isinstance(value, int) and rules[", "tests/masks/test_files.py"),
    Mutant("schemas/validation.py", "lambda _, value: type(value) is int)", "lambda _, value: isinstance(value, int))", "tests/schemas"),
    Mutant("schemas/validation.py", "all(_fits(value, items) for value in instance)", "any(_fits(value, items) for value in instance)", "tests/masks/test_files.py"),
    Mutant("schemas/masked.py", "        expect_valid(document, _kind_of(document, kinds).file)\n", "        _kind_of(document, kinds)\n", "tests/masks/test_files.py"),
    Mutant("canonical.py", "return number if math.isfinite(number) else refuse_number(literal)", "return number", "tests/test_canonical.py"),
    # Class names and numbers (threats.md, 53).
    Mutant("data/classes.py", "return listed if listed is not None and listed.names else own", "return own", "tests/data/test_readers.py -k knows"),
    Mutant("data/classes.py", "if listed is not None and listed.count != own.count:", "if False:", "tests/data/test_readers.py -k knows"),
    Mutant("data/classes.py", "    if missing is not None:\n", "    if False:\n", "tests/data/test_classes.py -k mappings"),
    Mutant("data/classes.py", "sum(number in numbers for number, numbers in enumerate(called)) >= _SAME * len(own)", "True", "tests/data/test_classes.py -k another_order"),
    Mutant("data/labels.py", "if number is not None or named.has_digits:", "if number is not None:", "tests/data/test_readers.py -k names_where_names"),
    Mutant("data/labels.py", "elif classes is not None and classes.has_digits:", "elif False:", "tests/data/test_readers.py -k numbers_without_names"),
    Mutant("data/labels.py", "    if wrong is not None:\n", "    if False:\n", "tests/data/test_readers.py -k another_order"),
    Mutant("data/labels.py", "class_names is None or dataset.matched else", "class_names is None else", "tests/engine/test_matching.py -k believed"),
    Mutant("data/labels.py", "dataset.classes is not None and len(dataset.classes) != outputs", "dataset.classes is not None and len(dataset.classes) > outputs", "tests/engine/test_matching.py -k thousand"),
    Mutant("data/labels.py", "    if not np.array_equal(labels, for_model(dataset, class_names).true_labels):", "    if not len(labels):", "tests/engine/test_matching.py -k another_order"),
    Mutant("data/labels.py", "if number is None or other != name:", "if number is None:", "tests/data/test_folders.py -k two_ways"),
    Mutant("data/folders.py", "None if request.digits_are_names else numbers_of(", "numbers_of(", "tests/data/test_folders.py -k numbers"),
    Mutant("data/tables.py", "if list(names).count(name) > 1", "if list(names).count(name) > 2", "tests/data/test_tables.py -k columns"),
    Mutant("data/webdataset.py", "            if len(labels) > 1:\n", "            if len(labels) > 9:\n", "tests/data/test_webdataset.py -k two_labels"),
    Mutant("data/webdataset.py", "[label for label in self.labels if label.name == image.name]", "self.labels", "tests/data/test_webdataset.py -k dots"),
    Mutant("data/mapstyle.py", "return None if None in classes else classes[0]", "return classes[0]", "tests/data/test_readers.py -k joined"),
    Mutant("data/mapstyle.py", "    if len(different) > 1:\n", "    if False:\n", "tests/data/test_readers.py -k joined"),
    Mutant("runs/running.py", "        expect_matching(images, task.labels, start.evaluator.classes, names_of(classifier))\n", "", "tests/engine/test_matching.py -k thousand"),
    Mutant("cli/certifying.py", "source.dataset(names_of(classifier) if labelled else None)", "source.dataset()", "tests/cli/test_data.py -k threat_53_labels"),
    # Data that reach outside their folder, or claim too much (threats.md, 54).
    Mutant("data/tables.py", '(pure.is_absolute() or ".." in pure.parts)', "pure.is_absolute()", "tests/data/test_tables.py -k outside"),
    Mutant("data/tables.py", '(pure.is_absolute() or ".." in pure.parts)', '".." in pure.parts', "tests/data/test_tables.py -k outside"),
    Mutant("data/huggingface.py", "return _beside(path, str(split)), str(split)", "return path / str(split), str(split)", "tests/data/test_huggingface.py -k inside"),
    Mutant("data/huggingface.py", "        column.validate(full=True)\n", "        pass\n", "tests/data/test_huggingface.py -k places"),
    Mutant("data/folders.py", "        if before != prefix:\n", "        if False:\n", "tests/data/test_folders.py -k one_folder"),
    Mutant("data/webdataset.py", "if math.prod(map(_length, ranges)) > _MOST:", "if any(_length(numbers) > _MOST for numbers in ranges):", "tests/data/test_webdataset.py -k ends_at_once"),
    Mutant("data/unpickling.py", 'if operation.name == "BYTEARRAY8":', "if False:", "tests/data/test_cifar.py -k memory"),
    Mutant("data/npz.py", "if claimed not in (None, held):", "if False:", "tests/data/test_npz.py -k claims"),
    Mutant("data/arrays.py", "if unpacked > max(_PLENTY, _RATIO * packed):", "if False:", "tests/data/test_npz.py -k unpacks"),
    Mutant("data/images.py", "module.Image.open(file, formats=_formats(module))", "module.Image.open(file)", "tests/data/test_images.py -k program"),
    Mutant("data/images.py", '!= "MPO":', '!= "JPEG":', "tests/data/test_images.py -k mpo"),
    Mutant("data/images.py", 'if image.format == "TIFF":', "if False:", "tests/data/test_images.py -k measured"),
    Mutant("data/images.py", "    except Exception as error:\n", "    except (OSError, SyntaxError) as error:\n", "tests/data/test_images.py -k broken"),
    # Models and images from elsewhere.
    Mutant("../adapters/maskcover_torch/weights.py", 'map_location="cpu", weights_only=True', 'map_location="cpu", weights_only=False', "tests/adapters/test_torch_weights.py"),
    Mutant("../adapters/maskcover_torch/weights.py", 'os.environ[_FORCED] = "1"', 'os.environ[_FORCED] = "0"', "tests/adapters/test_torch_weights.py"),
    Mutant("../adapters/maskcover_torch/weights.py", "theirs[1:] == ours[1:]", "True", "tests/adapters/test_torch_weights.py"),
    Mutant("../adapters/maskcover_torch/devices.py", "_rank() % here", "0", "tests/adapters/test_torch_devices.py"),
    Mutant("../adapters/maskcover_timm/__init__.py", "with only_weights():", "if True:", "tests/adapters/test_timm.py -k threat_55"),
    Mutant("../adapters/maskcover_timm/configuration.py", "if built != declared:", "if False:", "tests/adapters/test_timm.py -k grey"),
    Mutant("../adapters/maskcover_transformers/loading.py", "AutoConfig.from_pretrained(name, trust_remote_code=False)", "AutoConfig.from_pretrained(name, trust_remote_code=True)", "tests/adapters/test_transformers.py -k threat_55"),
    Mutant("../adapters/maskcover_transformers/loading.py", 'if "/" in name)', 'if "//" in name)', "tests/adapters/test_transformers.py -k threat_55"),
    Mutant("../adapters/maskcover_onnx/network.py", "if provider not in used:", "if not used:", "tests/adapters/test_onnx_devices.py"),
    Mutant("engine/ranges.py", "low < black - _IMPOSSIBLE * (white - black)", "False", "tests/engine/test_ranges.py"),
    Mutant("engine/ranges.py", "high > white + _IMPOSSIBLE * (white - black)", "False", "tests/engine/test_ranges.py"),
    Mutant("engine/ranges.py", "low >= 0 and high <= 1 and high > low", "False", "tests/engine/test_ranges.py"),
    Mutant("engine/preparation.py", "if not isinstance(images_preprocessing, Preprocessing):", "if False:", "tests/engine/test_ranges.py"),
    # The loop of a server: what is kept, streamed and said of its price.
    Mutant("../adapters/maskcover_torch/kept.py", "            and before.settings == now.settings\n", "", "tests/adapters/test_torch_serving.py"),
    Mutant("../adapters/maskcover_torch/kept.py", "all(own is other for own, other in zip(before.objects, now.objects, strict=True))", "True", "tests/adapters/test_torch_serving.py"),
    Mutant("../adapters/maskcover_torch/kept.py", "if of_modules else ((), ())", "if False else ((), ())", "tests/adapters/test_torch_serving.py"),
    Mutant("../adapters/maskcover_torch/module.py", "kept if kept.evaluator.computes_with(self.model) else None", "kept", "tests/adapters/test_torch_serving.py"),
    Mutant("../adapters/maskcover_torch/module.py", "return kept.evaluator.fresh()", "return kept.evaluator", "tests/adapters/test_torch_serving.py"),
    Mutant("../adapters/maskcover_torch/module.py", 'return vars(self) | {"_kept": None}', "return dict(vars(self))", "tests/adapters/test_torch_serving.py"),
    Mutant("../adapters/maskcover_torch/local_classifier.py", "        twin._kept = WeakTensorKeyDictionary()\n", "", "tests/adapters/test_torch_serving.py"),
    Mutant("certification/streaming.py", "        self._binding.expect(self._evaluator, self._preprocessing)\n        if", "        if", "tests/adapters/test_torch_serving.py"),
    Mutant("certification/streaming.py", "        if self._rows is not None and not self._equal:", "        if False:", "tests/adapters/test_torch_serving.py"),
    Mutant("certification/streaming.py", "        if not all(self._equal):", "        if False:", "tests/adapters/test_torch_serving.py"),
    Mutant("certification/streaming.py", "        self._rows = binding.rows(evaluator)\n", "        self._rows = binding._rows\n", "tests/adapters/test_torch_serving.py"),
    Mutant("certification/streaming.py", 'if isinstance(answer, Failed) and errors == "raise":', "if False:", "tests/engine/test_streaming.py"),
    Mutant("certification/streaming.py", "evaluator.batch_size if open_images == 1 else FEW", "FEW", "tests/engine/test_streaming.py"),
    Mutant("certification/answering.py", "evaluator.batch_size if len(images) == 1 else FEW", "FEW", "tests/engine/test_streaming.py"),
    Mutant("certification/binding.py", "now = summary, evaluator.masks.digest", "now = summary, None", "tests/adapters/test_torch_serving.py"),
    Mutant("engine/streaming.py", "self.ended or self._fetched - self._yielded >= self._most", "self.ended", "tests/engine/test_streaming.py"),
    Mutant("engine/streaming.py", "self._fetched - self._yielded >= self._most", "self._fetched - self._yielded >= 1", "tests/engine/test_streaming.py"),
    Mutant("engine/streaming.py", "            self.ended, self.error = True, error\n", "            self.ended = True\n", "tests/engine/test_streaming.py"),
    Mutant("defense/stages.py", "0 if len(before) else len(ids)", "len(ids)", "tests/defense/test_stages.py"),
    Mutant("defense/stages.py", "rest if games is None else min(games, rest)", "rest if games is None else min(games - 1, rest)", "tests/defense/test_stages.py"),
    Mutant("defense/stages.py", "np.setdiff1d(unions.numbers(*pairs.T), before)", "np.unique(unions.numbers(*pairs.T))", "tests/defense/test_stages.py"),
    # What is served, goes on and is replayed is what was certified (threats 39 and 40).
    Mutant("engine/reference.py", 'if before is not None and after is not None and same', 'if before is not None and after is not None and same and name != "noise"', BOUND),
    Mutant("engine/reference.py", 'if before is not None and after is not None and same', 'if before is not None and after is not None and same and name == "noise"', BOUND),
    Mutant("engine/reference.py", "if fraction > tolerance else", "if fraction > 2 * tolerance else", BOUND),
    Mutant("engine/reference.py", 'if tolerance and fraction is not None:', 'if fraction is not None:', BOUND),
    Mutant("engine/reference.py", '        return RowScores(f"{_REFUSED} ({type(error).__name__})")', '        return None if error else RowScores(_REFUSED)', BOUND),
    Mutant("certification/binding.py", "        changed = self.reference.differences(self.reference.again(evaluator, example))\n", "        changed = example = None\n", BOUND),
    Mutant("certification/binding.py", "        if self._glance == (now, preprocessing):\n", "        if self._glance is not None:\n", BOUND),
    Mutant("certification/binding.py", "if len(images) and not watched.unchanged():", "if not images:", BOUND),
    Mutant("certification/binding.py", "            self._equal.append(self._rows.same(Answers(*answers.rows(last))))\n", "            self._equal.append(True)\n", BOUND),
    Mutant("certification/binding.py", "last = slice(len(answers.labels) - filled, None)", "last = slice(0, filled)", BOUND),
    Mutant("engine/queue.py", "self._evaluator.filling(missing) if fills", "self._evaluator.filling(missing + 1) if fills", BOUND),
    Mutant("engine/preparation.py", "    if changed:\n        return None\n    if earlier.min_margin:\n        _measure", "    if earlier.min_margin:\n        _measure", BOUND),
    Mutant("engine/preparation.py", "now != Fingerprint.of(earlier.entries):", "False:", "tests/runs/test_replaying.py tests/runs/test_bound_runs.py"),
    Mutant("runs/running.py", "    expect_scored(folder.path, kept, start)\n", "", BOUND),
    Mutant("runs/replaying.py", "scored = () if differences else", "scored = () if True else", BOUND),
    Mutant("../adapters/maskcover_torch/glance.py", "        _checksums(tensor for _, tensor in tensors),\n", "", BOUND),
    Mutant("../adapters/maskcover_torch/glance.py", "count = -1 if tensor.is_inference() else tensor._version", "count = -1", BOUND),
    Mutant("../adapters/maskcover_torch/module.py", "        binding.expect(self._evaluator(), self.preprocessing)\n", "", BOUND),
    Mutant("../adapters/maskcover_torch/module.py", "if name in _FIXED and name in vars(self):", "if False:", BOUND),
    Mutant("../adapters/maskcover_torch/described.py", '({"output": str(model.output)} if isinstance(model, Picked) else {})', "{}", "tests/adapters/test_torch_described.py -k output"),
    Mutant("../adapters/maskcover_torch/described.py", "        **dict(_hooks(every)),\n", "", "tests/adapters/test_torch_described.py -k hook"),
    Mutant("../adapters/maskcover_torch/described.py", "everywhere = modules._global_forward_pre_hooks, modules._global_forward_hooks", "everywhere = modules._global_forward_pre_hooks, modules._global_forward_pre_hooks", "tests/adapters/test_torch_described.py -k hook"),
    Mutant("../adapters/maskcover_torch/described.py", '("module", architecture_digest(value), weights_digest(value), described(value))', '"module"', "tests/adapters/test_torch_described.py -k seen"),
    Mutant("../adapters/maskcover_torch/described.py", 'return "tensor", tensor_bytes(value)', 'return "tensor"', "tests/adapters/test_torch_described.py -k seen"),
    Mutant("classifiers/content.py", "    yield from (function.__kwdefaults__ or {}).items()\n    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):", "    for name, cell in ():", "tests/classifiers/test_content.py"),
    Mutant("classifiers/content.py", "carried | arguments", "carried", "tests/classifiers/test_content.py"),
    Mutant("runs/folder.py", "if other.claim is None else {}", "", "tests/runs/test_earlier.py"),
    # On bits or on a margin, and in which way.
    Mutant("engine/findings.py", 'self.kind == "place" and', 'self.kind in ("place", "hidden") and', SETTINGS),
    Mutant("engine/findings.py", 'self.kind == "place" and', 'self.kind in ("place", "rows") and', SETTINGS),
    Mutant("engine/findings.py", 'self.kind == "place" and', 'self.kind in ("place", "repeat") and', SETTINGS),
    Mutant("engine/findings.py", "FACTOR = 100", "FACTOR = 10", SETTINGS),
    Mutant("engine/findings.py", "rounding=ROUND_CEILING", 'rounding="ROUND_FLOOR"', SETTINGS),
    Mutant("engine/findings.py", "or needed > LIMIT else", "or needed > 1 else", SETTINGS),
    Mutant("engine/probes.py", "for digit in range((size - 1).bit_length())]", "for digit in range((size - 1).bit_length() - 1)]", BATCHES),
    Mutant("engine/probes.py", "for pattern in (digit, ~digit)]", "for pattern in (digit,)]", BATCHES),
    Mutant("engine/probes.py", "            yield from self._real(before)\n", "", BATCHES),
    Mutant("engine/probes.py", "[before, *alone, *near])", "[before, *alone])", BATCHES),
    Mutant("engine/probes.py", "for first, second in ((0, 1), (1, 0)):", "for first, second in ():", BATCHES),
    Mutant("engine/settings.py", "if setting.report.leak is not None and not request.tolerant:", "if setting.report.leak is None and not request.tolerant and False:", SETTINGS),
    Mutant("engine/settings.py", "max(request.suggestion, request.least_margin)", "request.suggestion", SETTINGS),
    Mutant("engine/settings.py", "warning=_warning(under_margin[0], alone=bool(alone))", "warning=None", SETTINGS),
    Mutant("certification/certifying.py", '    return "bitwise" if min_margin is None else numerics\n', "    return numerics\n", SETTINGS),
    Mutant("../adapters/maskcover_torch/classifier.py", 'threads=own.threads or (int(entries["flag.threads"]) if "flag.threads" in entries else None)', "threads=own.threads", WAYS),
    Mutant("../adapters/maskcover_torch/numerics.py", "            torch.set_num_threads(contract.threads)\n", "            pass\n", WAYS),
    Mutant("../adapters/maskcover_torch/glance.py", "zlib.crc32(content.numpy().data)", "int(content.sum())", BOUND),
    Mutant("certification/binding.py", "loaded[-1 - number % len(loaded)]", "loaded[0]", "tests/engine/test_reference.py"),
    Mutant("certification/binding.py", "not (reference.has_noise or certified.example is not None)", "False", "tests/engine/test_reference.py"),
    Mutant("certification/binding.py", "            self.certified.reference.pin(evaluator)\n", "            pass\n", "tests/classifiers/test_mixed_images.py"),
    Mutant("engine/reference.py", "    return _row_scores(evaluator, evaluator.load(kind.noise()), example)", "    return None", "tests/engine/test_reference.py"),
    Mutant("../adapters/maskcover_onnx/network.py", "if name is None and (texts or len(there) > 1):", "if False:", "tests/adapters/test_onnx.py"),
    # Rows whose scores are all small.
    Mutant("classifiers/labels.py", ".max(axis=1), least_scale)", ".max(axis=1), 0.0)", "tests/engine/test_margin.py"),
    Mutant("engine/preparation.py", "    if choice.min_margin:\n", "    if choice.min_margin > 1:\n", "tests/engine/test_margin.py"),
    Mutant("engine/preparation.py", "        _measure_by(setting.evaluator, earlier.scale or 0.0)\n", "        pass\n", "tests/engine/test_margin.py"),
    Mutant("../adapters/maskcover_torch/evaluator.py", ".clamp(min=least_scale)", "", "tests/adapters/test_torch_evaluator.py"),
    # Asking a finished run again: what rows keep, the tables made of it, and answers.
    Mutant("runs/evidence.py", "whole = (table.matrix == label).all(axis=1)", "whole = (table.matrix == label).any(axis=1)", OPENED),
    Mutant("runs/evidence.py", "np.where(whole, entries.min(axis=1), NOT_WHOLE)", "np.where(whole, entries.max(axis=1), NOT_WHOLE)", OPENED),
    Mutant("runs/evidence.py", "np.where(wrong, -1.0, margins)", "np.where(wrong, 9.0, margins)", OPENED),
    Mutant("runs/evidence.py", "numbers = _seen(table) if whole_table else", "numbers = _seen(table)[:0] if whole_table else", OPENED),
    Mutant("runs/tables.py", "pairs = np.maximum(row_margins", "pairs = np.minimum(row_margins", OPENED),
    Mutant("runs/tables.py", "np.maximum.reduceat(pairs", "np.minimum.reduceat(pairs", OPENED),
    Mutant("runs/tables.py", "(self.margins > min_margin)", "(self.margins >= min_margin)", OPENED),
    Mutant("runs/tables.py", "np.where(self.kept, UNDECIDED, UNSEEN)", "np.where(self.kept, self.labels, UNSEEN)", OPENED),
    Mutant("runs/tables.py", "np.where(self.kept, UNDECIDED, UNSEEN)", "UNSEEN", OPENED),
    Mutant("runs/tables.py", "len(views) if pairs else 0", "len(views)", OPENED),
    Mutant("runs/tables.py", "bounds > NOT_WHOLE, self", "bounds >= NOT_WHOLE, self", OPENED),
    Mutant("runs/tables.py", "!= np.where(has_evidence, width, 0)).any()", "!= np.where(has_evidence, width, 0)).all()", OPENED),
    Mutant("runs/tables.py", "alike and (not len(values)", "alike or (not len(values)", OPENED),
    Mutant("runs/answers.py", "self.tables.labels[number].tobytes() + trusted[place]", "trusted[place]", OPENED),
    Mutant("runs/answers.py", "labels = None if bits else trusted[place]", "labels = None", OPENED),
    Mutant("runs/answers.py", "np.where(self.errors, error, padded[self.index])", "padded[self.index]", OPENED),
    Mutant("runs/answers.py", "return UNKNOWN\n        return YES", "return YES\n        return YES", OPENED),
    Mutant("runs/answers.py", "    return procedure == other\n", "    return True\n", OPENED),
    Mutant("runs/parts.py", "and min_margin < own", "and min_margin < 0", OPENED),
    Mutant("runs/opened.py", "if regions is None and part.claims(defence, margin)", "if regions is None", OPENED),
    Mutant("runs/parts.py", "not covers(margins >= step)", "not covers(margins > step)", OPENED),
    Mutant("runs/opened.py", "keep &= self.verdicts == verdict", "keep |= self.verdicts == verdict", OPENED),
    Mutant("runs/reusing.py", 'if config.document["masks"] != masks.digest:', 'if config.document["masks"] is masks:', OPENED),
    Mutant("runs/reusing.py", "start.evaluator.least_scale != scale", "start.evaluator.least_scale is None", OPENED),
    Mutant("runs/reusing.py", "np.where(first == NO_MASK, len(table.views),", "np.where(first == NO_MASK, 0,", OPENED),
    Mutant("runs/sizes.py", "decided(at, size) == YES", "decided(at, size) != NO", OPENED),
    Mutant("runs/sizes.py", "min(low + step - 1, last)", "min(low + step - 2, last)", OPENED),
    Mutant("runs/comparison.py", "return low - other_high, high - other_low", "return low - other_low, high - other_high", OPENED),
    Mutant("runs/comparison.py", "if (labels != theirs.labels[other_places]).any():", "if not len(labels):", OPENED),
    Mutant("runs/columns.py", "    for name in _KINDS:\n        hasher", "    for name in _PLAIN:\n        hasher", OPENED),
    # Studies: the paper's tables and figures.
    Mutant("studies/running.py", '"regions": masks.regions,', "", STUDIES),
    Mutant("studies/figures_4_5.py", "summary.evaluations / decided", "summary.evaluations", f"{STUDIES} -k counted"),
    Mutant("studies/running.py", "return square if square.terms(grid) == region_set.terms(grid) else region_set", "return square", STUDIES),
    Mutant("studies/running.py", "DoubleMasking(exhaustive=True), _ready_made(out, subject, masks)", "DoubleMasking(exhaustive=True)", STUDIES),
    Mutant("studies/running.py", "if summary.unknown or summary.unknown_defended:", "if False:", STUDIES),
    Mutant("studies/study.py", "digest([ids, labels])", "digest([ids])", STUDIES),
    Mutant("studies/study.py", "len(set(names)) != len(names):", "False:", STUDIES),
    Mutant("studies/figure_6.py", 'regions=squares(size=side), rule="all-pairs")', "regions=squares(size=side))", STUDIES),
    Mutant("studies/figure_6.py", "columns = figures(opened, regions=squares(size=side))", "columns = figures(opened)", STUDIES),
    Mutant("studies/figures_7_8.py", "for side in sides if side < kept]", "for side in sides if side <= kept]", STUDIES),
    Mutant("studies/figure_9.py", "if opened.min_margin > 0:", "if opened.min_margin > 1:", STUDIES),
    Mutant("studies/figure_9.py", '"certified": float(curve.certified(threshold))', '"certified": float(curve.clean(threshold))', STUDIES),
    Mutant("studies/table_4.py", "return half, 2 * half", "return half, half", STUDIES),
    Mutant("studies/table_4.py", "return cover(regions, subject.size, masks=rectangle_masks)", "return for_square(regions)", STUDIES),
    Mutant("studies/figure_10.py", '("challenger masking", challenger_run)', '("challenger masking", masking_run)', STUDIES),
    Mutant("studies/figures_11_13.py", "numbers[np.isnan(filled)] = -1", "numbers[np.isnan(filled)] = 0", STUDIES),
    Mutant("studies/figures_11_13.py", "successes / count", "successes / len(members)", STUDIES),
    Mutant("studies/timing.py", "    if earlier is not None:\n", "    if earlier is not None and timed < 0:\n", STUDIES),
    Mutant("studies/timing.py", "return fmean(decided) if", "return max(decided) if", STUDIES),
    Mutant("studies/boxes.py", "    parser.StartDoctypeDeclHandler = refuse\n", "", "tests/studies/test_boxes.py"),
    Mutant("studies/boxes.py", ".clip(0, [width, height, width, height])", ".clip(0, None)", "tests/studies/test_boxes.py"),
    Mutant("studies/boxes.py", "if len(set(used)) != len(used):", "if not used:", "tests/studies/test_boxes.py"),
    Mutant("studies/boxes.py", "and x0 < x1 and y0 < y1", "and x0 <= x1 and y0 <= y1", "tests/studies/test_boxes.py"),
    Mutant("studies/writing.py", r'return _SPECIAL.sub(r"\\\1", printable(text))', "return printable(text)", "tests/studies/test_writing.py"),
    Mutant("studies/writing.py", r'return _SPECIAL.sub(r"\\\1", printable(text))', r'return _SPECIAL.sub(r"\\\1", text)', "tests/studies/test_writing.py"),
    Mutant("studies/drawing.py", '"text.parse_math": False', '"text.parse_math": True', "tests/studies/test_writing.py"),
    Mutant("studies/drawing.py", 'return f" {text}" if text.startswith("_") else text', "return text", "tests/studies/test_writing.py"),
    Mutant("cli/studies.py", "    if odd:\n", "    if len(odd) > 1:\n", "tests/cli/test_studies.py"),
    Mutant("runs/reusing.py", "differences += changed_scores(self.config, start, same_images=False)", "pass", OPENED),
    Mutant("runs/reusing.py", 'if start.numerics != self.config.document["numerics"]:', "if not start.numerics:", OPENED),
    Mutant("runs/reusing.py", "return 0.0 if min_margin is None and typed_there else min_margin", "return min_margin", OPENED),
    Mutant("runs/opened.py", 'parse_regions(document["regions"]), "source")', 'parse_regions(document["regions"]))', FRAMES),
    Mutant("runs/opened.py", "max(needed, default=0.0)", "0.0", OPENED),
    # Interval certification.
    Mutant("defense/intervals.py", "    if undefended != label:\n", "    if undefended < 0:\n", INTERVALS),
    Mutant("defense/intervals.py", "checked_label(label), one_mask == UNSEEN", "label, one_mask == UNSEEN", INTERVALS),
    Mutant("defense/intervals.py", "one_mask == checked_label(label), one_mask == UNSEEN", "(one_mask == checked_label(label)) | (one_mask == -1), one_mask == UNSEEN", INTERVALS),
    Mutant("defense/intervals.py", "if not signature & right]", "if not signature & (right | unknown)]", INTERVALS),
    Mutant("defense/intervals.py", "bool(signatures) and not without", "not without", INTERVALS),
    Mutant("defense/intervals.py", "not open_masks and bool(certain.any()) and covers(certain)", "bool(certain.any())", INTERVALS),
    Mutant("defense/intervals.py", "if covers(certain | unseen) else []", "if covers(certain) else []", INTERVALS),
    Mutant("defense/intervals.py", "    needs_bounds: ClassVar[bool] = True\n", "", INTERVALS),
    Mutant("defense/procedure.py", "    if procedure.needs_bounds:\n        procedure.expect", "    if False:\n        procedure.expect", INTERVALS),
    Mutant("defense/procedure.py", "np.concatenate([[table.undefended], table.one_mask]) == UNSEEN", "np.concatenate([[table.undefended], table.one_mask * 0]) == UNSEEN", INTERVALS),
    Mutant("choosing/halving.py", "            equip(start.evaluator, candidate.procedure)\n", "            pass\n", INTERVALS),
    Mutant("certification/explanation.py", "    equip(start.evaluator, defence)\n", "", INTERVALS),
    Mutant("runs/parts.py", "        procedure.expect_predictions(dict(self.config.fingerprint.entries))\n", "", INTERVALS),
    Mutant("covering/enumeration.py", "placement[0].union(*placement[1:]).bounds", "placement[0].bounds", INTERVALS),
    Mutant("regions/cell_frame.py", "(typed.first <= own.first) & (typed.stop >= own.stop)", "typed.first <= own.first", "tests/adapters/test_split.py"),
    Mutant("regions/cell_frame.py", "way is not None and way.sides == self.sides and way.encloses(self.field)", "way is None or way.encloses(self.field)", "tests/adapters/test_split.py"),
    Mutant("runs/parts.py", "return _as_they_are if ways[0] is None else ways[0].onto_cells", "return _as_they_are", "tests/adapters/test_split.py"),
    Mutant("../adapters/maskcover_torch/split_classifier.py", "        self._ruler((height, width), channels).expect_some_inside(field, pixels)\n", "", "tests/adapters/test_split.py -k flag"),
    Mutant("../adapters/maskcover_torch/fields.py", "return place_of(model), glance(model), architecture_digest(model)", "return place_of(model)", "tests/adapters/test_split.py -k changed"),
    Mutant("../adapters/maskcover_torch/interval_layers.py", "if divisor is not None and not divisor > 0:", "if False:", "tests/adapters/test_torch_intervals.py -k falls"),
    Mutant("../adapters/maskcover_torch/interval_network.py", "len(source.users) > 1 or ", "", "tests/adapters/test_torch_intervals.py -k in_place"),
    Mutant("choosing/selecting.py", "    _expect_pixels(classifier)\n", "", "tests/adapters/test_split.py -k choose"),
    # Votes.
    Mutant("defense/voting.py", "(high - low) * touched\n", "(high - low) * touched + 1\n", VOTES),
    Mutant("defense/voting.py", "(high - low) * touched\n", "high * touched\n", VOTES),
    Mutant("defense/voting.py", "(ahead >= smaller)", "(ahead >= 0)", VOTES),
    Mutant("defense/voting.py", "relied[:, rivals]]).astype(np.int64), rivals < label", "relied[:, rivals]]).astype(np.int64), rivals > label", VOTES),
    Mutant("defense/voting.py", "    rivals = _rivals(scores, label, first.top)\n", "    rivals = _rivals(scores, label, first.top)[:1]\n", VOTES),
    # Comparing with the runner-up of the clean image only.
    Mutant("defense/voting.py", "    rivals = _rivals(scores, label, first.top)\n", "    rivals = _rivals(scores, label, first.top)\n    rivals = rivals[[relied[:, rivals].sum(axis=0).argmax()]]\n", VOTES),
    # One touched view too few, as by the formula where the stride does not divide.
    Mutant("defense/voting.py", "views - sums[:, 1:2], sums[:, 2:]", "views - sums[:, 1:2] - 1, sums[:, 2:]", VOTES),
    Mutant("defense/voting.py", "(ahead >= smaller).all(axis=1) & answered", "(ahead >= smaller).all(axis=1)", VOTES),
    Mutant("defense/voting.py", "len(holds) > 0 and bool(holds.all())", "bool(holds.all())", VOTES),
    Mutant("defense/voting.py", "np.where(reliable[:, None], scores, 0)", "scores", VOTES),
    Mutant("defense/voting.py", "relied[:, label], reliable, relied", "relied[:, label], np.ones_like(reliable), relied", VOTES),
    Mutant("defense/voting.py", "_holds(whole_product(containing, weights), len(scores), smaller, low, high, first)", "_holds(whole_product(containing, weights), len(scores), smaller, 0, 1, first)", VOTES),
    Mutant("covering/containment.py", "np.add.at(merged, self._firsts, weights)", "merged[self._firsts] = weights", VOTES),
    # The first k labels, by votes.
    Mutant("defense/first_places.py", "own - others + ~smaller", "own - others", PLACES),
    Mutant("defense/first_places.py", "own - others + ~smaller", "own - others + smaller", PLACES),
    Mutant("defense/first_places.py", "np.maximum(own - others + ~smaller, 0)", "own - others + ~smaller", PLACES),
    Mutant("defense/first_places.py", "axis=1)[:, : first.top]", "axis=1)[:, :1]", PLACES),
    Mutant("defense/first_places.py", "axis=1)[:, : first.top]", "axis=1)[:, : first.top + 1]", PLACES),
    Mutant("defense/first_places.py", "(needs <= (high - low) * touched)", "(needs < (high - low) * touched)", PLACES),
    Mutant("defense/first_places.py", "(needs <= (high - low) * touched)", "(needs <= high * touched)", PLACES),
    Mutant("defense/first_places.py", "overtaken &= needs.sum(axis=1) <=", "overtaken &= needs.sum(axis=1) <", PLACES),
    Mutant("defense/first_places.py", "first.most_units * touched[:, 0]", "touched[:, 0]", PLACES),
    Mutant("defense/first_places.py", "    if first.most_units is not None:\n", "    if False:\n", PLACES),
    Mutant("defense/first_places.py", "~overtaken & ~erased", "~overtaken", PLACES),
    Mutant("defense/first_places.py", "every + low * touched <= 0", "every <= 0", PLACES),
    Mutant("defense/first_places.py", "every + high * touched >= 0", "every >= 0", PLACES),
    Mutant("defense/first_places.py", "views - sums[:, 1:2], sums[:, 2:]", "views - sums[:, 1:2] - 1, sums[:, 2:]", PLACES),
    Mutant("defense/first_places.py", " if totals.any() else ()", "", PLACES),
    Mutant("defense/voting.py", "np.arange(scores.shape[1]) != label))[:silent_ones]", "np.arange(scores.shape[1]) != label))[:1]", PLACES),
    Mutant("defense/voting.py", "    checked_top(first.top, scores.shape[1])\n", "", PLACES),
    Mutant("defense/voting.py", "first.top * (least + 1) <=", "first.top * least <=", PLACES),
    Mutant("defense/voting.py", "    if 2 * least < views and outvoted:", "    if 2 * least < views:", PLACES),
    Mutant("defense/view_procedures.py", "floor(1 / Fraction(repr(threshold)))", "1 + floor(1 / Fraction(repr(threshold)))", PLACES),
    Mutant("defense/view_procedures.py", "np.where(scores.sum(axis=1) > most, 0, scores.T).T", "scores", PLACES),
    Mutant("defense/view_procedures.py", "largest + 1 + self.top", "largest + self.top", PLACES),
    Mutant("defense/verdicts.py", "self.error is None and includes(self.defended, self.label)", "self.error is None", PLACES),
    # The first k labels, by detection.
    Mutant("defense/first_detection.py", "sure & ~np.isin(labels, bare)", "~np.isin(labels, bare)", LISTED),
    Mutant("defense/first_detection.py", "~np.isin(labels, bare)", "~np.isin(labels, bare[:1])", LISTED),
    Mutant("defense/first_detection.py", "against | ~decided |", "against |", LISTED),
    Mutant("defense/first_detection.py", "alerting = against | ~decided | (confidences[:, 0] < alert_below)", "alerting = against | ~decided", LISTED),
    Mutant("defense/first_detection.py", " or not len(bare)", "", LISTED),
    Mutant("defense/first_detection.py", "(sure & (labels == checked_label(label)))", "(labels == checked_label(label))", LISTED),
    Mutant("defense/first_detection.py", "certifying = decided & (", "certifying = (", LISTED),
    Mutant("defense/first_detection.py", " if labels[-1] != UNDECIDED else first[-1, :0]", "", LISTED),
    Mutant("classifiers/observations.py", "            left = xp.where(numbers == chosen, -float(\"inf\"), left)\n", "", LISTED),
    Mutant("classifiers/observations.py", "chosen = xp.amin(xp.where(left == best, numbers, float(scores.shape[1]))", "chosen = xp.amax(xp.where(left == best, numbers, -1.0)", LISTED),
    Mutant("defense/procedures.py", "TopLabel() if self.top == 1 else FirstClasses(self.top)", "TopLabel()", LISTED),
    # Half-planes.
    Mutant("regions/slabs.py", "(line, grid.shape[axis] - line))", "(line, grid.shape[axis] - line - 1))", HALVES),
    Mutant("regions/slabs.py", "for first, depth in ((0, line), (line, grid.shape[axis] - line))", "for first, depth in ((0, line),)", HALVES),
    Mutant("regions/slabs.py", "if lines and lines[-1] >= side:", "if lines and lines[-1] > side:", HALVES),
    Mutant("regions/slabs.py", "if numbers and numbers[0] < 1:", "if numbers and numbers[0] < 0:", HALVES),
    Mutant("masks/halving.py", "Box((line, 0), (height, width))", "Box((line - 1, 0), (height, width))", HALVES),
    Mutant("masks/halving.py", "Box((0, 0), (height, line))", "Box((0, 0), (height, line - (line > 1)))", HALVES),
    Mutant("masks/halving.py", "number * side // (count + 1)", "number * (side // (count + 1))", HALVES),
    Mutant("masks/halving.py", "not 1 <= numbers[0] <= numbers[-1] < side", "not 1 <= numbers[0] <= numbers[-1] <= side", HALVES),
    Mutant("defense/robust.py", "touched = ~containing\n        return theorem", "touched = containing\n        return theorem", ROBUST),
    Mutant("covering/containment.py", "dtype=np.int64)[self._firsts]", "dtype=np.int64)", VOTES),
    Mutant("certification/explanation.py", "placements = None if broken else", "placements =", VOTES),
    Mutant("defense/voting.py", "2 * least < views", "2 * least < views - 2", VOTES),
    Mutant("covering/signatures.py", "rows = (rows[:, None] & unpacked(signatures, len(masks)))", "rows = (rows[:, None] | unpacked(signatures, len(masks)))", VOTES),
    Mutant("covering/signatures.py", "        listed = [_few_of_slot(grouped, slot) for slot in slots]\n        rows", "        listed = [_few_of_slot(grouped, slot) for slot in slots][:1]\n        rows", VOTES),
    Mutant("covering/tallies.py", "for start in range(0, len(chosen), step)]", "for start in range(0, len(chosen) - 1, step)]", VOTES),
    Mutant("covering/tallies.py", "Cells.from_bounds(bounds).bounds", "bounds", VOTES),
    Mutant("covering/tallies.py", "(-1) ** sum(sides),", "1,", VOTES),
    Mutant("covering/containment.py", "np.add.at(merged, self._firsts, weights)", "merged += weights", VOTES),
    Mutant("covering/containment.py", "for term in terms for stencil in term.slots[0])", "for term in terms for stencil in term.slots[0][:1])", VOTES),
    Mutant("masks/ablations.py", "[(start, length), (0, end - length)]", "[(start, length)]", VOTES),
    Mutant("masks/ablations.py", "range(0, length - width + 1, stride), length - width", "range(0, length - width + 1, stride)", VOTES),
    Mutant("defense/procedure.py", "if own is not None and own != masks:", "if own is None:", VOTES),
    Mutant("classifiers/observations.py", "xp.clip(xp.round(values * self.STEPS), self.low, self.high)", "xp.clip(values * self.STEPS, self.low, self.high)", VOTES),
    Mutant("classifiers/observations.py", "xp.clip(xp.round(values * self.STEPS), self.low, self.high)", "xp.round(values * self.STEPS) * 1.5", VOTES),
    Mutant("covering/containment.py", "self._contained[:, self._firsts]", "self._contained", VOTES),
    Mutant("masks/ablations.py", "range(-padding, length + padding - size + 1, stride)", "range(0, length - size + 1, stride)", VOTES),
    Mutant("masks/ablations.py", "range(-padding, length + padding - size + 1, stride)", "range(-padding, length + padding - size, stride)", VOTES),
    Mutant("defense/robust.py", "> int(total) * threshold.numerator", ">= int(total) * threshold.numerator", ROBUST),
    Mutant("defense/robust.py", "least = left[:, label] - of_windows.max(axis=1)", "least = left[:, label]", ROBUST),
    Mutant("defense/robust.py", "np.where(windows.T, evidence[:, label, None], 0)", "np.where(windows.T, evidence[:, :1], 0)", ROBUST),
    Mutant("defense/robust.py", "bound * rest > below * whole", "bound * rest >= below * whole", ROBUST),
    Mutant("defense/robust.py", "bound * rest >= above * whole", "bound * whole >= above * whole", ROBUST),
    Mutant("defense/robust.py", "bound * rest >= above * whole", "bound * rest >= above * rest", ROBUST),
    Mutant("defense/robust.py", "left[:, label + 1 :].max(", "left[:, label + 1 : label + 2].max(", ROBUST),
    Mutant("defense/robust.py", "if not len(touched) or not in_a_window(touched, windows).all():", "if not len(touched):", ROBUST),
    Mutant("defense/robust.py", "if not len(touched) or not in_a_window(touched, windows).all():", "if not in_a_window(touched, windows).all():", ROBUST),
    Mutant("defense/robust.py", "not in_a_window(touched, windows).all():\n        return False", "not in_a_window(touched, windows).any():\n        return False", ROBUST),
    Mutant("defense/robust.py", "    if not containing.any():", "    if not len(containing):", ROBUST),
    Mutant("defense/robust.py", "touched) & in_a_window(touched, windows)", "touched)", ROBUST),
    Mutant("defense/robust.py", "if evidence.min() < 0:", "if evidence.max() < 0:", ROBUST),
    Mutant("defense/view_procedures.py", "certified = not min_margin and robust_certificate(", "certified = robust_certificate(", ROBUST),
    Mutant("defense/view_procedures.py", "self if self.windows is not None else replace", "replace", ROBUST),
    Mutant("defense/view_procedures.py", "| (min_margin == 0)", "| (min_margin >= 0)", VOTES),
)  # fmt: skip


def outcome(tests: str, mutant: Mutant | None = None) -> str:
    """What tests make of a copy of the tree, with a fault in it: "survived", "killed", "did not run" or "did not end"."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for tree in TREES:
            shutil.copytree(ROOT / tree, copy / tree, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, copy)
        if mutant is not None:
            plant(mutant, copy)
        path = os.pathsep.join(map(str, (copy, copy / "adapters")))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests.split()]
        return ended(command, copy, os.environ | {"PYTHONPATH": path, "HYPOTHESIS_PROFILE": "hasty"})


def plant(mutant: Mutant, copy: Path) -> None:
    """Put a fault into a copy of the tree."""
    module = copy / "maskcover" / mutant.module
    text = module.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        sys.exit(f"{mutant.module}: expected {mutant.old!r} exactly once; found {text.count(mutant.old)}")
    module.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def ended(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """How a command ends; one that a fault keeps from ending is stopped with all that it started."""
    silent = subprocess.DEVNULL
    ran = subprocess.Popen(command, cwd=folder, env=environment, stdout=silent, stderr=silent, start_new_session=True)
    try:
        # 1: a test failed; 2: a module could not even be imported. Others: the tests are not there, or pytest broke.
        return {0: "survived", 1: "killed", 2: "killed"}.get(ran.wait(timeout=LONGEST), "did not run")
    except subprocess.TimeoutExpired:
        return "did not end"
    finally:
        if ran.poll() is None:
            os.killpg(ran.pid, signal.SIGKILL)
            ran.wait()


def chosen_by(words: list[str]) -> list[Mutant]:
    """The faults in the modules whose paths contain one of the words; all without a word."""
    unknown = [word for word in words if not any(word in mutant.module for mutant in MUTANTS)]
    if unknown:
        sys.exit(f"no planted fault is in a module whose path contains {', '.join(unknown)}")
    return [mutant for mutant in MUTANTS if not words or any(word in mutant.module for word in words)]


def part_of(mutants: list[Mutant], part: str) -> list[Mutant]:
    """The i-th of n parts of the faults, from ``i/n`` with 1 <= i <= n: each part has some of every module."""
    number, _, count = part.partition("/")
    return mutants[int(number) - 1 :: int(count)]


def sampled(mutants: list[Mutant], count: int, day: date) -> list[Mutant]:
    """Some of the faults, chosen by the day."""
    order = np.random.default_rng(day.toordinal()).permutation(len(mutants))
    return [mutants[number] for number in order[:count].tolist()]


def expect_green(every: list[str]) -> None:
    """Tests that are red without a fault, or that are not there, would say nothing about one."""
    ends = {tests: outcome(tests) for tests in tqdm(every, unit="set of tests")}
    unfit = [f"{'red' if end == 'killed' else end}: {tests}" for tests, end in ends.items() if end != "survived"]
    if unfit:
        sys.exit("\n".join(["without any fault these tests are", *unfit]))


def main() -> None:
    """Run the chosen faults, and exit with 1 if one of them turns no test red."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="faults in modules whose paths contain one of these words")
    parser.add_argument("--part", metavar="i/N", help="the i-th of N parts, such as 1/8; each takes under an hour")
    parser.add_argument("--sample", type=int, metavar="N", help="N of them, chosen by the day")
    parser.add_argument("--green", action="store_true", help="the tests are known to be green without a fault")
    options = parser.parse_args()
    chosen = chosen_by(options.words)
    chosen = part_of(chosen, options.part) if options.part else chosen
    chosen = sampled(chosen, options.sample, datetime.now(UTC).date()) if options.sample else chosen
    if not options.green:
        expect_green(list(dict.fromkeys(mutant.tests for mutant in chosen)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ended_as = pool.map(lambda mutant: outcome(mutant.tests, mutant), chosen)
        ends = dict(zip(chosen, tqdm(ended_as, total=len(chosen), unit="mutant"), strict=True))
    for mutant, end in ends.items():
        if end != "killed":
            print(f"{end}: {mutant.module}: {mutant.old!r} -> {mutant.new!r}")
    killed = sum(end == "killed" for end in ends.values())
    print(f"{killed} of {len(chosen)} planted faults turned tests red")
    # A fault that keeps the tests from ending has been noticed too, by whoever waits for them.
    sys.exit(bool({"survived", "did not run"} & set(ends.values())))


if __name__ == "__main__":
    main()
