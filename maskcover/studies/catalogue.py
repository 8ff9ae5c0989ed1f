"""The studies by name, with what they show and where the paper shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from maskcover.studies.figure_6 import SOURCE as OVERESTIMATE
from maskcover.studies.figure_6 import overestimate
from maskcover.studies.figure_9 import SOURCE as DETECTION
from maskcover.studies.figure_9 import detection
from maskcover.studies.figure_10 import SOURCE as PROCEDURES
from maskcover.studies.figure_10 import procedures
from maskcover.studies.figures_4_5 import SOURCE as MASKS
from maskcover.studies.figures_4_5 import masks
from maskcover.studies.figures_7_8 import SOURCE as SIZES
from maskcover.studies.figures_7_8 import sizes
from maskcover.studies.figures_11_13 import SOURCE as OBJECTS
from maskcover.studies.figures_11_13 import objects
from maskcover.studies.study import Study
from maskcover.studies.table_4 import SOURCE as SHAPES
from maskcover.studies.table_4 import shapes
from maskcover.studies.table_5 import SOURCE as TRAINING
from maskcover.studies.table_5 import training
from maskcover.studies.tables_2_3 import SOURCE as ACCURACY
from maskcover.studies.tables_2_3 import accuracy


@dataclass(frozen=True, slots=True)
class Entry:
    """A study in the list of studies.

    Args:
        name: Its name.
        source: The figure or table of the paper.
        words: What it varies.
        make: Its function.
    """

    name: str
    source: str
    words: str
    make: Callable[..., Study]


_ENTRIES = (
    Entry("accuracy", ACCURACY, "clean and certified accuracy of models against patches of several areas", accuracy),
    Entry("training", TRAINING, "models trained without and with masks such as Cutout", training),
    Entry("masks", MASKS, "the number of masks, against accuracy and the cost of a prediction", masks),
    Entry("overestimate", OVERESTIMATE, "masks for larger patches than there are", overestimate),
    Entry("sizes", SIZES, "patches of growing size", sizes),
    Entry("shapes", SHAPES, "rectangles of any shape, and two patches", shapes),
    Entry("detection", DETECTION, "detection with alerts at every threshold, against masking", detection),
    Entry("procedures", PROCEDURES, "double masking against challenger masking", procedures),
    Entry("objects", OBJECTS, "images by the size of their object, and by class", objects),
)
STUDIES = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""All studies by name, in the order of the paper."""
