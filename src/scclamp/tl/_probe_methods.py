"""How `tl.probe_grn` turns answers of a model into a strength and a sign of each pair."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from scclamp import probes
from scclamp._errors import InputError, InputWarning, NonFiniteError, list_some
from scclamp._memory import require_memory
from scclamp._settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from scclamp.tl._probe_model import Drawn, Model

METHODS = ("gradient", "virtual", "ensemble", "silencing", "embedding", "shift")
_SYMMETRIC = ("embedding", "shift")


@dataclass(frozen=True, eq=False)
class Question:
    """A model, and the states at which it is asked.

    Parameters
    ----------
    model
        Its maps.
    state
        Mean of the cells, or the paper's one number for all genes (genes,).
    path
        Whether slopes are taken from zero to that state, of all genes together.
    values
        Values of a source (m,).
    knows
        Which genes the model knows (genes,).
    batch_size
        States at a time.
    """

    model: Model
    state: torch.Tensor
    path: bool
    values: torch.Tensor
    knows: np.ndarray
    batch_size: int

    @classmethod
    def of(
        cls, model: Model, drawn: Drawn, baseline: Any, values: Any, n_values: int, method: str, batch_size: int
    ) -> Self:
        """Choose the states, and see which genes the model knows."""
        path = isinstance(baseline, str)
        if not (baseline == "mean" if path else _is_number(baseline)):
            raise InputError(
                f"baseline={baseline!r} is neither 'mean' nor a finite number. The paper has a number near zero."
            )
        if method == "gradient" and path and values is not None:
            raise InputError(
                "values do not bear on method='gradient' at baseline='mean', where all genes go from zero to their mean "
                "together. Leave them out, or give baseline a number."
            )
        levels = np.linspace(0.0, drawn.top, n_values) if values is None else read_values(values)
        mean = drawn.mean if path else np.full_like(drawn.mean, baseline)
        state, values = (torch.as_tensor(each, dtype=model.dtype, device=model.device) for each in (mean, levels))
        return cls(model, state, path, values, _known(model, state, method), batch_size)

    @property
    def levels(self) -> list[float]:
        """Values of a source, for the record."""
        return self.values.double().tolist()

    def known(self, at: np.ndarray, genes: pd.Index, argument: str) -> np.ndarray:
        """Those genes that the model knows; the others are named in a warning."""
        missing = at[~self.knows[at]]
        if len(missing) == len(at):
            raise InputError(
                f"{argument}: {self.model.name!r} knows none of {list_some(genes[at])}. Name genes it knows."
            )
        if len(missing):
            msg = f"{argument}: {len(missing)} of {len(at)} genes are left out, since {self.model.name!r} does not know them: "
            warnings.warn(msg + list_some(genes[missing]), InputWarning, stacklevel=3)
        return at[self.knows[at]]

    def answer(self, method: str, sources: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Strength and sign of each pair (sources, targets)."""
        _require_pairs(sources, targets)
        if method != "ensemble":
            effect, score = self._one(method, sources, targets)
            return score, np.sign(effect).astype(np.int64)
        different = sources[:, None] != targets[None, :]
        parts = [self._one(each, sources, targets) for each in ("gradient", "virtual")]
        score = np.zeros(different.shape)
        # The answer of a gene to itself would set the scale.
        score[different] = probes.standardised_mean([strength[different] for _, strength in parts])
        # Not the spread about the mean: effects that are all alike have a sign too.
        size = [np.sqrt(np.square(effect[different]).mean()) for effect, _ in parts]
        effect = sum(effect / s for (effect, _), s in zip(parts, size, strict=True) if s > 0)
        return score, np.broadcast_to(np.sign(effect), score.shape).astype(np.int64)

    def _one(self, method: str, sources: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, effect, strength = self._measure(method, *self._tensors(sources, targets))
        found = tuple(self._finite(method, sources, targets, each) for each in (effect, strength))
        return found[0], found[1]

    def features(self, method: str, sources: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (sources, targets, d) and strength (sources, targets) of each pair."""
        _require_pairs(sources, targets)
        i, j = self._tensors(sources, targets)
        if method in _SYMMETRIC:
            vectors = self._vectors(method, torch.cat([i, j]))
            size = vectors.element_size() * len(i) * len(j) * vectors.shape[1]
            require_memory(size, f"Embeddings of {len(i)} x {len(j)} pairs", "Ask for fewer sources at a time")
            similar = self._similar(vectors, len(i))
            found, strength = vectors[: len(i), None] + vectors[None, len(i) :], similar.abs()
        else:
            found, _, strength = self._measure(method, i, j)
        return self._finite(method, sources, targets, found), self._finite(method, sources, targets, strength)

    def _tensors(self, sources: np.ndarray, targets: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.model.device
        return torch.as_tensor(sources, device=device), torch.as_tensor(targets, device=device)

    def _finite(self, method: str, sources: np.ndarray, targets: np.ndarray, given: torch.Tensor) -> np.ndarray:
        values = given.double().cpu().numpy()
        # A model that reads no zeros has no word on a gene that is silenced, and nobody asks for it.
        values[sources[:, None] == targets[None, :]] = 0.0
        if not np.isfinite(values).all():
            raise NonFiniteError(
                f"method={method!r} got a NaN or an infinity from {self.model.name!r}. Check its input range."
            )
        return values

    def _measure(self, method: str, i: torch.Tensor, j: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Features, signed effect and strength."""
        model, state, size = self.model, self.state, self.batch_size
        if method in _SYMMETRIC:
            similar = self._similar(self._vectors(method, torch.cat([i, j])), len(i))
            return similar[..., None], similar, similar.abs()
        ask: Any = model.reconstruct
        watch = _bar(method)
        if method == "silencing":
            change = probes.silencing_change(ask, state, i, j, batch_size=size)
            return change[..., None], change, change.abs()
        if method == "virtual":
            found = probes.virtual_value_perturbation(ask, state, self.values, i, j, batch_size=size, watch=watch)
            return found, *probes.effect_and_strength(found, self.values - state[i, None])
        if self.path:
            states = probes.path_of(state, len(self.values))
            found = probes.gradient_path(ask, states, i, j, batch_size=size, watch=watch)
        else:
            found = probes.gradient_trajectory(ask, state, self.values, i, j, batch_size=size, watch=watch)
        return found, *probes.effect_and_strength(found, found.new_ones(len(i), found.shape[-1]))

    def _similar(self, vectors: torch.Tensor, n: int) -> torch.Tensor:
        """Similarity of each of the first n vectors to each of the others."""
        at = torch.arange(len(vectors), device=vectors.device)
        return probes.embedding_similarity(vectors, at[:n], at[n:])

    def _vectors(self, method: str, genes: torch.Tensor) -> torch.Tensor:
        if method == "embedding":
            return torch.as_tensor(self.model.embeddings, dtype=self.model.dtype, device=self.model.device)[genes]
        encode: Any = self.model.encode
        return probes.embedding_shift(encode, self.state, genes, batch_size=self.batch_size)


def read_values(given: Any) -> np.ndarray:
    """Values of a source, as numbers.

    Examples
    --------
    >>> read_values([0, 1])
    array([0., 1.])
    """
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise InputError(f"values={given!r} must be one or more finite numbers in a row.")
    return values


def _require_pairs(sources: np.ndarray, targets: np.ndarray) -> None:
    """Refuse to ask about one gene alone, which makes no pair."""
    if len(sources) == len(targets) == 1 and sources[0] == targets[0]:
        raise InputError("sources and targets are one and the same gene. Name another target.")


def _bar(method: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    from tqdm.auto import tqdm

    return partial(tqdm, desc=f"probe: {method}", disable=not settings.show_progress())


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return bool(np.isfinite(float(value)))


def _known(model: Model, state: torch.Tensor, method: str) -> np.ndarray:
    """Genes with a finite vector, or whose reconstruction is no NaN; a representation says nothing of single genes."""
    if method == "embedding" and model.embeddings is not None:
        return np.isfinite(model.embeddings).all(1)
    if method == "shift" or model.reconstruct is None:
        return np.ones(len(state), bool)
    with torch.no_grad():
        value = model.reconstruct(state[None])
    if not isinstance(value, torch.Tensor) or value.shape != (1, len(state)):
        shape = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        raise InputError(
            f"reconstruct gave {shape} for a state (1, {len(state)}). It must return a value for each gene."
        )
    return ~torch.isnan(value[0]).cpu().numpy()
