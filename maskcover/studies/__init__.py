"""The paper's tables and figures as functions: each certifies in resumable runs, and gives a table and curves.

Runs are ordinary ones, shared by all studies of one folder; `write` makes the files of a study.

>>> sorted(STUDIES)[:3]
['accuracy', 'detection', 'masks']
"""

from maskcover.studies.boxes import filled_fraction, object_sizes, read_boxes
from maskcover.studies.catalogue import STUDIES, Entry
from maskcover.studies.figure_6 import overestimate
from maskcover.studies.figure_9 import detection
from maskcover.studies.figure_10 import procedures
from maskcover.studies.figures_4_5 import masks
from maskcover.studies.figures_7_8 import sizes
from maskcover.studies.figures_11_13 import objects
from maskcover.studies.study import Curve, Panel, Study, Subject
from maskcover.studies.table_4 import shapes
from maskcover.studies.table_5 import training
from maskcover.studies.tables_2_3 import accuracy
from maskcover.studies.writing import markdown, write

__all__ = [
    "STUDIES",
    "Curve",
    "Entry",
    "Panel",
    "Study",
    "Subject",
    "accuracy",
    "detection",
    "filled_fraction",
    "markdown",
    "masks",
    "object_sizes",
    "objects",
    "overestimate",
    "procedures",
    "read_boxes",
    "shapes",
    "sizes",
    "training",
    "write",
]
