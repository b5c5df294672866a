"""The network of Geneformer (Theodoris et al., 2023): BERT, with a gene for a word and its rank for the place of the word."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from torch import nn
from torch.nn import functional as F

from scclamp._errors import InputError
from scclamp.encoders._attention import attend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_FIXED = {"model_type": "bert", "position_embedding_type": "absolute", "is_decoder": False}


@dataclass(frozen=True)
class GeneformerConfig:
    """What `config.json` says of a checkpoint, by its own names.

    Parameters
    ----------
    vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, max_position_embeddings
        Tokens, width, layers, attention heads, width of the feed-forward layers, places of a sequence.
    type_vocab_size
        Kinds of token, of which Geneformer uses the first.
    hidden_act
        What the feed-forward layers bend by.
    layer_norm_eps
        Added to variances.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Take what is needed, and refuse a model of another kind; what is left out is as BERT has it."""
        for name, wanted in _FIXED.items():
            if (given := content.get(name, wanted)) != wanted:
                raise InputError(
                    f"checkpoint: {name}={given!r} in its config.json, but only {wanted!r} can be used, as in every release of "
                    "Geneformer. Check that the folder holds Geneformer."
                )
        taken = {field.name: content[field.name] for field in fields(cls) if field.name in content}
        sizes = {"type_vocab_size": 2} | dict.fromkeys(_SIZES) | taken
        if wrong := [name for name in (*_SIZES, "type_vocab_size") if not _is_size(sizes[name])]:
            raise InputError(
                f"checkpoint: config.json has no positive whole number for {', '.join(wrong)}. Download it anew, or check that "
                "it is the config.json of Geneformer."
            )
        config = cls(**taken)
        if config.hidden_size % config.num_attention_heads:
            raise InputError(
                f"checkpoint: hidden_size={config.hidden_size} in config.json is no multiple of "
                f"num_attention_heads={config.num_attention_heads}. Check the file."
            )
        if config.hidden_act not in _ACTIVATIONS or not isinstance(config.layer_norm_eps, float):
            raise InputError(
                f"checkpoint: hidden_act={config.hidden_act!r} and layer_norm_eps={config.layer_norm_eps!r} in config.json must "
                f"be one of {', '.join(map(repr, _ACTIVATIONS))} and a number. Check the file."
            )
        return config


class GeneformerModel(nn.Module):
    """Tokens and embeddings of their places to hidden states; weights are named as in the released files.

    Parameters
    ----------
    config
        Sizes.
    """

    def __init__(self, config: GeneformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = _Stack(config)

    def forward(self, tokens: Tensor, places: Tensor, present: Tensor, *, n_layers: int) -> Tensor:
        """Hidden states (cells, tokens, d) after some layers.

        Parameters
        ----------
        tokens
            Token of each place, of all cells (tokens,) or of each (cells, tokens).
        places
            Embedding of each place (cells, tokens, d).
        present
            Which tokens a cell attends to (cells, tokens).
        n_layers
            Layers to pass; 0 for the embeddings themselves.
        """
        x = self.embeddings(tokens, places)
        mask = None if bool(present.all()) else present[:, None, None, :]
        for layer in self.encoder.layer[:n_layers]:
            x = layer(x, mask)
        return x

    def extra_repr(self) -> str:
        """Settings that weights do not tell."""
        return str(self.config)


class _Embeddings(nn.Module):
    def __init__(self, config: GeneformerConfig) -> None:
        super().__init__()
        d = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, d)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, d)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, d)
        self.LayerNorm = nn.LayerNorm(d, config.layer_norm_eps)

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        return self.LayerNorm(self.word_embeddings(tokens) + self.token_type_embeddings.weight[0] + places)


class _Stack(nn.Module):
    def __init__(self, config: GeneformerConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))


class _Layer(nn.Module):
    """Attention and a feed-forward layer, each added and then normalised."""

    def __init__(self, config: GeneformerConfig) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Dense(config.hidden_size, config.intermediate_size)
        self.output = _Residual(config.intermediate_size, config)
        self.bend = _ACTIVATIONS[config.hidden_act]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.attention(x, mask)
        return self.output(self.bend(self.intermediate.dense(x)), x)


class _Attention(nn.Module):
    def __init__(self, config: GeneformerConfig) -> None:
        super().__init__()
        d, self.heads = config.hidden_size, config.num_attention_heads
        self.query, self.key, self.value = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.output = _Residual(d, config)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        return self.output(attend(q, k, v, mask).transpose(1, 2).flatten(-2), x)


class _Dense(nn.Module):
    def __init__(self, d: int, to: int) -> None:
        super().__init__()
        self.dense = nn.Linear(d, to)


class _Residual(nn.Module):
    """A linear layer whose output is added to what came before, and normalised."""

    def __init__(self, d: int, config: GeneformerConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(d, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(x) + before)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
