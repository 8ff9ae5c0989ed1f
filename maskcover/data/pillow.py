"""Pillow, imported only when an image is first read or resized."""

from __future__ import annotations

from types import ModuleType

from maskcover.errors import MissingExtra, install_hint


def pillow() -> ModuleType:
    """The package with the modules that are used here; an error that names the extra where it is missing."""
    try:
        import PIL
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise MissingExtra(f"reading images needs Pillow; {install_hint('data')}") from error
    return PIL
