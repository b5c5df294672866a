"""Predictions of new conditions: in memory, or streamed into a file."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd

from scclamp._digest import digest_text, dump_json
from scclamp._errors import ConvergenceWarning, InputError, did_you_mean
from scclamp._memory import require_memory
from scclamp._settings import settings
from scclamp.physics import Status
from scclamp.tl._fitted import LAYERS, Fitted
from scclamp.tl._prediction_file import check_out, prediction_file
from scclamp.tl._requests import Requests

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from anndata import AnnData

STATUS = tuple(status.name.lower() for status in Status)


def choose_layers(layers: Sequence[str] | None, n_members: int) -> tuple[str, ...]:
    """Layers to return: those asked for, or all that there are."""
    possible = LAYERS if n_members > 1 else LAYERS[:-1]
    if layers is None:
        return possible
    chosen = tuple(dict.fromkeys([layers] if isinstance(layers, str) else layers))
    for name in chosen:
        if name not in possible:
            why = " It needs an ensemble: fit with n_seeds=5." if name in LAYERS else did_you_mean(str(name), possible)
            raise InputError(f"layers={layers!r}: {name!r} is no layer.{why} Choose from {', '.join(possible)}.")
    if not chosen:
        raise InputError(f"layers={layers!r} asks for nothing. Choose from {', '.join(possible)}.")
    return chosen


def predict_new(
    adata: AnnData,
    fitted: Fitted,
    requests: Requests,
    doses: np.ndarray,
    *,
    layers: Sequence[str],
    out: str | os.PathLike[str] | None,
    arguments: dict[str, str],
) -> AnnData | Path:
    """Solve all requests and return them as an AnnData, or the path of the file that holds it."""
    shape = (len(requests), adata.n_vars)
    path = None if out is None else check_out(out)
    if path is None:
        n_bytes = 4.0 * shape[0] * shape[1] * len(layers)
        remedy = f"Ask for fewer than {len(layers)} layers=, let out='predictions.h5ad' stream them into a file"
        require_memory(n_bytes, f"{shape[0]} conditions x {shape[1]} genes x {len(layers)} layers", remedy)
    obs = _describe(fitted, requests, doses)
    answer = ad.AnnData(
        obs=obs,
        var=pd.DataFrame({"control": fitted.control()}, index=adata.var_names.copy()),
        uns={f"{arguments['key']}_prediction": _provenance(fitted, arguments)},
    )
    if path is None:
        answer.layers.update({name: np.empty(shape, np.float32) for name in layers})
    with nullcontext(answer.layers) if path is None else prediction_file(path, answer, layers) as arrays:
        found = fill(fitted, requests.columns, doses, {name: arrays[name] for name in layers})
        answer.obs = obs.assign(**found)
    warn_unsettled(requests.names, found)
    return answer if path is None else path


def fill(fitted: Fitted, columns: np.ndarray, doses: np.ndarray, arrays: dict[str, Any]) -> dict[str, Any]:
    """Solve all requests into arrays, under a progress bar; return the columns that say how it went."""
    from tqdm.auto import tqdm

    parts: dict[str, list[np.ndarray]] = {}
    with tqdm(total=len(columns), desc="predict", disable=not settings.show_progress()) as bar:
        for block in fitted.blocks(columns, doses, tuple(arrays)):
            for name, values in block.layers.items():
                arrays[name][block.rows] = values
            for name, values in block.diagnostics.items():
                parts.setdefault(name, []).append(values)
            bar.update(block.rows.stop - block.rows.start)
    found: dict[str, Any] = {name: np.concatenate(values) for name, values in parts.items()}
    found["status"] = pd.Categorical.from_codes(found["status"], categories=pd.Index(STATUS))
    return found


def warn_unsettled(names: Sequence[str], found: dict[str, Any]) -> None:
    """Name some of the conditions whose steady state is not to be trusted."""
    status = found["status"]
    bad = np.flatnonzero(status.codes != int(Status.CONVERGED))
    if len(bad):
        some = ", ".join(f"{names[i]!r} ({status[i]})" for i in bad[:5])
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        message = (
            f"{len(bad)} of {len(names)} conditions have no trustworthy steady state: {some}{more}. Their values are kept; "
            "leave them out of conclusions, or fit a network with weaker feedback (lower max_radius=)."
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=4)


def _describe(fitted: Fitted, requests: Requests, doses: np.ndarray) -> pd.DataFrame:
    held = requests.columns >= 0
    levels, level = np.unique(doses, return_inverse=True)
    words = np.array([f"{dose:.4g}" for dose in levels], object)[level.reshape(doses.shape)]
    written = ["+".join(row[:n]) for row, n in zip(words, held.sum(1), strict=True)]
    return pd.DataFrame(
        {
            "targets": requests.targets(fitted.result.regulators),
            "doses": written,
            "n_genes_perturbed": held.sum(1),
        },
        index=pd.Index(requests.names),
    )


def _provenance(fitted: Fitted, arguments: dict[str, str]) -> dict[str, Any]:
    digest = digest_text(dump_json(fitted.result.digests))
    return {**arguments, "n_members": fitted.n_members, "fit_sha256": digest}
