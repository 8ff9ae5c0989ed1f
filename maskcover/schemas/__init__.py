"""The published forms of files, as JSON Schema, and the reader that checks documents against them.

The ``*.schema.json`` files stand alone: any validator of draft 2020-12 reads them. What the values of a document mean
is known where the documents are used, not here. jsonschema is a dependency of the core, not of an extra, so that a file
is read in one way wherever maskcover is installed; it is imported only when a file is read.
"""

from maskcover.schemas.masked import CERTIFICATE, MASK_SET, Kind, document_in, document_of
from maskcover.schemas.validation import FILES, expect_valid

__all__ = ["CERTIFICATE", "FILES", "MASK_SET", "Kind", "document_in", "document_of", "expect_valid"]
