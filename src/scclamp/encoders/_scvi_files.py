"""A trained scVI model, from memory or from the file that it was saved to, which is read without running any code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from scclamp._errors import InputError, StorageError, did_you_mean, list_some
from scclamp.encoders._released import released_file
from scclamp.encoders._unread import Unread, read_file
from scclamp.encoders._weights import fit_state

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from torch import nn

_FILE = "model.pt"
_ELSE = "load it by scvi.model.SCVI.load and pass the model: SCVI(model, genes, depth=...)"
_COVARIATES = {"extra_categorical_covs": "categorical", "extra_continuous_covs": "continuous"}


@dataclass(frozen=True, eq=False)
class Trained:
    """What a lens needs of a trained model.

    Parameters
    ----------
    module
        The network, a `scvi.module.VAE`.
    genes
        Names of its input.
    batches
        Names of the batches that it was trained on.
    """

    module: nn.Module
    genes: tuple[str, ...]
    batches: tuple[str, ...]

    @classmethod
    def of(cls, model: Any) -> Self:
        """Take it from a model in memory, which is left as it is."""
        scvi = require_scvi()
        if not isinstance(model, scvi.model.SCVI):
            raise InputError(
                f"model={type(model).__name__} is no scvi.model.SCVI. Pass one, wrap another model by as_encoder, or read a "
                "saved one by SCVI.from_saved."
            )
        if type(model.module) is not scvi.module.VAE:
            raise InputError(
                f"model holds a {type(model.module).__name__}, not the VAE of scvi-tools. Train it first, or wrap the map of a "
                "module of your own by as_encoder."
            )
        return cls(model.module, *_described(model.registry, model.is_trained))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read it from the folder, or the file, that `model.save` wrote."""
        scvi = require_scvi()
        file = _file(path)
        found = read_file(file, _ELSE)
        content = found if isinstance(found, dict) else {}
        try:
            attributes, tensors = content["attr_dict"], dict(content["model_state_dict"])
            registry, own = attributes["registry_"], attributes["init_params_"]
            genes, batches = _described(registry, attributes["is_trained_"])
            options = {**own["non_kwargs"], **{k: v for group in own["kwargs"].values() for k, v in group.items()}}
            sizes = {"n_batch": len(batches), "n_labels": _field(registry, "labels")["summary_stats"]["n_labels"]}
            options["use_size_factor_key"] = bool(registry["setup_args"].get("size_factor_key"))
        except (AttributeError, KeyError, TypeError) as error:
            raise StorageError(
                f"path={str(path)!r} is no model that scvi-tools saved ({error!r}). Save the model anew by model.save."
            ) from error
        _require_read(file, options)
        tensors.pop("pyro_param_store", None)
        if not options.get("use_observed_lib_size", True):
            options |= {name: np.zeros((1, len(batches))) for name in ("library_log_means", "library_log_vars")}
        try:
            # Its weights are drawn before they are read.
            with torch.random.fork_rng(devices=[]):
                module = scvi.module.VAE(len(genes), **sizes, **options)
        except (TypeError, ValueError) as error:
            raise StorageError(
                f"path={str(path)!r} was saved by scvi-tools {registry.get('scvi_version')}, and scvi-tools {scvi.__version__} "
                f"cannot build it: {error}. Install the version that saved it."
            ) from error
        fit_state(module, tensors)
        return cls(module, genes, batches)

    def batch(self, name: object) -> int:
        """Position of a batch by its name; None is the only one."""
        if name is None and len(self.batches) == 1:
            return 0
        if name is None or str(name) not in self.batches:
            near = "" if name is None else did_you_mean(str(name), self.batches)
            raise InputError(
                f"batch={name!r} is not one of the {len(self.batches)} batches of the model, {list_some(self.batches, 20)}.{near} "
                "Name the one that states are read as."
            )
        return self.batches.index(str(name))


def require_scvi() -> Any:
    """Import scvi-tools, or say how to get it."""
    try:
        import scvi
    except ImportError as error:
        raise InputError("encoder='scvi' needs scvi-tools. Install scclamp[scvi].") from error
    return scvi


def _described(registry: Mapping[str, Any], trained: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Genes and batches of a model that can be read, by its registry."""
    if registry["model_name"] != "SCVI":
        raise InputError(f"model is a {registry['model_name']}, no SCVI. Wrap the map of its module by as_encoder.")
    if not trained:
        raise InputError("model has not been trained. Call model.train() first.")
    for key, kind in _COVARIATES.items():
        if n := registry["field_registries"].get(key, {}).get("summary_stats", {}).get(f"n_{key}", 0):
            raise InputError(
                f"model was trained with {n} {kind} covariates beside its batches, which no state of a fit has. Train it with "
                "batch_key alone, or wrap a map that fills them in by as_encoder."
            )
    genes = tuple(str(name) for name in _field(registry, "X")["state_registry"]["column_names"])
    if twice := [gene for gene, n in Counter(genes).items() if n > 1]:
        raise InputError(f"model knows {list_some(twice)} more than once. Train it on genes with unique names.")
    return genes, tuple(str(name) for name in _field(registry, "batch")["state_registry"]["categorical_mapping"])


def _field(registry: Mapping[str, Any], name: str) -> Any:
    return registry["field_registries"][name]


def _file(path: str | os.PathLike[str]) -> Path:
    given = Path(path).expanduser()
    file = given / _FILE if given.is_dir() else given
    if not file.is_file():
        beside = sorted(p.name for p in file.parent.iterdir()) if file.parent.is_dir() else []
        raise StorageError(
            f"path={str(path)!r} has no {_FILE}; there is {', '.join(beside) or 'nothing'}. Pass the folder that model.save "
            "wrote, or the file itself where it has a prefix; one of scvi-tools before 0.15 is converted by "
            "scvi.model.SCVI.convert_legacy_save."
        )
    return released_file(file)


def _require_read(file: Path, options: Mapping[str, Any]) -> None:
    for path, value in _leaves(options):
        kind = value if isinstance(value, type) else type(value)
        if issubclass(kind, Unread):
            raise StorageError(
                f"path={str(file)!r} holds {path}={kind.__name__}, and reading it could run code. Where you trust it, {_ELSE}."
            )


def _leaves(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
