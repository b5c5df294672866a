"""Messages of the package speak of Python's arguments; here they are brought to the options of a command."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

_VALUE = r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|[\w.+-]*\w"
_CALLS = (
    (
        r"See uns\[\.\.\.\]\['diagnostics'\]; lower learning_rate or max_radius",
        "Fit with a lower --set max_radius= or learning_rate=",
    ),
    (r"lower max_radius=", "lower --set max_radius="),
    (r"layer=None \(X\)", "X"),
    (r"(?:scclamp\.)?tl\.fit\((\w+=[^()]*)\)", r"\1"),
    (r"scclamp\.tl\.(fit|evaluate)\(adata\)", r"`scclamp \1`"),
    (r"scclamp\.tl\.(fit|evaluate)\b", r"`scclamp \1`"),
    (r"(?<![\w.])tl\.fit\b", "`scclamp fit`"),
    (r"(?:scclamp\.)?settings\.max_memory=", "--max-memory "),
    (r"(?:scclamp\.)?settings\.max_memory\b", "--max-memory"),
    (r"([Ll]eave) (\w+)=None", r"\1 out \2="),
    (r"^\w+=None: |^unmeasured='error': ", ""),
    (r"^clamps\[\d+\]=", ""),
    (r"give the key of a fit", "give its --key"),
    (r" \(anndata\.concat [^)]*\)", ""),
    (r"\badata\.(?=obs|var|layers|uns|raw)", ""),
    (r"(?<=joined by single '\+')", ", without spaces"),
    (r"(?<!\()\badata\b", "the file"),
    (r"scclamp\.tl\.benchmark\(adata, splits='(\w+)'\)", r"`scclamp benchmark --splits \1`"),
    (r"(Pass the screen with its combinations(?: and their singles)?)", r"\1 as --screen"),
    (r"[Ss]et var_names from it, and call pp\.perturbations again", "pass it as --gene-names"),
)


def to_options(message: str, words: Mapping[str, str]) -> str:
    """Write arguments as the options of a command, and calls as commands.

    Parameters
    ----------
    message
        What a function of the package says.
    words
        Option by the name of the argument; an empty one is left out, and one that ends in = is followed by its value.

    Examples
    --------
    >>> to_options("Pass unmeasured='latent', or control=.", {"unmeasured": "--unmeasured", "control": "--control"})
    'Pass --unmeasured latent, or --control.'
    """
    recipe = "Pass --recipe" if "n_top_genes" in words else "Pass what `scclamp fit --recipe` wrote"
    message = message.replace("Call scclamp.pp.recipe(adata) first", recipe)
    for pattern, replacement in _CALLS:
        message = re.sub(pattern, replacement, message)
    if words:
        names = "|".join(sorted(map(re.escape, words), key=len, reverse=True))

        def write(found: re.Match[str]) -> str:
            return _write(words[found[1]], found[2])

        message = re.sub(rf"^({names})(?=: )", lambda found: words[found[1]] or found[1], message)
        message = re.sub(rf"(?<![\w.-])({names})=({_VALUE})?", write, message)
    return re.sub(r"^[a-z]+(?= )", lambda word: word[0].capitalize(), message)


def _write(option: str, value: str | None) -> str:
    if not value or not option:
        return value or option.removesuffix("=")
    try:
        read: Any = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        read = value
    if read is None:
        return f"no {option}"
    if isinstance(read, bool):
        return option if read else f"--no-{option.removeprefix('--')}"
    if isinstance(read, Mapping):
        read = [f"{name}={meaning}" for name, meaning in read.items()]
    many = read if isinstance(read, Iterable) and not isinstance(read, str) else [read]
    start = option if option.endswith("=") else f"{option} "
    return " ".join(f"{start}{shlex.quote(str(each))}" for each in many) or option
