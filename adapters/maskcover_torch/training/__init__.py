"""Training for masks: models that keep their label when part of the image is hidden certify many more images.

Hiding is random here, and stays so. Choosing for each image the masks that hurt it most (worst-case or greedy mask
mining) is patented and was left out on purpose.
"""

from maskcover_torch.training.cell_hiding import CellHiding
from maskcover_torch.training.hiding import Cutout, Hiding, RandomMasks
from maskcover_torch.training.interval_training import IntervalTraining
from maskcover_torch.training.loop import finetune, seeded
from maskcover_torch.training.margins import margin_loss, reach_of, worst_margins
from maskcover_torch.training.recipe import Recipe
from maskcover_torch.training.report import Epoch, FinetuneReport
from maskcover_torch.training.schedules import Constant, Jump, Ramp, Schedule

Step = Jump
"""The earlier name of `Jump`."""

__all__ = [
    "CellHiding",
    "Constant",
    "Cutout",
    "Epoch",
    "FinetuneReport",
    "Hiding",
    "IntervalTraining",
    "Jump",
    "Ramp",
    "RandomMasks",
    "Recipe",
    "Schedule",
    "finetune",
    "margin_loss",
    "reach_of",
    "seeded",
    "worst_margins",
]
