"""Preprocessing: labels, recipe and splits."""

from __future__ import annotations

from scclamp.pp._perturbations import perturbations
from scclamp.pp._recipe import recipe

__all__ = ["perturbations", "recipe"]
