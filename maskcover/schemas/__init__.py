"""JSON Schema files for the documents of maskcover, and the reader that checks documents against them.

The ``*.schema.json`` files stand alone: any validator of draft 2020-12 reads them. The modules that use the documents
know what the values mean. jsonschema is a dependency of the core, not of an extra, so every installation reads a file
in the same way; it is imported only when a file is read.
"""

from maskcover.schemas.masked import CERTIFICATE, MASK_SET, Kind, document_in, document_of
from maskcover.schemas.validation import FILES, expect_valid

__all__ = ["CERTIFICATE", "FILES", "MASK_SET", "Kind", "document_in", "document_of", "expect_valid"]
