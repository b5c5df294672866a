"""A stored fit, ready to be asked: blocks of requests in, blocks of layers and diagnostics out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from scclamp._keys import CONTROL
from scclamp._settings import settings
from scclamp._storage import decode, gene_order
from scclamp.fitting.clamped import ClampedNetwork
from scclamp.fitting.combination import Parts
from scclamp.fitting.load import load_dynamics, stored_config, stored_point
from scclamp.fitting.predict import States
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
    steady_state
        Whether combinations are the network's steady states as they are, whatever law the fit was configured with.
    """

    def __init__(
        self,
        adata: AnnData,
        key: str,
        device: str | None = None,
        chunk_size: int | None = None,
        *,
        steady_state: bool = False,
    ) -> None:
        self.result = decode(adata, key)
        self._config = stored_config(self.result)
        self._steady_state = steady_state
        self.max_dose = self._config.bounds[1]
        self._order = gene_order(adata, self.result)
        self._device = settings.device if device is None else device
        self._chunk_size = chunk_size

    @property
    def n_members(self) -> int:
        """Members of the ensemble."""
        return int(self.result.params["n_members"])

    @cached_property
    def network(self) -> ClampedNetwork:
        """The network, its control solved."""
        dynamics = load_dynamics(self.result, device=self._device)
        known, point = self._known(dynamics.b), stored_point(self.result)
        network = ClampedNetwork(dynamics, usual_doses(self.result), self._config, known=known, point=point)
        return network.without_law() if self._steady_state else network

    def _known(self, like: Tensor) -> Tensor | None:
        """Regulators' states of the fit in the control and in each single condition."""
        diagnostics = self.result.diagnostics
        if "core" not in diagnostics:
            return None
        at = {str(name): row for row, name in enumerate(np.atleast_1d(diagnostics["condition"]))}
        rows = [at[name] for name in (CONTROL, *self.result.regulators)]
        return torch.as_tensor(np.asarray(diagnostics["core"])[:, rows]).to(like)

    def control(self) -> np.ndarray:
        """Predicted steady state of the control."""
        return self._in_order(self.network.control[None])[0]

    def blocks(self, columns: np.ndarray, doses: np.ndarray, layers: Sequence[str]) -> Iterator[Block]:
        """Solve block after block.

        Parameters
        ----------
        columns, doses
            Regulators held in each request and where (requests, most regulators of any); -1 fills up.
        layers
            Those of `LAYERS` that are wanted.
        """
        network = self.network
        together = not network.law.is_steady_state and bool(((columns >= 0).sum(1) > 1).any())
        singles = _Singles(self, columns, doses) if together or "additive" in layers else None
        size = self._chunk_size or network.predictor.chunk_size
        exact = network.predictor.can_be_exact(len(columns))
        for start in range(0, len(columns), size):
            rows = slice(start, min(start + size, len(columns)))
            clamps = self._clamps(columns[rows], doses[rows])
            states = network.predictor(*clamps, exact_radius=exact)
            parts = None if singles is None else singles.of(rows)
            scale = states.value.new_ones(len(states.value))
            if together and parts is not None:
                states, scale = self._combine(states, parts, *clamps)
            values = {"predicted": states.value, "predicted_sd": states.sd}
            if "shift" in layers:
                values["shift"] = states.value - network.control
            if parts is not None and "additive" in layers:
                values["additive"] = (network.control + parts.shift).where(parts.sound[:, None], torch.nan)
            found = {
                "status": states.status,
                "residual": states.residual,
                "iterations": states.iterations,
                "spectral_radius_bound": states.radius_bound,
                "scale": scale,
            }
            if states.radius is not None:
                found["spectral_radius"] = states.radius
            diagnostics = {name: value.cpu().numpy() for name, value in found.items()}
            wanted = {name: self._in_order(value) for name in layers if (value := values[name]) is not None}
            yield Block(rows, wanted, diagnostics)

    def single_effects(self, columns: np.ndarray, doses: np.ndarray) -> Parts:
        """What happens when one regulator is held."""
        like = self.network.doses
        return self.network.singles(torch.as_tensor(columns, device=like.device), torch.as_tensor(doses).to(like))

    def _combine(self, states: States, parts: Parts, mask: Tensor, held: Tensor) -> tuple[States, Tensor]:
        """Apply the law to requests of several regulators."""
        found = self.network.combine(states.value, parts, mask, held)
        lost = ~found.sound & (states.status == Status.CONVERGED)
        status = states.status.masked_fill(lost, int(Status.UNSTABLE))
        status = status.masked_fill(~found.value.sum(1).isfinite(), int(Status.NONFINITE))
        sd = None if states.sd is None else states.sd * found.scale[:, None]
        return states._replace(value=found.value, sd=sd, status=status), found.scale

    def _clamps(self, columns: np.ndarray, doses: np.ndarray) -> tuple[Tensor, Tensor]:
        """Mask and values over all regulators (requests, regulators)."""
        like = self.network.doses
        held = np.zeros((len(columns), len(like) + 1), bool)
        values = np.zeros(held.shape)
        # The last column takes what fills up the rows.
        np.put_along_axis(held, columns, True, 1)
        np.put_along_axis(values, columns, doses, 1)
        return torch.as_tensor(held[:, :-1], device=like.device), torch.as_tensor(values[:, :-1]).to(like)

    def _in_order(self, values: Tensor) -> np.ndarray:
        array: np.ndarray[Any, Any] = values.to(torch.float32).cpu().numpy()
        same = np.array_equal(self._order, np.arange(len(self._order)))
        return array if same else array[:, self._order]


class _Singles:
    """The network's own single effects at the doses of each request, and their sums."""

    def __init__(self, fitted: Fitted, columns: np.ndarray, doses: np.ndarray) -> None:
        self.fitted = fitted
        self.levels, level = np.unique(doses, return_inverse=True)
        self.code = np.where(columns >= 0, columns * len(self.levels) + level.reshape(columns.shape), -1)
        unique = np.unique(self.code)
        # Few different clamps are solved once; when every request has its own doses, block by block.
        self.table = self._solve(unique[unique >= 0]) if len(unique) <= fitted.network.predictor.chunk_size else None

    def of(self, rows: slice) -> Parts:
        """Sum of the single effects of each request, and the norms of these (requests, most regulators of any)."""
        code = self.code[rows]
        unique = np.unique(code)
        known, effects = self.table or self._solve(unique[unique >= 0])
        # An index past the last adds nothing.
        at = torch.as_tensor(np.where(code >= 0, np.searchsorted(known, code), len(known)), device=effects.shift.device)
        padded = torch.cat([effects.shift, effects.shift.new_zeros(1, effects.shift.shape[1])])
        norms = torch.cat([effects.norms, effects.norms.new_zeros(1)])
        sound = torch.cat([effects.sound, effects.sound.new_ones(1)])
        shift = torch.nn.functional.embedding_bag(at, padded, mode="sum")
        return Parts(shift, norms[at], sound[at].all(1))

    def _solve(self, codes: np.ndarray) -> tuple[np.ndarray, Parts]:
        columns, level = np.divmod(codes, len(self.levels))
        return codes, self.fitted.single_effects(columns, self.levels[level])
