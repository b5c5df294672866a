"""A small GREmLN in training: ranks of which some are masked, queries diffused along the co-expression of the cells themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.masked_training import Levels, Size
from scclamp.encoders._gremln_graph import Diffusion, read_network
from scclamp.encoders._gremln_model import SPECIAL_RANKS, GREmLNModel, GREmLNSizes
from scclamp.encoders._gremln_ranks import ranks

NEIGHBOURS = 10
NETWORK = "network.tsv"
"""No `.csv`, of which the folder of a release holds one, its vocabulary."""
_CPM = 100.0
"""From 10,000 transcripts to a million, which GREmLN reads."""


class GREmLNTrainee(nn.Module):
    """The model that is loaded later, and the network that its queries diffuse along."""

    def __init__(self, size: Size, genes: pd.Index, levels: Tensor) -> None:
        super().__init__()
        self.names = ["<PAD>", "<MASK>", *genes, "<CLS>"]
        half, n_ranks = size.width // 2, size.n_bins + SPECIAL_RANKS
        sizes = GREmLNSizes(len(self.names), n_ranks, half, half, size.hidden, size.layers, size.heads)
        self.model = GREmLNModel(sizes)
        self.network = coexpression(levels, genes)
        self.edges, self.weights = read_network(self.network, {g: i for i, g in enumerate(genes)}, signed=False)
        self.whole = self.kernel(torch.arange(len(genes)))

    @staticmethod
    def levels_of(x: Tensor, n_bins: int) -> Tensor:
        """Ranks of log-normalised expression."""
        return ranks((x.expm1() * _CPM).log1p(), n_bins)

    @torch.no_grad()
    def kernel(self, columns: Tensor) -> Tensor:
        """What diffusion among some genes does, as a matrix: in short sequences that is faster than a sparse sum."""
        at = np.full(len(self.names) - 3, -1)
        at[columns.numpy()] = np.arange(len(columns))
        edges = at[self.edges]
        known = (edges >= 0).all(0)
        diffusion = Diffusion(edges[:, known], self.weights[known], len(columns)).to(torch.float32)
        return diffusion(torch.eye(len(columns))[None], torch.ones(1, len(columns), dtype=torch.bool))[0]

    def logits(self, levels: Tensor, masked: Tensor, columns: Tensor) -> Tensor:
        """Scores of ranks (cells, genes, ranks)."""
        kernel = self.whole if len(columns) == len(self.whole) else self.kernel(columns)
        tokens = F.pad(columns + 2, (1, 0), value=len(self.names) - 1)
        hidden = self.model(tokens, levels, torch.ones_like(masked), None, lambda q, _: kernel @ q, masked)
        return self.model.rank_prediction_head(hidden[:, 1:])

    def loss(self, levels: Tensor, masked: Tensor, columns: Tensor) -> Tensor:
        """Cross-entropy at the genes that are masked."""
        return F.cross_entropy(self.logits(levels, masked, columns)[masked], levels[masked].long())

    def finish(self) -> None:
        """Nothing but to stop."""
        self.eval()

    def answer(self, levels: Tensor, masked: Tensor) -> Tensor:
        """Logarithms of the chances of ranks."""
        return self.logits(levels, masked, torch.arange(levels.shape[1])).log_softmax(-1)

    def values(self, answers: Tensor) -> Tensor:
        """Ranks that are expected, special ones left out."""
        n = self.model.n_bins
        return answers[..., :n].softmax(-1) @ torch.arange(n, dtype=answers.dtype)

    def figures(self, answers: Tensor, levels: Levels) -> dict[str, float]:
        """Cross-entropy of the model, and of how often each gene has each rank."""
        y, n = levels.validation.long(), self.model.n_bins
        counts = torch.stack([(levels.train == rank).sum(0) for rank in range(n)], -1).double() + 0.5
        marginal = (counts / counts.sum(-1, keepdim=True)).log().expand(len(y), -1, -1)
        found = {"model": answers, "ranks of each gene": marginal}
        return {f"cross-entropy, {k}": float(-v.gather(-1, y[..., None]).mean()) for k, v in found.items()}

    def write(self, folder: Path) -> None:
        """Write the files of a release, and the network."""
        table = pd.DataFrame({"gene_name": self.names, "idx": range(len(self.names))})
        table.to_csv(folder / "gene_vocab.csv", index=False)
        self.network.to_csv(folder / NETWORK, sep="\t", index=False)
        torch.save({"state_dict": self.model.state_dict()}, folder / "model.ckpt")


def coexpression(levels: Tensor, genes: pd.Index) -> pd.DataFrame:
    """Each gene and those whose levels correlate with its own most, in either sign; no known network has a part in it."""
    x = levels.double() - levels.double().mean(0)
    x = x / x.norm(dim=0).clamp(min=1e-9)
    r = (x.T @ x).abs().fill_diagonal_(0)
    strength, near = r.topk(min(NEIGHBOURS, len(genes) - 1))
    names = np.asarray(genes)
    table = {"source": np.repeat(names, near.shape[1]), "target": names[near.numpy().ravel()]}
    return pd.DataFrame(table | {"weight": strength.numpy().ravel()})
