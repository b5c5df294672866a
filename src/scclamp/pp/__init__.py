"""Preprocessing: labels, recipe and splits."""

from scclamp.pp._perturbations import perturbations
from scclamp.pp._recipe import recipe
from scclamp.pp._split import split

__all__ = ["perturbations", "recipe", "split"]
