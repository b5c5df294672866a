"""A small scGPT in training: binned values of which some are masked, read by each gene and by the cell."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.masked_training import Levels, Size
from scclamp.encoders._binning import quantile_bins
from scclamp.encoders._scgpt_model import ScGPTConfig, ScGPTModel

MASK_VALUE = -1.0
SPECIAL = ("<pad>", "<cls>", "<eoc>")
_LETTERS, _SCALE, _SHARPNESS = 0.2, 0.1, 3.0


class ScGPTTrainee(nn.Module):
    """The model that is loaded later, and the decoder that reads every gene from the cell token, which trains the token."""

    levels_of = staticmethod(quantile_bins)

    def __init__(self, size: Size, genes: pd.Index, levels: Tensor) -> None:
        super().__init__()
        d = size.width
        self.args = {"embsize": d, "nheads": size.heads, "d_hid": size.hidden, "nlayers": size.layers}
        self.args |= {"n_bins": size.n_bins, "pad_token": "<pad>", "pad_value": -2, "mask_value": int(MASK_VALUE)}
        self.args |= {"input_style": "binned", "input_emb_style": "continuous", "MVC": True}
        self.vocabulary = {name: token for token, name in enumerate([*genes, *SPECIAL])}
        self.model = ScGPTModel(ScGPTConfig.of(self.args), len(self.vocabulary))
        self.mvc_decoder = nn.ModuleDict({"gene2query": nn.Linear(d, d), "W": nn.Linear(d, d, bias=False)})
        self.scale, self.shift = float(levels.std()), float(levels.mean())
        self._begin(levels.mean(0))

    @torch.no_grad()
    def _begin(self, means: Tensor) -> None:
        for layer in self.model.transformer_encoder.layers:
            attention = layer.self_attn
            nn.init.xavier_uniform_(attention.in_proj_weight)
            nn.init.zeros_(attention.in_proj_bias)
            # Attention that is spread evenly sees only the mean of a cell, and is slow to leave it.
            attention.in_proj_weight[: 2 * len(attention.out_proj.weight)].mul_(_SHARPNESS)
        # Bins reach 50: the kinks of the value encoder are spread over them, and not all at the lowest.
        self.model.value_encoder.linear1.weight.mul_(5 / self.args["n_bins"])
        # What a gene tells is how far it is from its mean. Starting there, with letters small enough to be moved, spares hundreds
        # of steps in which the model would know the means and nothing else.
        letters = self.model.encoder.embedding.weight
        letters.mul_(_LETTERS)[: len(means)] -= self.model.value_encoder(means)
        letters.mul_(_SCALE)

    def read(self, levels: Tensor, masked: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Values of genes (cells, genes) by each of them, and by the cell token."""
        tokens = F.pad(columns, (1, 0), value=self.vocabulary["<cls>"])
        values = F.pad(torch.where(masked, MASK_VALUE, levels), (1, 0), value=float(self.args["pad_value"]))
        hidden = self.model(tokens, values)
        query = self.mvc_decoder["gene2query"](self.model.encoder(columns)).sigmoid()
        return self.model.decoder(hidden[:, 1:]), self.mvc_decoder["W"](hidden[:, 0]) @ query.T

    def loss(self, levels: Tensor, masked: Tensor, columns: Tensor) -> Tensor:
        """Squared errors of both at the genes that are masked, in standard deviations of bins."""
        by_gene, by_cell = self.read(levels, masked, columns)
        wanted = (levels - self.shift) / self.scale, levels / self.scale
        return sum(F.mse_loss(found[masked], y[masked]) for found, y in zip((by_gene, by_cell), wanted, strict=True))

    @torch.no_grad()
    def finish(self) -> None:
        """Give the heads, which learned standardised bins, the units of bins."""
        last = self.model.decoder.fc[-1]
        last.weight.mul_(self.scale)
        last.bias.mul_(self.scale).add_(self.shift)
        self.mvc_decoder["W"].weight.mul_(self.scale)
        self.eval()

    def answer(self, levels: Tensor, masked: Tensor) -> Tensor:
        """Bins that each gene is believed to have."""
        return self.read(levels, masked, torch.arange(levels.shape[1]))[0]

    def values(self, answers: Tensor) -> Tensor:
        """Bins, which the answers are."""
        return answers

    def figures(self, answers: Tensor, levels: Levels) -> dict[str, float]:
        """Nothing beside the squared error."""
        return {}

    def write(self, folder: Path) -> None:
        """Write the files of a release; heads that were not trained are left out."""
        (folder / "args.json").write_text(json.dumps(self.args))
        (folder / "vocab.json").write_text(json.dumps(self.vocabulary))
        own = {name.replace("in_proj_", "Wqkv."): value for name, value in self.model.state_dict().items()}
        own |= {f"mvc_decoder.{name}": value for name, value in self.mvc_decoder.state_dict().items()}
        torch.save(own, folder / "best_model.pt")
