"""What `pl.transmission` draws, out of what `tl.transmission` stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._arguments import positions, require_choice
from scclamp._columns import unwrap
from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

BASES = ("alpha", "gamma")
_TABLES = ("summary", "components", "regulators")


@dataclass(frozen=True, eq=False)
class Transmission:
    """Tables of some encoders.

    Parameters
    ----------
    encoders
        Names, in the order in which they were measured.
    basis
        Directions of the components, and of the regulators' shares.
    summary
        One row for each encoder and basis.
    components
        One row for each encoder and direction.
    regulators
        One row for each encoder and perturbation.
    """

    encoders: tuple[str, ...]
    basis: str
    summary: pd.DataFrame
    components: pd.DataFrame
    regulators: pd.DataFrame

    @property
    def lenses(self) -> tuple[str, ...]:
        """Encoders other than the identity, which preserves everything; the identity where there is no other."""
        return tuple(name for name in self.encoders if name != "identity") or self.encoders

    def preserved(self, n_perturbations: int) -> pd.DataFrame:
        """Share of each perturbation's shift that survives (encoders x perturbations), the longest shifts first."""
        wide = self.regulators.pivot(index="encoder", columns="regulator", values="preserved")
        first = self.regulators[self.regulators["encoder"] == self.encoders[0]].set_index("regulator")["shift"]
        order = first.index[np.argsort(-first.to_numpy(), kind="stable")[:n_perturbations]]
        return wide.loc[list(self.lenses), list(order)]


def read(
    adata: Any, encoders: str | Sequence[str] | None, basis: str | None, mod: str | None, key: str
) -> Transmission:
    """Read what was stored, for some of the encoders."""
    stored: Mapping[str, Any] = unwrap(adata, mod).adata.uns.get(key, {})
    if not set(_TABLES) <= set(stored):
        raise InputError(
            f"adata has no result of tl.transmission in uns[{key!r}]. Run scclamp.tl.transmission(adata, encoder) first, or "
            "give the key_added it had."
        )
    there = list(dict.fromkeys(stored["summary"]["encoder"].astype(str)))
    chosen = [there[i] for i in positions("encoders", encoders, there)]
    bases = list(dict.fromkeys(stored["summary"]["basis"].astype(str)))
    if basis is None:
        basis = "gamma" if "gamma" in bases else bases[0]
    require_choice("basis", basis, BASES)
    if basis not in bases:
        raise InputError(
            f"basis={basis!r} was not measured, but {list_some(bases)}. Run scclamp.tl.transmission with it."
        )
    tables = {name: stored[name][stored[name]["encoder"].isin(chosen)] for name in _TABLES}
    if "null" not in tables["summary"]:  # as earlier versions stored it
        tables["summary"] = tables["summary"].assign(null=np.nan)
    own = {name: table[table["basis"] == basis] for name, table in tables.items()}
    return Transmission(tuple(chosen), basis, tables["summary"], own["components"], own["regulators"])
