"""Pictures with labels, from whatever they are kept in, and the one preprocessing for certifying and serving.

`Dataset` is what every format becomes, by `open_dataset`; `Preprocessing` makes of a picture what a model takes. No
model is known here.
"""

from maskcover.data.dataset import Chosen, Dataset, Prepared
from maskcover.data.opening import open_dataset
from maskcover.data.preprocessing import Preprocessing

__all__ = ["Chosen", "Dataset", "Prepared", "Preprocessing", "open_dataset"]
