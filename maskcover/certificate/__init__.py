"""Certificates of covers: files that say why masks cover, and a checker that needs nothing else of maskcover."""

from maskcover.certificate.certificate import SUFFIX, CoverCertificate, prove
from maskcover.certificate.tiling import TiledStencil

__all__ = ["SUFFIX", "CoverCertificate", "TiledStencil", "prove"]
