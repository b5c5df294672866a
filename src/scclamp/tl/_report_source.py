"""What the parts of a report are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._columns import unwrap
from scclamp._digest import digest_text, dump_json, load_json
from scclamp._keys import CONTROL, HARMONISED, SEPARATOR
from scclamp._observed import observed_means
from scclamp.tl._predict_clamps import predict_clamps

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scclamp._result import Result
    from scclamp.datasets import ReferenceNetwork


@dataclass(frozen=True, eq=False)
class Source:
    """A fit and the data it is stored in.

    Parameters
    ----------
    data
        What the user passed.
    result
        The fit.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.
    reference
        A known network.
    file
        Name of the file that holds the screen.
    """

    data: AnnData | MuData
    result: Result
    mod: str | None
    key: str
    reference: ReferenceNetwork | None
    file: str | None = None

    @property
    def adata(self) -> AnnData:
        """The modality that holds the fit."""
        return unwrap(self.data, self.mod).adata

    @property
    def subtitle(self) -> str:
        """The screen in one line."""
        n_combinations = sum(SEPARATOR in name for name in self.names)
        text = f"{self.adata.n_obs:,} observations, {len(self.result.genes):,} genes, {len(self.result.regulators):,} regulators"
        return text + (f", {n_combinations:,} combinations kept from the fit" if n_combinations else "")

    @property
    def labels(self) -> dict[str, str]:
        """Where the labels of the screen stood, and those of its control with their observations."""
        column, control = self.result.params["perturbation_key"], self.result.params["control"]
        found = {"labels": f"obs[{column!r}]"}
        stored = self.adata.uns.get(HARMONISED)
        if stored is None:
            known = [control] if isinstance(control, str) else control or []
            return found | ({"control labels": ", ".join(map(repr, known))} if known else {})
        source = load_json(str(stored["params"]))["key"]
        rows = stored["report"].query("perturbation == @CONTROL")
        named = [f"{label!r} ({n:,})" for label, n in zip(rows["label"].astype(str), rows["n_cells"], strict=True)]
        return {"labels": f"obs[{source!r}], as read in obs[{column!r}]", "control labels": ", ".join(named)}

    @property
    def latent(self) -> tuple[str, ...]:
        """Regulators that were not measured, whose weights are responses to their perturbation."""
        rows = zip(self.result.regulators, self.result.regulator_rows, strict=True)
        return tuple(name for name, row in rows if row < 0)

    @cached_property
    def names(self) -> list[str]:
        """Conditions of the screen."""
        return [str(name) for name in np.atleast_1d(self.result.conditions["names"])]

    @cached_property
    def observed(self) -> pd.DataFrame:
        """Mean of each condition, from all its cells."""
        return observed_means(self.data, self.mod, self.key)

    @cached_property
    def verdict(self) -> Any:
        """The stored verdict; None where there is none on this fit."""
        stored = self.adata.uns.get(f"{self.key}_evaluation")
        judged = stored is not None and stored["params"]["fit_sha256"] == digest_text(dump_json(self.result.digests))
        return stored if judged else None

    @property
    def combination(self) -> Any:
        """How combinations are predicted: as those that were judged."""
        return "calibrated" if self.verdict is None else self.verdict["params"].get("combination", "calibrated")

    def predict(self, names: list[str]) -> AnnData:
        """Predictions for conditions of the screen."""
        answer: Any = predict_clamps(self.data, names, combination=self.combination, mod=self.mod, key=self.key)
        return answer

    @cached_property
    def predicted(self) -> AnnData:
        """Predictions for all conditions of which every gene is a regulator."""
        known = set(self.result.regulators)
        usable = [n for n in self.names if n != CONTROL and set(n.split(SEPARATOR)) <= known]
        return self.predict(usable)
