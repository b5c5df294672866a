"""From what a user passes as `predictors=` to predictors, and to what decides their answers."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from scclamp._digest import digest_names, digest_value
from scclamp._errors import InputError
from scclamp.conditions import Conditions
from scclamp.encoders import Encoder
from scclamp.predictors import Predictor, create

_PARTS = {
    "name": "the text `name = 'mine'`",
    "fit": "the method `def fit(self, conditions, *, rng=None): ...; return self`",
    "predict": "the method `def predict(self, targets): ...`, which returns targets x genes",
    "lacks": "the method `def lacks(self, target): return ()`, the genes of a target about which it learned nothing",
}
Predictors = str | Predictor | Sequence[str | Predictor] | Mapping[str, str | Predictor]


def read_predictors(predictors: Any) -> dict[str, Predictor]:
    """Predictors by the name under which they are reported: copies, so that those of the user are not fitted.

    Examples
    --------
    >>> from scclamp.predictors import DenoisedAdditive
    >>> read_predictors(["additive", DenoisedAdditive(penalty=1.0)])
    {'additive': Additive(), 'denoised_additive': DenoisedAdditive(penalty=1.0)}
    >>> read_predictors({"weak": DenoisedAdditive(penalty=1.0)})
    {'weak': DenoisedAdditive(penalty=1.0)}
    """
    if isinstance(predictors, str | Predictor) or not isinstance(predictors, Iterable):
        predictors = [predictors]
    if isinstance(predictors, Mapping):
        pairs = [(name, _read(each, f"predictors[{name!r}]")) for name, each in predictors.items()]
    else:
        read = [_read(each, f"predictors[{i}]") for i, each in enumerate(predictors)]
        pairs = [(each.name, each) for each in read]
    found: dict[str, Predictor] = {}
    for name, each in pairs:
        if not isinstance(name, str) or not name or "/" in name:
            raise InputError(f"predictors has the name {name!r}. Names are texts without '/'.")
        if name in found:
            msg = f"predictors names {name!r} twice. Pass a mapping from names of your own to predictors."
            raise InputError(msg)
        found[name] = each
    if not found:
        raise InputError("predictors is empty. Name at least one, or leave it out.")
    return found


def settings_of(predictor: Predictor) -> str:
    """Text that differs whenever the settings of two predictors do.

    Examples
    --------
    >>> from scclamp.predictors import Clamp, LinearPCA
    >>> settings_of(LinearPCA())
    'LinearPCA(n_components=10, penalty=0.1)'
    >>> settings_of(Clamp()) == settings_of(Clamp(n_seeds=2))
    False
    """
    return _describe(predictor)


def _read(each: Any, where: str) -> Predictor:
    if isinstance(each, str):
        return create(each)
    if isinstance(each, type):
        raise InputError(f"{where}={each!r} is a class. Pass an instance, such as {each.__name__}().")
    missing = [part for part in ("fit", "predict", "lacks") if not callable(getattr(each, part, None))]
    if not isinstance(getattr(each, "name", None), str):
        missing.insert(0, "name")
    if missing:
        parts = ", ".join(_PARTS[part] for part in missing)
        raise InputError(
            f"{where}={each!r} is no predictor: it lacks {parts}. Add it, or pass a name in scclamp.predictors.REGISTRY."
        )
    return copy.deepcopy(each)


def _describe(value: Any) -> str:
    if isinstance(value, Conditions):
        arrays = (value.train_mean, value.train_n, value.clamp_mask, value.clamp_values)
        return digest_names([*value.genes, *value.names, *map(digest_value, arrays)])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [f"{f.name}={_describe(getattr(value, f.name))}" for f in dataclasses.fields(value)]
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, np.ndarray):
        return digest_value(value)
    if isinstance(value, Encoder):
        return f"{value.name}-{value.fingerprint()}"
    text = repr(value)
    if " at 0x" in text:
        raise InputError(
            f"predictors: {text} does not say what its settings are, and a checkpoint could not tell it from others. Make it a "
            "dataclass, or give it a __repr__ that names them."
        )
    return text
