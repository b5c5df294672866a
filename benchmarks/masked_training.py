"""Masked training from scratch, and the judges of what was learned: gene means, and a ridge regression on what is visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

MASKED = (0.15, 0.40)
"""Least and largest share of its genes that a cell has hidden."""
JUDGES = 600
"""Cells that judge at most; the others are learned from."""
FOLDS = 4
"""Parts of the panel that are hidden in turn where a model is judged."""
PENALTIES = np.logspace(0, 5, 11)
_CLIP, _WARM_UP, _DECAY = 1.0, 0.1, 0.01

Predict = Callable[[Tensor, Tensor], Tensor]
"""From levels (cells, genes) of which some are masked (cells, genes) to what is said of every gene."""


@dataclass(frozen=True)
class Size:
    """Sizes of a model and of its training; `reads` genes are read at a time, drawn anew for each batch, or all."""

    width: int
    heads: int
    hidden: int
    layers: int
    n_bins: int
    epochs: int
    batch_size: int = 16
    learning_rate: float = 4e-3
    reads: int | None = None


@dataclass(frozen=True)
class Levels:
    """Levels of expression, bins or ranks, of cells to learn from and of cells to be judged by."""

    train: Tensor
    validation: Tensor

    @classmethod
    def split(cls, levels: Tensor, rng: np.random.Generator, share: float = 0.15) -> Levels:
        order = torch.as_tensor(rng.permutation(len(levels)))
        n = min(max(1, round(share * len(levels))), JUDGES)
        return cls(levels[order[n:]], levels[order[:n]])


def train(trainee: nn.Module, levels: Tensor, size: Size, epochs: int, generator: torch.Generator) -> list[float]:
    """AdamW on `trainee.loss(levels, masked, columns)` with a warm-up and a cosine; mean loss of every epoch."""
    parameters, rate = list(trainee.parameters()), size.learning_rate
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=_DECAY)
    steps = max(epochs * -(-len(levels) // size.batch_size), 2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=_WARM_UP)
    history = []
    for _ in range(epochs):
        total = 0.0
        for at in torch.randperm(len(levels), generator=generator).split(size.batch_size):
            columns = torch.randperm(levels.shape[1], generator=generator)[: size.reads].sort().values
            part = levels[at][:, columns]
            low, high = MASKED
            share = low + (high - low) * torch.rand(len(part), 1, generator=generator)
            value = trainee.loss(part, torch.rand(part.shape, generator=generator) < share, columns)
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(parameters, _CLIP)
            optimiser.step()
            schedule.step()
            total += value.item() * len(at)
        history.append(total / len(levels))
    return history


def folds(n_genes: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Parts of the panel, each hidden once."""
    return np.array_split(rng.permutation(n_genes), FOLDS)


@torch.no_grad()
def hidden_values(predict: Predict, levels: Tensor, parts: list[np.ndarray], batch_size: int = 64) -> Tensor:
    """What a model says of each gene (cells, genes, ...) where it is hidden with the rest of its part."""
    found = None
    for part in parts:
        masked = torch.zeros(levels.shape[1], dtype=torch.bool)
        masked[part] = True
        said = torch.cat([predict(rows, masked.expand_as(rows)) for rows in levels.split(batch_size)])
        found = torch.empty_like(said) if found is None else found
        found[:, part] = said[:, part]
    return found


def ridge(levels: Levels, parts: list[np.ndarray]) -> Tensor:
    """Levels of validation cells by linear regression on the visible genes, at the penalty that suits those cells best."""
    X, y = levels.train.double().numpy(), levels.validation.double().numpy()
    mean = X.mean(0)
    X, new = X - mean, y - mean
    found = np.empty((len(PENALTIES), *y.shape))
    for part in parts:
        seen = np.setdiff1d(np.arange(X.shape[1]), part)
        values, axes = np.linalg.eigh(X[:, seen].T @ X[:, seen])
        slopes, scores = axes.T @ (X[:, seen].T @ X[:, part]), new[:, seen] @ axes
        for k, penalty in enumerate(PENALTIES):
            found[k][:, part] = mean[part] + (scores / (values.clip(0) + penalty)) @ slopes
    best = np.argmin(((found - y) ** 2).mean((1, 2)))
    return torch.as_tensor(found[best])


def judge(predicted: Tensor, levels: Levels, parts: list[np.ndarray]) -> dict[str, float]:
    """Mean squared errors of a model and of the two that it has to beat."""
    y = levels.validation.double()
    errors = {"model": predicted, "gene means": levels.train.double().mean(0), "ridge": ridge(levels, parts)}
    return {f"mse, {name}": float((value.double() - y).square().mean()) for name, value in errors.items()}
