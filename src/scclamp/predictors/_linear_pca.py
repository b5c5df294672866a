"""A bilinear map from embeddings of perturbed genes to embeddings of responding genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scclamp._arguments import require_whole
from scclamp._errors import InputError
from scclamp.predictors._baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target
    from scclamp.predictors._training import Training


@dataclass(kw_only=True, eq=False)
class LinearPCA(Baseline):
    """Predict shifts linearly from principal components of genes (the linear model of Ahlmann-Eltze et al., 2025).

    Genes are embedded by their scores G on the principal components of the training means (genes x conditions), and the
    shifts Y of single genes (genes x singles) with embeddings P of the perturbed genes (components x singles) are fitted by
    ``K = (G'G + l I)^-1 G'(Y - b) P'(P P' + l I)^-1``, with b the mean of Y over the singles: a ridge regression on each
    side. A single gene shifts by ``G K p + b``, a combination by the sum over its genes. It also predicts genes that no
    training condition perturbs, from their embedding alone. A gene that the panel does not measure has no embedding: it
    does not enter K, and its prediction is b.

    Parameters
    ----------
    n_components
        Length of the embeddings; as many as there are when the screen has fewer.
    penalty
        Ridge penalty l of both sides.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import LinearPCA
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> LinearPCA().fit(conditions).predict([("REG01",), ("REG01", "REG02")]).shape
    (2, 60)
    """

    name: ClassVar[str] = "linear_pca"
    n_components: int = 10
    penalty: float = 0.1

    def __post_init__(self) -> None:
        require_whole("n_components", self.n_components)
        if not 0 < self.penalty < float("inf"):
            raise InputError(f"penalty={self.penalty!r} must be a number above 0.")

    def _learn(self, training: Training, rng: object) -> None:
        G = gene_scores(training, self.n_components)
        measured = [j for j, gene in enumerate(training.singles) if gene in training.rows]
        P = G[[training.rows[training.singles[j]] for j in measured]].T
        self.intercept_ = training.shifts.mean(0)
        Y = (training.shifts[measured] - self.intercept_).T
        ridge = self.penalty * np.eye(G.shape[1])
        K = np.linalg.solve(G.T @ G + ridge, G.T @ Y @ P.T)
        # The right factor is symmetric, so that its inverse acts from the left on the transpose.
        self.weights_ = np.linalg.solve(P @ P.T + ridge, K.T).T
        self.scores_ = G

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        training = self._trained()
        embedding = np.zeros((len(targets), self.scores_.shape[1]))
        for row, genes in enumerate(targets):
            embedding[row] = self.scores_[[training.rows[gene] for gene in genes if gene in training.rows]].sum(0)
        n_genes = np.array([len(target) for target in targets], float)
        return embedding @ self.weights_.T @ self.scores_.T + n_genes[:, None] * self.intercept_

    def _known(self, training: Training) -> frozenset[str]:
        return training.perturbed | frozenset(training.genes)


def gene_scores(training: Training, n_components: int) -> np.ndarray:
    """Scores of the genes on the principal components of the training means (genes, components)."""
    shifts = np.concatenate([np.zeros_like(training.control)[None], training.shifts, training.combo_shifts])
    table = (training.control + shifts).T
    U, s, _ = np.linalg.svd(table - table.mean(0), full_matrices=False)
    rank = int((s > s[0] * max(table.shape) * np.finfo(float).eps).sum())
    kept = min(n_components, max(rank, 1))
    return U[:, :kept] * s[:kept]
