"""Lenses: differentiable encoders through which predicted and observed states are compared."""

from scclamp.encoders._cache import Cached, cached
from scclamp.encoders._check import check, quick_check
from scclamp.encoders._encoder import Encoder
from scclamp.encoders._geneformer import Geneformer
from scclamp.encoders._genes import GeneMapping
from scclamp.encoders._gremln import GREmLN
from scclamp.encoders._identity import Identity
from scclamp.encoders._look import look_through, look_twice
from scclamp.encoders._panel import require_panel
from scclamp.encoders._pca import PCA
from scclamp.encoders._report import Report
from scclamp.encoders._resolve import affine_means, encoded_means, resolve
from scclamp.encoders._rows import placement
from scclamp.encoders._scgpt import ScGPT
from scclamp.encoders._scprint import ScPRINT
from scclamp.encoders._scvi import SCVI
from scclamp.encoders._trial import require_differentiable
from scclamp.encoders._wrap import Wrapped, as_encoder

__all__ = [
    "PCA",
    "SCVI",
    "Cached",
    "Encoder",
    "GREmLN",
    "GeneMapping",
    "Geneformer",
    "Identity",
    "Report",
    "ScGPT",
    "ScPRINT",
    "Wrapped",
    "affine_means",
    "as_encoder",
    "cached",
    "check",
    "encoded_means",
    "look_through",
    "look_twice",
    "placement",
    "quick_check",
    "require_differentiable",
    "require_panel",
    "resolve",
]
