"""What `tl.evaluate` stored, as the plots read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scclamp._columns import unwrap
from scclamp._errors import InputError, list_some
from scclamp._verdicts import renamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

NETWORK = "network"
_PARTS = ("scores", "pairs", "params")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The tables of a verdict.

    Parameters
    ----------
    scores
        One row for each prediction, metric and group.
    pairs
        Scores of each combination.
    params
        How it was made, and which nulls were the strongest.
    """

    scores: pd.DataFrame
    pairs: pd.DataFrame
    params: Mapping[str, Any]

    @classmethod
    def of(cls, data: AnnData | MuData, mod: str | None, key: str, evaluation: str | None) -> Evaluation:
        """Read it, or say what to run first."""
        uns = unwrap(data, mod).adata.uns
        name = f"{key}_evaluation" if evaluation is None else evaluation
        found: Any = uns.get(name)
        if not hasattr(found, "keys") or not set(_PARTS) <= set(found):
            known = [str(n) for n, value in uns.items() if hasattr(value, "keys") and set(_PARTS) <= set(value)]
            there = f" Verdicts found: {list_some(known)}." if known else ""
            msg = f"adata has no verdict uns[{name!r}].{there} Call scclamp.tl.evaluate(adata, key={key!r}) first."
            raise InputError(msg)
        return cls(renamed(found["scores"]), renamed(found["pairs"]), found["params"])


def plain(prediction: str) -> str:
    """Name of a prediction in running text.

    Examples
    --------
    >>> plain("denoised_additive, scaled")
    'denoised additive, scaled'
    """
    return prediction.replace("_", " ")


def is_network(prediction: str) -> bool:
    """Whether the network predicted it; sums of its singles are a null.

    Examples
    --------
    >>> [is_network(name) for name in ("network", "network, steady state", "network's singles added", "additive")]
    [True, True, False, False]
    """
    return prediction.split(",")[0] == NETWORK
