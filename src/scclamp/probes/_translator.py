"""The translator: a small network that turns the features of a pair into the odds of an edge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from scclamp._arguments import read_rng, require_whole
from scclamp._errors import InputError, NonFiniteError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_SHOWN = 5
_ROUNDING = 1e-6
"""Share of the mean below which a spread is rounding."""


@dataclass(kw_only=True, eq=False)
class Translator:
    """Two hidden layers from the features of pairs to the log odds of an edge, trained by binary cross-entropy.

    Features are brought to mean 0 and standard deviation 1 of the pairs it is trained on; pairs of another data set are
    measured by the same ruler. A feature that does not vary among the former has no ruler, and counts for nothing wherever it
    does. Some pairs are held out, and the weights that fit those best are kept.

    Parameters
    ----------
    hidden
        Width of the hidden layers.
    epochs, patience
        Rounds at most, and rounds without gain on the held-out pairs after which training stops.
    held_out
        Share of the pairs held out.
    balanced
        Whether edges are weighed so that they count as much as all other pairs together; otherwise every pair counts alike.
    learning_rate, weight_decay, batch_size
        AdamW.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(400, 2))
    >>> translator = Translator(epochs=20).fit(x, x[:, 0] > 1, rng=0)
    >>> translator.probabilities([[3.0, 0.0], [-3.0, 0.0]]).round()
    array([1., 0.])
    """

    hidden: int = 32
    epochs: int = 200
    patience: int = 15
    held_out: float = 0.2
    balanced: bool = True
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    batch_size: int = 512

    def __post_init__(self) -> None:
        for name in ("hidden", "epochs", "patience", "batch_size"):
            require_whole(name, getattr(self, name))
        if not 0 < self.held_out < 1:
            raise InputError(f"held_out={self.held_out!r} must lie between 0 and 1. It is a share of the pairs.")
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate={self.learning_rate!r} must be a number above 0.")
        if not 0 <= self.weight_decay < float("inf"):
            raise InputError(f"weight_decay={self.weight_decay!r} must be a number of at least 0.")

    def fit(
        self,
        features: ArrayLike,
        labels: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> Self:
        """Learn from pairs whose edges are known.

        Parameters
        ----------
        features
            Of each pair (n, d).
        labels
            Whether it is an edge (n,).
        groups
            Pairs of one group, such as those of one source, are held out together; by default each stands alone. A gene met
            in training is known by its edges, so held-out pairs that share it would not tell when to stop.
        rng
            Seed or generator of the weights, of what is held out and of the order of batches.

        Returns
        -------
        Itself, with the attributes `mean_`, `scale_` (infinite for features that do not vary), `losses_` (epochs, 2: trained, held out), `best_epoch_` and `network_`.
        """
        x, y = _features(features, None), np.asarray(labels)
        if y.shape != (len(x),) or not np.isin(y, (0, 1)).all():
            raise InputError(f"labels has shape {y.shape}. Give True or False for each of the {len(x)} pairs.")
        y, generator = y.astype(bool), read_rng(rng)
        kept_out = _hold_out(y, np.arange(len(x)) if groups is None else np.asarray(groups), self.held_out, generator)
        self.mean_, self.scale_ = x[~kept_out].mean(0), x[~kept_out].std(0)
        # Models answer in single precision, whose rounding leaves a constant a spread of its own.
        self.scale_[self.scale_ <= _ROUNDING * np.abs(self.mean_)] = np.inf
        self.network_ = _network(x.shape[1], self.hidden, generator)
        weight = (~y[~kept_out]).sum() / y[~kept_out].sum() if self.balanced else 1.0
        loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(float(weight)))
        train, test = ((self._standardised(x[at]), torch.from_numpy(y[at]).float()) for at in (~kept_out, kept_out))
        self.losses_, self.best_epoch_ = self._train(loss, train, test, generator)
        return self

    def logits(self, features: ArrayLike) -> Floats:
        """Log odds of an edge (n,) by the features (n, d) of pairs of any data set."""
        if not hasattr(self, "network_"):
            raise InputError("The translator was not trained. Call fit(features, labels) first.")
        with torch.no_grad():
            return self.network_(self._standardised(_features(features, len(self.mean_))))[:, 0].double().numpy()

    def probabilities(self, features: ArrayLike) -> Floats:
        """Probability of an edge (n,); with `balanced`, among as many edges as other pairs."""
        return np.exp(-np.logaddexp(0, -self.logits(features)))

    def _standardised(self, x: Floats) -> Tensor:
        return torch.from_numpy((x - self.mean_) / self.scale_).float()

    def _train(
        self, loss: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], rng: np.random.Generator
    ) -> tuple[Floats, int]:
        network, (x, y) = self.network_, train
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        losses: list[tuple[float, float]] = []
        best, state, since = float("inf"), _copy(network), 0
        while len(losses) < self.epochs and since < self.patience:
            total = 0.0
            for at in torch.from_numpy(rng.permutation(len(x))).split(self.batch_size):
                optimizer.zero_grad(set_to_none=True)
                value = loss(network(x[at])[:, 0], y[at])
                value.backward()
                optimizer.step()
                total += float(value.detach()) * len(at)
            with torch.no_grad():
                losses.append((total / len(x), float(loss(network(test[0])[:, 0], test[1]))))
            if not np.isfinite(losses[-1]).all():
                raise NonFiniteError(f"The loss is {losses[-1]} in epoch {len(losses)}. Lower learning_rate.")
            since += 1
            if losses[-1][1] < best:
                best, state, since = losses[-1][1], _copy(network), 0
        network.load_state_dict(state)
        network.requires_grad_(False)
        return np.array(losses), len(losses) - 1 - since


def _copy(network: nn.Module) -> dict[str, Any]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _features(given: ArrayLike, width: int | None) -> Floats:
    x = np.asarray(given, np.float64)
    if x.ndim != 2 or not x.size or (width is not None and x.shape[1] != width):
        wanted = "some" if width is None else width
        raise InputError(f"features has shape {x.shape}. Give a row of {wanted} features for each pair.")
    broken = ~np.isfinite(x)
    if broken.any():
        names = getattr(given, "columns", range(x.shape[1]))
        each = [f"{name!r} ({n} of {len(x)} pairs)" for name, n in zip(names, broken.sum(0), strict=True) if n]
        more = f" and {len(each) - _SHOWN} more" if len(each) > _SHOWN else ""
        raise InputError(
            f"features: a NaN or an infinity in column {', '.join(each[:_SHOWN])}{more}. Leave out pairs that a probe cannot score, or "
            "the feature where it scores none."
        )
    return x


def _hold_out(labels: NDArray[np.bool_], groups: Any, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whole groups, drawn apart from those with an edge and from those without, so that both sides have edges."""
    if groups.shape != labels.shape:
        raise InputError(f"groups has shape {groups.shape}. Name one for each of the {len(labels)} pairs.")
    _, code = np.unique(groups, return_inverse=True)
    with_edge = np.bincount(code, weights=labels) > 0
    out = np.zeros(len(with_edge), bool)
    for kind in (True, False):
        members = np.flatnonzero(with_edge == kind)
        n = round(share * len(members))
        # One at least of those with an edge, and never all of them.
        n = min(max(n, 1), len(members) - 1) if kind else n
        out[rng.choice(members, max(n, 0), replace=False)] = True
    held_out: NDArray[np.bool_] = out[code]
    if any(len(np.unique(labels[at])) < 2 for at in (held_out, ~held_out)):
        raise InputError(
            f"labels has {labels.sum()} edges and {(~labels).sum()} other pairs in {len(out)} groups, too few to hold out some of "
            "both. Give more pairs, or smaller groups."
        )
    return held_out


def _network(n_features: int, hidden: int, rng: np.random.Generator) -> nn.Sequential:
    widths = (n_features, hidden, hidden, 1)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
        with torch.no_grad():
            # Drawn by numpy, so that torch's own generators are not touched.
            layer.weight.copy_(torch.from_numpy((2 / n_in) ** 0.5 * rng.standard_normal((n_out, n_in))))
            layer.bias.zero_()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
