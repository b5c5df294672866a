"""`tl.enrich`: whether the targets of a regulator are those that others know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from scclamp._arguments import positions, require_whole
from scclamp._columns import unwrap
from scclamp._digest import digest_text, dump_json
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY, Keys
from scclamp._storage import decode, own
from scclamp.get import top_targets
from scclamp.tl._enrich_libraries import read_libraries
from scclamp.tl._enrich_tests import Top, overlaps
from scclamp.tl._enrich_ulm import add_ulm, require_decoupler

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

    Sets = str | pd.DataFrame | Mapping[str, Collection[str]]

_ORDER = ["_regulator", "_library", "p"]


def enrich(
    adata: AnnData | MuData,
    gene_sets: Sets | Sequence[Sets] | Mapping[str, Sets],
    *,
    regulators: str | Sequence[str] | None = None,
    n_top: int = 25,
    min_size: int = 5,
    by: Literal["weight", "confidence"] = "weight",
    sign: Literal["positive", "negative"] | None = None,
    effect: Literal["gain", "loss"] | None = None,
    ulm: bool = False,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Test the strongest targets of each regulator against sets of genes, and against known signed edges.

    The test is hypergeometric with the panel as background, as in the paper: sets lose the genes that the panel does not
    measure, and p values are adjusted by Bonferroni over the sets of a library that keep `min_size` genes, for each regulator
    and library by itself. Of libraries called Hallmark or Reactome, diseases and catch-all pathways are left out first. A
    regulator is never its own target, but stays in the sets and in the panel.

    A network of edges (a table with `weight`, such as TRRUST and CollecTRI) is asked one question for each regulator that it
    knows: are its known targets among the strongest, and have they the known sign? That is a single test, whatever the number
    of measured targets.

    Parameters
    ----------
    adata
        What `tl.fit` was called on.
    gene_sets
        Name of a library of :func:`scclamp.datasets.gene_sets`, a table that it returned, a network as decoupler returns it
        (columns `source`, `target` and `weight`, such as ``decoupler.op.collectri()``), or a dict from names of sets to their
        genes; several in a list, or in a dict from the names of the libraries.
    regulators
        Regulators to test; all by default.
    n_top
        Number of strongest targets of each; weights of zero are no targets.
    min_size
        Least number of measured genes of a set.
    by, sign
        How targets are ranked and which are, as in :func:`scclamp.get.top_targets`.
    effect
        What the perturbations do to the gene product: `"gain"` (activation, overexpression) or `"loss"` (knock-out,
        knock-down). Signs of edges are then those of the `effect` that :func:`scclamp.get.adjacency` lists, whatever the
        transcript of the regulator did. By default they are those of the weights, and a regulator with a latent dose has
        none.
    ulm
        Whether to add decoupler's univariate linear model of each set on the regulator's whole column of weights.
    mod
        Modality of a MuData; results are written to it.
    key
        The `key_added` of the fit.
    key_added
        Key of `uns`; by default `f"{key}_enrichment"`, so that a second call replaces the first.
    copy
        Whether to write to a copy and return it.

    Returns
    -------
    None, or the copy. These fields are written (for the default `key`):

    `uns["clamp_enrichment"]` : DataFrame
        One row for each regulator, library and set: regulator by regulator as asked for, then library by library, in each
        the smallest p first. Columns are `regulator`, `library`, `term`, `overlap`, `n_top`,
        `set_size`, `panel`, `fold` (overlap over its expectation), `p`, `p_adjusted`, `genes` (joined by commas, the strongest
        first). With a network also `n_signs` (overlapping targets with a known sign), `sign_agreement` (their share that
        agrees), `sign_chance` (the share that would agree if the known targets were any of the strongest) and `p_sign`
        (binomial, one-sided, against a coin); missing for sets. With `ulm` also `ulm` (t), `p_ulm` and `p_ulm_adjusted`.
    `uns["clamp_enrichment_params"]` : str
        Settings, the `key` of the fit, libraries with their number of sets and digest, and the digest of the fit, as JSON.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> truth = adata.varm["true_A"]
    >>> sets = {f"module {j}": list(adata.var_names[truth[:, j] != 0]) for j in range(3)}
    >>> sc_c.tl.enrich(adata, sets, regulators="REG01", n_top=10, min_size=3)
    >>> adata.uns["clamp_enrichment"][["regulator", "term", "panel"]].shape
    (3, 3)
    """
    n_top, min_size = require_whole("n_top", n_top), require_whole("min_size", min_size)
    if ulm:
        require_decoupler()
    adata = adata.copy() if copy else adata
    fitted = unwrap(adata, mod).adata
    result = decode(fitted, key)
    key_added = _read_key(key_added, key, fitted)
    if n_top >= len(result.genes):
        raise InputError(f"n_top={n_top} must be below the {len(result.genes)} genes of the panel. Use for example 25.")
    chosen = positions("regulators", regulators, result.regulators)
    names = [result.regulators[j] for j in chosen]
    targets = top_targets(adata, names, n=n_top, by=by, sign=sign, effect=effect, mod=mod, key=key)
    tops = [Top.of(name, targets, result.genes) for name in names]
    libraries = read_libraries(gene_sets, result.genes, min_size)
    tables = []
    for i, library in enumerate(libraries):
        table = overlaps(tops, library, len(result.genes))
        if ulm:
            table = add_ulm(table, library, result, chosen, min_size)
        tables.append(table.assign(_library=i))
    table = _ordered(pd.concat(tables, ignore_index=True), names)
    params: dict[str, Any] = {
        "n_top": n_top,
        "min_size": min_size,
        "by": by,
        "sign": sign,
        "effect": effect,
        "ulm": ulm,
        "key": key,
    }
    params["libraries"] = {each.name: {"sets": len(each.terms), "digest": each.digest} for each in libraries}
    params["fit_sha256"] = digest_text(dump_json(result.digests))
    own(fitted)
    fitted.uns.update({key_added: table, f"{key_added}_params": dump_json(params)})
    return adata if copy else None


def _read_key(key_added: str | None, key: str, fitted: AnnData) -> str:
    """Where the table goes: nowhere that holds something else than an earlier one."""
    if key_added is None:
        return Keys(key).enrichment
    if not isinstance(key_added, str) or not key_added or "/" in key_added:
        raise InputError(
            f"key_added={key_added!r} must be a name without '/'. Leave it out for '{Keys(key).enrichment}'."
        )
    for name, kind in ((key_added, pd.DataFrame), (f"{key_added}_params", str)):
        if name in fitted.uns and not isinstance(fitted.uns[name], kind):
            raise InputError(
                f"key_added={key_added!r}: uns[{name!r}] holds something else. Choose another name, or leave it out for "
                f"'{Keys(key).enrichment}'."
            )
    return key_added


def _ordered(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Regulators as asked for, libraries as given, the smallest p first."""
    rank = {name: i for i, name in enumerate(names)}
    table = table.assign(_regulator=table["regulator"].map(rank))
    return table.sort_values(_ORDER, kind="stable", ignore_index=True).drop(columns=["_regulator", "_library"])
