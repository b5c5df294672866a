"""A stored fit, ready to be asked: blocks of requests in, blocks of layers and diagnostics out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from scclamp._settings import settings
from scclamp._storage import decode, gene_order
from scclamp.fitting.load import load_dynamics, stored_config
from scclamp.fitting.predict import Predictor
from scclamp.physics import Status
from scclamp.tl._doses import usual_doses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anndata import AnnData

LAYERS = ("predicted", "shift", "additive", "predicted_sd")


class Block(NamedTuple):
    """Answers to some of the requests.

    Parameters
    ----------
    rows
        Which requests.
    layers
        Values by the name of the layer (requests, variables of the AnnData), float32.
    diagnostics
        How they were found, one array over the requests for each.
    """

    rows: slice
    layers: dict[str, np.ndarray]
    diagnostics: dict[str, np.ndarray]


class Fitted:
    """One fit of an AnnData.

    Parameters
    ----------
    adata
        Holds the fit.
    key
        Its prefix.
    device
        Where to solve; `settings.device` by default.
    chunk_size
        Requests solved at a time; by default what is fastest.
    """

    def __init__(self, adata: AnnData, key: str, device: str | None = None, chunk_size: int | None = None) -> None:
        self.result = decode(adata, key)
        self.max_dose = stored_config(self.result).bounds[1]
        self._order = gene_order(adata, self.result)
        self._device = settings.device if device is None else device
        self._chunk_size = chunk_size

    @property
    def n_members(self) -> int:
        """Members of the ensemble."""
        return int(self.result.params["n_members"])

    @cached_property
    def _predictor(self) -> Predictor:
        dynamics = load_dynamics(self.result, device=self._device)
        doses = torch.as_tensor(usual_doses(self.result)).to(dynamics.b)
        return Predictor(dynamics, doses)

    @cached_property
    def _control(self) -> Tensor:
        columns, doses = np.full((1, 1), -1), np.zeros((1, 1))
        return self._predictor(*self._clamps(columns, doses)).value[0]

    def control(self) -> np.ndarray:
        """Predicted steady state of the control."""
        return self._in_order(self._control[None])[0]

    def blocks(self, columns: np.ndarray, doses: np.ndarray, layers: Sequence[str]) -> Iterator[Block]:
        """Solve block after block.

        Parameters
        ----------
        columns, doses
            Regulators held in each request and where (requests, most regulators of any); -1 fills up.
        layers
            Those of `LAYERS` that are wanted.
        """
        additive = _Additive(self, columns, doses) if "additive" in layers else None
        size = self._chunk_size or self._predictor.chunk_size
        exact = self._predictor.can_be_exact(len(columns))
        for start in range(0, len(columns), size):
            rows = slice(start, min(start + size, len(columns)))
            states = self._predictor(*self._clamps(columns[rows], doses[rows]), exact_radius=exact)
            values = {"predicted": states.value, "predicted_sd": states.sd}
            if "shift" in layers:
                values["shift"] = states.value - self._control
            if additive is not None:
                values["additive"] = additive.of(rows)
            found = {
                "status": states.status,
                "residual": states.residual,
                "iterations": states.iterations,
                "spectral_radius_bound": states.radius_bound,
            }
            if states.radius is not None:
                found["spectral_radius"] = states.radius
            diagnostics = {name: value.cpu().numpy() for name, value in found.items()}
            wanted = {name: self._in_order(value) for name in layers if (value := values[name]) is not None}
            yield Block(rows, wanted, diagnostics)

    def single_effects(self, columns: np.ndarray, doses: np.ndarray) -> Tensor:
        """Shift of every gene when one regulator is held (requests, genes); NaN where its state is not to be trusted."""
        shifts = []
        for start in range(0, len(columns), self._predictor.chunk_size):
            rows = slice(start, start + self._predictor.chunk_size)
            states = self._predictor(*self._clamps(columns[rows, None], doses[rows, None]))
            sound = (states.status == Status.CONVERGED)[:, None]
            shifts.append((states.value - self._control).where(sound, torch.nan))
        return torch.cat(shifts)

    def add(self, index: np.ndarray, effects: Tensor) -> Tensor:
        """Control plus the effects at `index` (requests, effects of each); an index past the last adds nothing."""
        padded = torch.cat([effects, effects.new_zeros(1, effects.shape[-1])])
        at = torch.as_tensor(index, device=effects.device)
        return torch.nn.functional.embedding_bag(at, padded, mode="sum") + self._control

    def _clamps(self, columns: np.ndarray, doses: np.ndarray) -> tuple[Tensor, Tensor]:
        """Mask and values over all regulators (requests, regulators)."""
        dynamics = self._predictor.dynamics
        held = np.zeros((len(columns), len(dynamics.rows) + 1), bool)
        values = np.zeros(held.shape)
        # The last column takes what fills up the rows.
        np.put_along_axis(held, columns, True, 1)
        np.put_along_axis(values, columns, doses, 1)
        mask = torch.as_tensor(held[:, :-1], device=dynamics.b.device)
        return mask, torch.as_tensor(values[:, :-1]).to(dynamics.b)

    def _in_order(self, values: Tensor) -> np.ndarray:
        array: np.ndarray[Any, Any] = values.to(torch.float32).cpu().numpy()
        same = np.array_equal(self._order, np.arange(len(self._order)))
        return array if same else array[:, self._order]


class _Additive:
    """Sum of the network's own single effects at the doses of each request."""

    def __init__(self, fitted: Fitted, columns: np.ndarray, doses: np.ndarray) -> None:
        self.fitted = fitted
        self.columns, self.doses = columns, doses
        levels, level = np.unique(doses, return_inverse=True)
        self.levels = levels
        self.code = np.where(columns >= 0, columns * len(levels) + level.reshape(columns.shape), -1)
        unique = np.unique(self.code)
        # Few different clamps are solved once; when every request has its own doses, block by block.
        self.table = self._solve(unique[unique >= 0]) if len(unique) <= fitted._predictor.chunk_size else None

    def of(self, rows: slice) -> Tensor:
        code = self.code[rows]
        if self.table is None:
            unique = np.unique(code)
            known, effects = self._solve(unique[unique >= 0])
        else:
            known, effects = self.table
        index = np.where(code >= 0, np.searchsorted(known, code), len(known))
        return self.fitted.add(index, effects)

    def _solve(self, codes: np.ndarray) -> tuple[np.ndarray, Tensor]:
        columns, level = np.divmod(codes, len(self.levels))
        if not len(codes):
            return codes, self.fitted._control.new_zeros(0, len(self.fitted._control))
        return codes, self.fitted.single_effects(columns, self.levels[level])
