"""Pictures with labels, from whatever they are kept in, and the one preprocessing for certifying and serving.

`Dataset` is what every format becomes, by `open_dataset`; `Preprocessing` makes of a picture what a model takes. No
model is known here.
"""

from maskcover.data.dataset import Chosen, Dataset, Prepared, Skipped
from maskcover.data.labels import for_model
from maskcover.data.opening import open_dataset
from maskcover.data.pictures import Picture, picture_of, read_picture
from maskcover.data.preprocessing import Preprocessing, expect_same

__all__ = [
    "Chosen",
    "Dataset",
    "Picture",
    "Prepared",
    "Preprocessing",
    "Skipped",
    "expect_same",
    "for_model",
    "open_dataset",
    "picture_of",
    "read_picture",
]
