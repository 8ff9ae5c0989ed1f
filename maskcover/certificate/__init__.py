"""Certificates of covers: files that say why masks cover, and a checker that needs nothing else of maskcover."""

from maskcover.certificate.certificate import CoverCertificate, prove

__all__ = ["CoverCertificate", "prove"]
