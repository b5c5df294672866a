"""Answers of `tl.predict_clamps` beside what was observed of the same genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._errors import InputError, list_some
from scclamp._keys import CONTROL, DEFAULT_KEY
from scclamp._labels import is_control_token
from scclamp._observed import observed_means
from scclamp.metrics import pearson_delta

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike


def require_shifts(answer: AnnData) -> None:
    """Refuse what is no answer, or one without its shifts."""
    if "shift" not in answer.layers:
        msg = "adata has no layer 'shift'. Pass what tl.predict_clamps returned, with 'shift' among its layers."
        raise InputError(msg)


def shared_genes(answer: AnnData, observed: pd.DataFrame) -> list[str]:
    """Genes of the answer that were observed, in its order."""
    genes = [str(gene) for gene in answer.var_names if gene in observed.columns]
    if not genes:
        msg = f"observed has no gene of adata, which has {list_some(answer.var_names)}. Name its columns by gene."
        raise InputError(msg)
    return genes


def table_of(observed: Any, key: str) -> pd.DataFrame:
    """Means by canonical name of the condition, the control among them."""
    if not isinstance(observed, pd.DataFrame):
        table = observed_means(observed, key=key)
    elif {"condition", "gene", "observed"} <= set(observed.columns):
        table = observed.pivot(index="condition", columns="gene", values="observed").dropna(how="all")
    elif {"condition", "gene"} <= set(observed.columns):
        msg = "observed lists predictions without a column 'observed'. Call get.predictions with observed=, or pass the screen."
        raise InputError(msg)
    else:
        table = observed
    if CONTROL not in table.index:
        table = table.rename(index={name: CONTROL for name in table.index if is_control_token(str(name))})
    if CONTROL not in table.index:
        msg = f"observed has no row {CONTROL!r}, from which shifts are measured. Add the control's mean, or pass the screen."
        raise InputError(msg)
    return table


def key_of(answer: AnnData) -> str:
    """Prefix of the fit that gave an answer."""
    known = [name.removesuffix("_prediction") for name in answer.uns if name.endswith("_prediction")]
    return known[0] if len(known) == 1 else DEFAULT_KEY


def seen_as(answer: AnnData, observed: pd.DataFrame) -> dict[str, str]:
    """Observed condition of each answer: a dose, or a name of the user's own, is none, but the genes that were held are."""
    names = [str(name) for name in answer.obs_names]
    held = [str(genes) for genes in answer.obs["targets"]] if "targets" in answer.obs else names
    known = set(observed.index)
    return {name: name if name in known else genes for name, genes in zip(names, held, strict=True)}


def correlation(predicted: ArrayLike, observed: ArrayLike) -> str:
    """Pearson correlation of two shifts, to be read.

    Examples
    --------
    >>> (
    ...     correlation([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]),
    ...     correlation([1.0, 2.0], [2.0, 1.0]),
    ...     correlation([0.0, 0.0], [2.0, 1.0]),
    ... )
    ('0.76', '−1.00', 'undefined')
    """
    shift = np.asarray(predicted, float)[None]
    value = float(pearson_delta(shift, np.asarray(observed, float)[None], control=np.zeros_like(shift[0]))[0])
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "undefined"
