"""Pictures with labels, from whatever they are kept in, and the one preprocessing for certifying and serving.

`Dataset` is what every format becomes; `Preprocessing` makes of a picture what a model takes. No model is known here.
"""

from maskcover.data.dataset import Dataset, Prepared
from maskcover.data.pictures import Picture, picture_of, read_picture
from maskcover.data.preprocessing import Preprocessing, expect_same

__all__ = ["Dataset", "Picture", "Prepared", "Preprocessing", "expect_same", "picture_of", "read_picture"]
