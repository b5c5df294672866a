"""scVI as a lens: states of the panel, as counts of a typical cell, become the mean of their latent distribution."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from scclamp._errors import InputWarning, list_some
from scclamp.encoders._depth import counts_per_unit
from scclamp.encoders._encoder import digest
from scclamp.encoders._frozen import Frozen, placed
from scclamp.encoders._genes import map_genes
from scclamp.encoders._scvi_files import Trained
from scclamp.encoders._scvi_map import SCVIMap

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from torch import Tensor


class SCVI(Frozen[SCVIMap]):
    """The latent mean of a trained scVI model (Lopez et al., 2018), differentiable through the counts.

    States are read as counts of a cell with `depth` counts, ``expm1(x) * depth / target_sum``, and as a cell of one batch. The
    lens is the mean of the latent distribution, which is what ``model.get_latent_representation()`` returns; where the latent
    variable is logistic normal (`latent_distribution="ln"`), that mean is a sum over 256 fixed points.

    The lens is a frozen copy in plain layers of torch: the model keeps its mode, its place and its gradients, and a pickled lens
    is read without scvi-tools. An encoding is as cheap as a state is large, so that there are no batches of states.

    Parameters
    ----------
    model
        A trained `scvi.model.SCVI` without covariates other than batches; :meth:`from_saved` takes one from disk.
    genes
        The panel, in its order, named as in the model. Genes of the model that the panel lacks have no counts, with a warning:
        a model that was trained on the panel itself is the one to be trusted.
    depth
        Counts of a typical cell over its full transcriptome, such as the median of `obs["n_counts_total"]` of `pp.recipe`; the
        sum over a panel is not it.
    target_sum
        Sum that cells were normalised to.
    batch
        Batch that states are read as; needed where the model knows several.
    aliases
        Gene of the model by gene of the panel, where you know better.
    name
        Short name for records.
    dtype, device
        Precision and place of the lens.

    Raises
    ------
    InputError
        When the model is not trained, has covariates or is of another class, when the batch is not clear, or when it knows too
        few genes of the panel.

    Examples
    --------
    Train on counts of the panel, and fit through the model::

        scvi.model.SCVI.setup_anndata(adata, layer="counts")
        model = scvi.model.SCVI(adata)
        model.train()
        lens = sc_c.encoders.SCVI(model, adata.var_names, depth=adata.obs["n_counts_total"].median())
        sc_c.tl.fit(adata, encoder=lens)
    """

    input = "counts"

    def __init__(
        self,
        model: Any,
        genes: Sequence[str],
        *,
        depth: float,
        target_sum: float = 1e4,
        batch: object = None,
        aliases: Mapping[str, str] | None = None,
        name: str | None = None,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        scale = counts_per_unit(depth, target_sum)
        trained = model if isinstance(model, Trained) else Trained.of(model)
        code = trained.batch(batch)
        self.name = name or "scvi"
        self.batch = trained.batches[code]
        mapping = map_genes(genes, {gene: i for i, gene in enumerate(trained.genes)}, aliases)
        known = set(mapping.tokens.tolist())
        self.absent = tuple(gene for i, gene in enumerate(trained.genes) if i not in known)
        if self.absent:
            warnings.warn(
                f"genes: the panel lacks {len(self.absent)} of the {len(trained.genes)} genes that the model reads: "
                f"{list_some(self.absent)}. They count as not expressed, which no cell of its training was. Train a model on the "
                "panel, where you can.",
                InputWarning,
                stacklevel=3 if trained is model else 2,
            )
        function = SCVIMap.of(trained.module, mapping, batch=code, scale=scale)
        super().__init__(placed(function, dtype, device), mapping, batch_size=None)

    @classmethod
    def from_saved(
        cls,
        path: str | os.PathLike[str],
        genes: Sequence[str],
        *,
        depth: float,
        target_sum: float = 1e4,
        batch: object = None,
        aliases: Mapping[str, str] | None = None,
        name: str | None = None,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Self:
        """Read what `model.save` wrote; the cells that it was trained on are not needed, and no code in the file is run.

        Parameters
        ----------
        path
            Folder that the model was saved to, or its file where it has a prefix.
        genes, depth, target_sum, batch, aliases, name, dtype, device
            As for a model in memory.

        Raises
        ------
        InputError
            As for a model in memory.
        StorageError
            When the file is missing, damaged or no model of scvi-tools, or holds options that cannot be read without running
            code; such a model is loaded by scvi-tools and passed as an object.
        """
        return cls(
            Trained.read(path),
            genes,
            depth=depth,
            target_sum=target_sum,
            batch=batch,
            aliases=aliases,
            name=name,
            dtype=dtype,
            device=device,
        )

    @property
    def gene_embeddings(self) -> np.ndarray:
        """Loadings of the panel's genes in the decoder's last layer (genes, hidden); NaN for genes that the model does not know.

        The layer ends in shares of a whole, which do not change when all genes gain the same: loadings are centred over genes.
        """
        loadings = self.function.loadings().double()
        return self._over_panel(loadings - loadings.mean(0))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Log-normalised expression (..., genes) that the model expects; NaN for genes that it does not know.

        The model says how the counts of a cell are shared out among its genes (`px_scale`). Those shares are taken among the
        genes that the panel has too, and divide what these genes have in `x` together: ``log1p(share * sum(expm1(x)))``. The total
        is the state's own, as the library size of a cell is in scVI, so that `depth` and `target_sum` cancel. Where the panel
        has all genes of the model, shares are ``model.get_normalized_expression()`` at the latent mean, without drop-out.
        """
        return self._in_batches(self.function.reconstruct, x)

    def fingerprint(self) -> str:
        """Digest of weights, layers, genes, depth and batch."""
        return digest(super().fingerprint(), self.batch, *self.mapping.genes)
