"""Small models trained for real, written in the released layouts of scGPT and GREmLN, since no released weights are to be had here."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.masked_training import Levels, folds, hidden_values, judge, train
from scclamp.encoders import GREmLN, ScGPT
from scclamp.encoders._binning import quantile_bins
from scclamp.encoders._gremln_graph import Diffusion, read_network
from scclamp.encoders._gremln_model import SPECIAL_RANKS, GREmLNModel, GREmLNSizes
from scclamp.encoders._gremln_ranks import ranks
from scclamp.encoders._scgpt_model import ScGPTConfig, ScGPTModel

REPORT = "training.json"
MASK_VALUE = -1.0
SPECIAL = ("<pad>", "<cls>", "<eoc>")
NEIGHBOURS = 10
_LETTERS, _SCALE, _SHARPNESS = 0.2, 0.1, 3.0


@dataclass(frozen=True)
class Size:
    """Sizes of a model and of its training."""

    width: int
    heads: int
    hidden: int
    layers: int
    n_bins: int
    epochs: int
    batch_size: int = 16
    learning_rate: float = 4e-3
    reads: int | None = None


SCGPT = {"quick": Size(32, 2, 64, 2, 51, 30), "small": Size(64, 2, 128, 2, 51, 5, reads=128)}
GREMLN = {"quick": Size(32, 2, 64, 2, 20, 30), "small": Size(64, 2, 128, 2, 50, 5, reads=128)}


def train_scgpt(
    adata: ad.AnnData, folder: str | Path, *, size: str | Size = "small", epochs: int | None = None, rng: int = 0
) -> Path:
    """Train a small scGPT on log-normalised cells; its folder holds `args.json`, `vocab.json`, `best_model.pt` and a report."""
    start, chosen = time.process_time(), _size(size, SCGPT)
    generator, draw = torch.Generator().manual_seed(rng), np.random.default_rng(rng)
    levels = Levels.split(quantile_bins(_dense(adata), chosen.n_bins), draw)
    parts = folds(adata.n_vars, draw)
    args = {"embsize": chosen.width, "nheads": chosen.heads, "d_hid": chosen.hidden, "nlayers": chosen.layers}
    args |= {"n_bins": chosen.n_bins, "pad_token": "<pad>", "pad_value": -2, "mask_value": int(MASK_VALUE)}
    args |= {"input_style": "binned", "input_emb_style": "continuous", "MVC": True}
    vocabulary = {name: token for token, name in enumerate([*adata.var_names, *SPECIAL])}
    config = ScGPTConfig.of(args)
    trainee = _seeded(lambda: _ScGPTTrainee(config, vocabulary, levels.train), rng)
    history = train(
        trainee.loss,
        trainee.parameters(),
        levels.train,
        epochs=chosen.epochs if epochs is None else epochs,
        batch_size=chosen.batch_size,
        learning_rate=chosen.learning_rate,
        generator=generator,
        reads=chosen.reads,
    )
    trainee.finish()
    found = judge(hidden_values(trainee.predict, levels.validation, parts), levels, parts)
    path = _made(folder)
    (path / "args.json").write_text(json.dumps(args))
    (path / "vocab.json").write_text(json.dumps(vocabulary))
    torch.save(_released(trainee), path / "best_model.pt")
    return _report(path, found, history, trainee, start)


def train_gremln(
    adata: ad.AnnData, folder: str | Path, *, size: str | Size = "small", epochs: int | None = None, rng: int = 0
) -> Path:
    """Train a small GREmLN on log-normalised cells; its folder holds weights, vocabulary, the network of its training and a report."""
    start, chosen = time.process_time(), _size(size, GREMLN)
    generator, draw = torch.Generator().manual_seed(rng), np.random.default_rng(rng)
    X = _dense(adata)
    levels = Levels.split(ranks((X.expm1() * 100).log1p(), chosen.n_bins), draw)
    parts = folds(adata.n_vars, draw)
    names = ["<PAD>", "<MASK>", *adata.var_names, "<CLS>"]
    network = coexpression(levels.train, adata.var_names)
    edges = read_network(network, {name: i for i, name in enumerate(adata.var_names)}, signed=False)
    half = chosen.width // 2
    sizes = GREmLNSizes(
        len(names), chosen.n_bins + SPECIAL_RANKS, half, half, chosen.hidden, chosen.layers, chosen.heads
    )
    trainee = _seeded(lambda: _GREmLNTrainee(GREmLNModel(sizes), *edges), rng)
    history = train(
        trainee.loss,
        trainee.parameters(),
        levels.train,
        epochs=chosen.epochs if epochs is None else epochs,
        batch_size=chosen.batch_size,
        learning_rate=chosen.learning_rate,
        generator=generator,
        reads=chosen.reads,
    )
    trainee.eval()
    logits = hidden_values(trainee.logits, levels.validation, parts)
    found = judge(trainee.expected(logits), levels, parts) | _entropies(logits, levels, chosen.n_bins)
    path = _made(folder)
    pd.DataFrame({"gene_name": names, "idx": range(len(names))}).to_csv(path / "gene_vocab.csv", index=False)
    network.to_csv(path / "network.tsv", sep="\t", index=False)
    torch.save({"state_dict": trainee.model.state_dict()}, path / "model.ckpt")
    return _report(path, found | {"heads": chosen.heads}, history, trainee, start)


def load_scgpt(folder: str | Path, genes: pd.Index, **settings: object) -> ScGPT:
    """Read what `train_scgpt` wrote."""
    return ScGPT.from_checkpoint(folder, genes, **settings)


def load_gremln(folder: str | Path, genes: pd.Index, **settings: object) -> GREmLN:
    """Read what `train_gremln` wrote, with the network that it was trained with."""
    network = pd.read_csv(Path(folder) / "network.tsv", sep="\t")
    names = dict(zip(genes, genes, strict=True))
    heads = read_report(folder)["heads"]
    return GREmLN.from_checkpoint(folder, genes, ensembl=names, network=network, n_heads=heads, **settings)


def read_report(folder: str | Path) -> dict[str, object]:
    """Losses of validation cells, beside those of gene means and of a linear regression, and what training took."""
    return json.loads((Path(folder) / REPORT).read_text())


def coexpression(levels: Tensor, genes: pd.Index) -> pd.DataFrame:
    """Each gene and those that correlate with it most, in either sign; known to no network."""
    r = np.nan_to_num(np.corrcoef(levels.numpy().T + 0.0))
    np.fill_diagonal(r, 0)
    near = np.argsort(-np.abs(r), axis=1)[:, :NEIGHBOURS]
    table = {"source": np.repeat(np.asarray(genes), near.shape[1]), "target": np.asarray(genes)[near.ravel()]}
    return pd.DataFrame(table | {"weight": np.abs(np.take_along_axis(r, near, 1)).ravel()})


class _ScGPTTrainee(nn.Module):
    """The model that is loaded later, and the decoder that reads every gene from the cell token, which trains the token."""

    def __init__(self, config: ScGPTConfig, vocabulary: dict[str, int], levels: Tensor) -> None:
        super().__init__()
        d = config.embsize
        self.model = ScGPTModel(config, len(vocabulary))
        self.mvc_decoder = nn.ModuleDict({"gene2query": nn.Linear(d, d), "W": nn.Linear(d, d, bias=False)})
        self.pad_value, self.scale, self.shift = config.pad_value, float(levels.std()), float(levels.mean())
        self.tokens = torch.tensor([vocabulary["<cls>"], *range(levels.shape[1])])
        with torch.no_grad():
            for layer in self.model.transformer_encoder.layers:
                nn.init.xavier_uniform_(layer.self_attn.in_proj_weight)
                nn.init.zeros_(layer.self_attn.in_proj_bias)
                layer.self_attn.in_proj_weight[: 2 * config.embsize].mul_(_SHARPNESS)
            # Bins reach 50: the kinks of the value encoder are spread over them, and not all at the lowest.
            self.model.value_encoder.linear1.weight.mul_(5 / config.n_bins)
            # What a gene tells is how far it is from its mean. Starting there, with slow letters small enough to be moved, spares
            # hundreds of steps in which the model would know the means and nothing else.
            means = self.model.value_encoder(levels.mean(0))
            letters = self.model.encoder.embedding.weight
            letters.mul_(_LETTERS)[: len(means)] -= means
            letters.mul_(_SCALE)

    def read(self, levels: Tensor, masked: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        values, genes = torch.where(masked, MASK_VALUE, levels), self.tokens[1:][columns]
        hidden = self.model(torch.cat([self.tokens[:1], genes]), F.pad(values, (1, 0), value=self.pad_value))
        query = self.mvc_decoder["gene2query"](self.model.encoder(genes)).sigmoid()
        return self.model.decoder(hidden[:, 1:]), self.mvc_decoder["W"](hidden[:, 0]) @ query.T

    def loss(self, levels: Tensor, masked: Tensor, columns: Tensor) -> Tensor:
        by_gene, by_cell = self.read(levels, masked, columns)
        return ((by_gene - (levels - self.shift) / self.scale)[masked].square().mean()) + (
            by_cell - levels / self.scale
        )[masked].square().mean()

    @torch.no_grad()
    def finish(self) -> None:
        """Give the heads, which learned standardised bins, the units of bins."""
        last = self.model.decoder.fc[-1]
        last.weight.mul_(self.scale)
        last.bias.mul_(self.scale).add_(self.shift)
        self.mvc_decoder["W"].weight.mul_(self.scale)
        self.eval()

    def predict(self, levels: Tensor, masked: Tensor) -> Tensor:
        return self.read(levels, masked, torch.arange(levels.shape[1]))[0]


class _GREmLNTrainee(nn.Module):
    """The model that is loaded later, and the network that its queries diffuse along."""

    def __init__(self, model: GREmLNModel, edges: np.ndarray, weights: np.ndarray) -> None:
        super().__init__()
        self.model, self.edges, self.weights = model, edges, weights
        n = len(model.gene_embedding.weight)
        self.tokens = torch.tensor([n - 1, *range(2, n - 1)])
        self.whole = self.kernel(np.arange(n - 3))

    @torch.no_grad()
    def kernel(self, columns: np.ndarray) -> Tensor:
        """What diffusion among some genes does, as a matrix: short sequences take it faster than a sparse sum."""
        at = np.full(len(self.tokens) - 1, -1)
        at[columns] = np.arange(len(columns))
        edges = at[self.edges]
        known = (edges >= 0).all(0)
        diffusion = Diffusion(edges[:, known], self.weights[known], len(columns)).to(torch.float32)
        return diffusion(torch.eye(len(columns))[None], torch.ones(1, len(columns), dtype=torch.bool))[0]

    def logits(self, levels: Tensor, masked: Tensor, columns: Tensor | None = None) -> Tensor:
        if columns is None or len(columns) == len(self.whole):
            kernel, genes = self.whole, self.tokens[1:]
        else:
            kernel, genes = self.kernel(columns.numpy()), self.tokens[1:][columns]
        tokens = torch.cat([self.tokens[:1], genes])
        hidden = self.model(tokens, levels, torch.ones_like(masked), None, lambda q, _: kernel @ q, masked)
        return self.model.rank_prediction_head(hidden[:, 1:])

    def loss(self, levels: Tensor, masked: Tensor, columns: Tensor) -> Tensor:
        return F.cross_entropy(self.logits(levels, masked, columns)[masked], levels[masked].long())

    def expected(self, logits: Tensor) -> Tensor:
        n = self.model.n_bins
        return logits[..., :n].softmax(-1) @ torch.arange(n, dtype=logits.dtype)


def _entropies(logits: Tensor, levels: Levels, n_bins: int) -> dict[str, float]:
    """Cross-entropy of the model, and of how often each gene has each rank."""
    y = levels.validation.long()
    counts = torch.stack([(levels.train == rank).sum(0) for rank in range(n_bins)], -1).double() + 0.5
    marginal = (counts / counts.sum(-1, keepdim=True)).log().expand(len(y), -1, -1)
    found = {"model": logits.log_softmax(-1), "ranks of each gene": marginal}
    return {f"cross-entropy, {k}": float(-v.gather(-1, y[..., None]).mean()) for k, v in found.items()}


def _released(trainee: _ScGPTTrainee) -> dict[str, Tensor]:
    """Weights under the names of the released files."""
    own = {name.replace("in_proj_", "Wqkv."): value for name, value in trainee.model.state_dict().items()}
    return own | {f"mvc_decoder.{name}": value for name, value in trainee.mvc_decoder.state_dict().items()}


def _seeded(make, seed: int):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _size(size: str | Size, known: dict[str, Size]) -> Size:
    return known[size] if isinstance(size, str) else size


def _dense(adata: ad.AnnData) -> Tensor:
    X = adata.X.toarray() if hasattr(adata.X, "toarray") else np.asarray(adata.X)
    return torch.as_tensor(X, dtype=torch.float32)


def _made(folder: str | Path) -> Path:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _report(path: Path, found: dict[str, float], history: list[float], trainee: nn.Module, start: float) -> Path:
    n = sum(parameter.numel() for parameter in trainee.parameters())
    report = found | {"s": time.process_time() - start, "parameters": n, "history": history}
    (path / REPORT).write_text(json.dumps(report, indent=1))
    return path
