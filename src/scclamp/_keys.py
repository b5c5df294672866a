"""The one frozen place for names that scclamp writes into an AnnData."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1
CONTROL = "control"
"""Canonical name of the control condition."""
SEPARATOR = "+"
"""Joins the sorted genes of a canonical combination."""
DEFAULT_KEY = "clamp"
PERTURBATION = "perturbation"
"""Canonical column of `obs` that holds the condition of each observation."""
HARMONISED = "perturbations"
"""Key of `uns` for what `pp.perturbations` did, and to which column."""


@dataclass(frozen=True)
class Keys:
    """Names of every field written under one prefix.

    Parameters
    ----------
    prefix
        The `key_added` of the call that writes.
    """

    prefix: str = DEFAULT_KEY

    @property
    def A(self) -> str:
        """`varm` key of the signed weights, genes x regulators."""
        return f"{self.prefix}_A"

    @property
    def A_sd(self) -> str:
        """`varm` key of the spread of the weights over ensemble members."""
        return f"{self.prefix}_A_sd"

    @property
    def b(self) -> str:
        """`var` column of the basal rates."""
        return f"{self.prefix}_b"

    @property
    def regulator(self) -> str:
        """`var` column that marks regulators."""
        return f"{self.prefix}_regulator"

    @property
    def uns(self) -> str:
        """`uns` key of everything else about the fit."""
        return self.prefix

    @property
    def predicted(self) -> str:
        """`layers` key of predicted steady states."""
        return f"{self.prefix}_predicted"

    @property
    def enrichment(self) -> str:
        """`uns` key of the table of `tl.enrich`; its settings stand under the same with `_params`."""
        return f"{self.prefix}_enrichment"
