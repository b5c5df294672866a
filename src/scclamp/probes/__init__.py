"""Probes: questions to an encoder, without any network in between."""

from __future__ import annotations

from scclamp.probes._preserved import captured, preserved, regulatory_weight
from scclamp.probes._transmitted import infinitesimal_transmission, transmission

__all__ = ["captured", "infinitesimal_transmission", "preserved", "regulatory_weight", "transmission"]
