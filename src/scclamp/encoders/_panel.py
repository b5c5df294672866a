"""Encoders that were made for one panel of genes, and the genes that they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable


def require_panel(encoder: Any, genes: Iterable[str]) -> None:
    """Refuse an encoder that was made for other genes, or for another order of them; most are made for none.

    Parameters
    ----------
    encoder
        The encoder, or a map that may be a method of one.
    genes
        Names of the panel, in the order of its columns.

    Examples
    --------
    >>> from scclamp.encoders import Identity
    >>> require_panel(Identity(), ["GATA1", "KLF1"])
    """
    function = getattr(encoder, "function", None)
    owners = (encoder, getattr(encoder, "__self__", None), function, getattr(function, "__self__", None))
    made_for = next((found for found in map(_genes_of, owners) if found is not None), None)
    if made_for is None:
        return
    here = tuple(map(str, genes))
    if made_for == here:
        return
    name = getattr(encoder, "name", type(encoder).__name__)
    at = next((i for i, pair in enumerate(zip(made_for, here, strict=False)) if pair[0] != pair[1]), None)
    first = "" if at is None else f"gene {at} is {here[at]!r} here, but {made_for[at]!r} there. "
    what = (
        "the same genes in another order"
        if sorted(made_for) == sorted(here)
        else f"other genes ({len(made_for)} there, {len(here)} here)"
    )
    raise InputError(
        f"encoder={name!r} was made for {what}: {first}Make it for this panel, adata.var_names, or pass "
        "adata with its genes, encoder.mapping.genes (of a PCA, encoder.panel)."
    )


def _genes_of(owner: Any) -> tuple[str, ...] | None:
    genes = getattr(getattr(owner, "mapping", None), "genes", None)
    if genes is not None:
        return tuple(map(str, genes))
    # Components have a panel, and map no names; of a module of a user anything may have this name.
    panel = getattr(owner, "panel", None)
    return panel if isinstance(panel, tuple) and all(isinstance(gene, str) for gene in panel) else None
