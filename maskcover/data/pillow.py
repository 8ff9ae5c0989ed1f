"""Pillow, imported only when an image is first read or resized."""

from __future__ import annotations

from types import ModuleType

from maskcover.errors import MissingExtra, install_hint


def pillow() -> ModuleType:
    """The package PIL with the modules used here; raises `MissingExtra`, which names the extra, if it is missing."""
    try:
        import PIL
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise MissingExtra(f"reading images needs Pillow; {install_hint('data')}") from error
    return PIL
