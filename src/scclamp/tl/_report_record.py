"""Parts of a report that keep it honest and repeatable: limits, settings, versions."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from scclamp._digest import digest_text, dump_json
from scclamp._keys import CONTROL, SEPARATOR
from scclamp.tl._report_page import Section, facts, folded, say, subtitle

if TYPE_CHECKING:
    from scclamp.tl._report_source import Source

_PACKAGES = (
    "scclamp",
    "anndata",
    "scanpy",
    "numpy",
    "scipy",
    "pandas",
    "torch",
    "matplotlib",
    "mudata",
    "decoupler",
    "scvi-tools",
)
_ALWAYS = (
    "Only perturbed genes can be regulators: an edge from any other gene is not in this network because it was never asked for.",
    "An edge may stand for a chain of genes that were not perturbed, or not measured.",
    "The weight of a gene on itself is not informed by its own perturbation and is left out of all rankings.",
    "Correlations of residuals reward every prediction that shrinks; read them beside the nulls, never alone.",
)


def limits_section(source: Source) -> Section:
    """What this network cannot say, in general and here."""
    lines = list(_ALWAYS)
    conditions = source.result.conditions
    cells = np.asarray(conditions["train_n"])
    few = [
        name
        for name, n in zip(source.names, cells, strict=True)
        if n < 30 and name != CONTROL and SEPARATOR not in name
    ]
    if few:
        shown = ", ".join(few[:8]) + (" ..." if len(few) > 8 else "")
        lines.append(
            f"{len(few)} perturbations have fewer than 30 training observations ({shown}): their edges are noisy."
        )
    if source.result.A_sd is None:
        lines.append(
            "This fit has one member, so that its weights come without an uncertainty. Fit with `scclamp fit --seeds 5` (in Python "
            "n_seeds=5) to get one."
        )
    if not any(SEPARATOR in name for name in source.names):
        lines.append("No combination was observed, so that nothing here tests predictions of combinations.")
    items = "\n".join(say(line) for line in lines)
    return Section("What this cannot say", items)


def record_section(source: Source) -> Section:
    """Settings, digest and versions."""
    params = source.result.params
    versions = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    record = {
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "stored under": source.key,
        "encoder": params.get("encoder", "identity"),
        "split": params.get("split", "none"),
        "digest of the fit": digest_text(dump_json(source.result.digests)),
    }
    parts = [
        facts(record),
        folded("All settings", json.dumps(params, indent=2)),
        subtitle("Session"),
        facts(versions),
    ]
    return Section("How it was made", "\n".join(parts))
