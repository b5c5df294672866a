"""`tl.predict_clamps`: what happens when any genes are held at any expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from scclamp._arguments import require_choice, require_whole
from scclamp._clamps import ClampValues
from scclamp._columns import Table, unwrap
from scclamp._device import read_device
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY, Keys
from scclamp._storage import own
from scclamp.tl._doses import Labels, fill_doses, warn_extrapolated
from scclamp.tl._fitted import Fitted
from scclamp.tl._predict_cells import gather, read_cells, require_layer_memory
from scclamp.tl._predict_new import choose_layers, fill, predict_new, warn_unsettled
from scclamp.tl._requests import Clamps, read_requests

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData


def predict_clamps(
    adata: AnnData | MuData,
    clamps: Clamps | None = None,
    *,
    clamp_values: ClampValues = "singles",
    combination: Literal["calibrated", "steady_state"] = "calibrated",
    source: AnnData | MuData | None = None,
    layers: Sequence[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    perturbation_key: str | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    device: str | None = None,
    chunk_size: int | None = None,
    copy: bool = False,
) -> AnnData | MuData | Path | None:
    """Predict the steady state when any genes are clamped: of every cell's condition, or of new conditions.

    A perturbation of k genes is k clamps on the one fitted network; the rest settles. Requests are solved in chunks, so
    that all triples of a hundred regulators are an ordinary request.

    Parameters
    ----------
    adata
        What `tl.fit` was called on, or other cells with the same genes and the fit.
    clamps
        None predicts the condition of every cell. New conditions are labels such as ``"A+B"`` (also ``"control"``) or
        ``"A=2.1+B=0"``, gene sets inside a list such as ``[("A", "B")]``, doses such as ``{"A": 2.1, "B": 0.0}`` in units of the fitted layer, or any iterable
        or mixture of these, for instance ``itertools.combinations(regulators, 3)``. A mapping names each request. The dose
        of a regulator that the panel does not measure runs from 0 to 1, its usual one. A dose more than tenfold (2.3 on the log
        scale) above the largest mean of its gene, in the control or in its own condition, is named in a warning. Mind that
        ``("A", "B")`` by itself lists two singles, as a list of labels does.
    clamp_values
        Where genes without a dose are held: `"singles"`, at the training mean of the gene's own condition, or `"observed"`,
        at the mean of the combination's own cells.
    combination
        `"calibrated"`: shifts of several clamped genes follow the law that the fit was configured with
        (`FitConfig.crowding` and `FitConfig.interaction`); `"steady_state"`: they are the network's steady state as it is.
    source
        Data with the observed cells; `adata` by default.
    layers
        Of new conditions, those of `"predicted"`, `"shift"`, `"additive"` and (ensembles) `"predicted_sd"` to return; all
        by default.
    out
        Path of an `.h5ad` or `.zarr` that takes the new conditions chunk by chunk instead of memory. What is there is replaced
        once the new file is whole.
    perturbation_key
        Column of `obs` with the perturbations of cells; by default the one of the fit.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.
    device
        Torch device; `settings.device` by default.
    chunk_size
        Conditions solved at a time; by default what is fastest.
    copy
        Whether to write the states of the cells to a copy and return it.

    Returns
    -------
    With `clamps=None` None, or the copy. This field is written (for the default `key`):

    `layers["clamp_predicted"]` : float32
        The predicted steady state of each cell's condition; NaN, with a warning, for cells without a known perturbation
        and for conditions with a gene that has no column in the network.

    Otherwise an AnnData of conditions x genes, or with `out=` the path of its file, with no `X` and

    `layers["predicted"]` : float32
        Steady states, combined as `combination` says. Those of an ensemble are its first member's, which saw the cells
        as they are; with ``bootstrap=False`` the mean over its members.
    `layers["shift"]` : float32
        The same minus the predicted control, which is `var["control"]`.
    `layers["additive"]` : float32
        Predicted control plus the network's own shifts of the single genes at the same doses; NaN where one of these has
        no trustworthy steady state.
    `layers["predicted_sd"]` : float32
        Spread over members: root mean square deviation of the resampled ones from the first; with ``bootstrap=False`` their
        standard deviation.
    `obs["targets"]`, `obs["doses"]`, `obs["n_genes_perturbed"]`
        What was held, and where; the text of the doses has four significant digits, and so have doses in names, unless two
        names would be equal.
    `obs["status"]` : categorical
        `"converged"`, `"max_steps"`, `"unstable"` or `"nonfinite"`, of the worst member. Only converged states are to be
        trusted; the values of others are kept, with a warning.
    `obs["scale"]`
        What the law of combinations scaled the shift by; 1 for single genes.
    `obs["residual"]`, `obs["iterations"]`, `obs["spectral_radius_bound"]`
        Largest imbalance that is left, steps, and an upper bound of the spectral radius of the linearised core, below one
        when the state is certainly stable. With few conditions `obs["spectral_radius"]` is the exact one.
    `uns["clamp_prediction"]`
        The arguments, and the digest of the fit.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> pairs = sc_c.tl.predict_clamps(adata, ["REG02+REG01", {"REG01": 2.5, "REG03": 0.0}])
    >>> list(pairs.obs_names), list(pairs.obs["status"])
    (['REG01+REG02', 'REG01=2.5+REG03=0'], ['converged', 'converged'])
    >>> bool(pairs.to_df("shift").loc["REG01+REG02", "REG01"] > 0)
    True
    >>> sc_c.tl.predict_clamps(adata)
    >>> adata.layers["clamp_predicted"].shape
    (340, 60)
    """
    require_choice("clamp_values", clamp_values, get_args(ClampValues))
    require_choice("combination", combination, ("calibrated", "steady_state"))
    _check_arguments(clamps, layers, out, chunk_size, copy=copy)
    table = unwrap(adata, mod)
    device = read_device(device)
    fitted = Fitted(table.adata, key, device, chunk_size, steady_state=combination == "steady_state")
    labels = Labels(perturbation_key or str(fitted.result.params["perturbation_key"]), mod)
    source = adata if source is None else source
    if clamps is None:
        return _predict_cells(adata, table, fitted, clamp_values, source, labels, key=key, copy=copy)
    requests = read_requests(clamps, fitted.result, fitted.max_dose)
    warn_extrapolated(requests, fitted.result)
    chosen = choose_layers(layers, fitted.n_members)
    doses = fill_doses(requests, fitted.result, clamp_values, source, labels)
    arguments = {"key": key, "clamp_values": clamp_values, "combination": combination}
    return predict_new(table.adata, fitted, requests, doses, layers=chosen, out=out, arguments=arguments)


def _predict_cells(
    adata: AnnData | MuData,
    table: Table,
    fitted: Fitted,
    clamp_values: ClampValues,
    source: Any,
    labels: Labels,
    *,
    key: str,
    copy: bool,
) -> AnnData | MuData | None:
    requests, cells = read_cells(table, fitted, labels.perturbation_key)
    require_layer_memory(len(cells), len(requests), table.adata.n_vars)
    doses = fill_doses(requests, fitted.result, clamp_values, source, labels)
    states = np.empty((len(requests), table.adata.n_vars), np.float32)
    if len(requests):
        warn_unsettled(requests.names, fill(fitted, requests.columns, doses, {"predicted": states}))
    layer = gather(states, cells)
    adata = adata.copy() if copy else adata
    target = unwrap(adata, labels.mod).adata
    own(target)
    target.layers[Keys(key).predicted] = layer
    return adata if copy else None


def _check_arguments(clamps: Any, layers: Any, out: Any, chunk_size: int | None, *, copy: bool) -> None:
    if clamps is None:
        for name, value in {"layers": layers, "out": out}.items():
            if value is not None:
                raise InputError(
                    f"{name}={value!r} is about new conditions, but clamps=None predicts those of the cells."
                )
    elif copy:
        raise InputError("copy=True is about the cells of adata, but new conditions are an AnnData of their own.")
    if chunk_size is not None:
        require_whole("chunk_size", chunk_size)
