"""A simulated Perturb-seq screen with a known network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scclamp._arguments import read_rng
from scclamp._errors import InputError
from scclamp._keys import PERTURBATION
from scclamp.datasets._counts import draw_counts, draw_library_sizes, log_normalise
from scclamp.datasets._simulation_config import SimulationConfig, configure
from scclamp.datasets._truth_network import TruthNetwork, draw_network
from scclamp.datasets._truth_states import Design, make_design, solve


def simulated(
    preset: Literal["tiny", "demo", "norman_like"] = "demo",
    *,
    n_genes: int | None = None,
    n_regulators: int | None = None,
    n_unmeasured: int | None = None,
    n_cells_per_condition: int | None = None,
    n_control_cells: int | None = None,
    combinations: Literal["all"] | int | Sequence[str] | None = None,
    mode: Literal["CRISPRa", "CRISPRi"] | None = None,
    dose: float | None = None,
    strength: float | None = None,
    density: float | None = None,
    core_degree: float | None = None,
    core_strength: float | None = None,
    activating: float | None = None,
    feedback: float | None = None,
    n: float | None = None,
    K: float | None = None,
    gamma: float | None = None,
    library_size: float | None = None,
    library_spread: float | None = None,
    target_sum: float | None = None,
    dispersion: float | None = None,
    dropout: float | None = None,
    rng: int | np.random.Generator | None = 0,
) -> ad.AnnData:
    """Simulate a Perturb-seq screen whose regulatory network is known.

    A sparse signed network with a power-law out-degree and feedback loops among its regulators is drawn such that
    every clamped steady state exists, is unique and is positive. Control, all single perturbations and the chosen
    combinations are solved to steady state; cells are negative-binomial counts around those states. Cells of one
    condition differ by that sampling alone, so that genes are correlated across conditions but not within one.

    States live on the scale of `X`: ``log1p`` of expression per `target_sum` transcripts. The panel is part of a larger
    transcriptome of constant size, so a perturbation does not dilute the other genes. The mean of `X` over cells lies
    below the true state, since the logarithm is concave, by about
    ``(m target_sum / library_size + dispersion m^2) / (2 (1 + m)^2)`` at ``m = expm1(state)``; deep libraries and a
    small dispersion make it small, and most of it cancels in shifts from control: on average -0.03 in ``"tiny"`` and
    ``"demo"`` and -0.13 in ``"norman_like"``, where observed shifts still have slope 1.0 on the true ones.

    Parameters
    ----------
    preset
        Where settings that are None come from: ``"tiny"`` (60 genes, 8 regulators, 6 doubles), ``"demo"`` (500, 24, 40),
        or ``"norman_like"`` (2,553, 102, 129, with the depth of Norman 2019).
    n_genes, n_regulators
        Size of the network; the regulators are genes too, and all of them are perturbed.
    n_unmeasured
        Number of regulators that act but are left out of the panel.
    n_cells_per_condition, n_control_cells
        Cells of each perturbation and of the control.
    combinations
        ``"all"`` doubles, a number of doubles to sample, or labels such as ``["REG1+REG2", "REG1+REG2+REG3"]``.
    mode
        ``"CRISPRa"`` clamps a regulator above its control level, ``"CRISPRi"`` below it.
    dose
        Mean rise on the log1p scale (CRISPRa, default 1.5) or share of transcripts removed (CRISPRi, default 0.85).
    strength
        Mean absolute weight of an edge, before scaling for positivity and stability.
    density
        Mean share of all genes that a regulator targets.
    core_degree
        Mean number of regulators that act on a regulator, roughly.
    core_strength
        Factor of the weights on regulators; more of it makes more indirect effects.
    activating
        Share of positive edges.
    feedback
        Bound of the spectral radius of the linearised regulator network over all states, in (0, 1).
    n, K, gamma
        Hill cooperativity and half-activation, and decay rate.
    library_size, library_spread
        Mean and log-normal spread of the transcripts per cell, whole transcriptome.
    target_sum
        Transcripts per cell after normalisation.
    dispersion
        The variance of a count of mean m is ``m + dispersion m^2``.
    dropout
        A count of mean m is lost with probability ``dropout / (1 + m)``.
    rng
        Seed or generator. Network, conditions and cells have their own streams: the same seed gives the same network
        at every noise level.

    Returns
    -------
    Cells in random order, with `X` (csr float32, log-normalised) and

    - ``layers["counts"]`` (csr int32),
    - ``obs["perturbation"]`` (categorical), ``obs["n_counts"]`` (int64, whole transcriptome),
      ``obs["n_genes_perturbed"]`` (int64),
    - ``var["true_b"]`` (float64), ``var["true_regulator"]`` (bool),
    - ``varm["true_A"]`` (float64, genes x regulators), ``varm["true_states"]`` (float64, genes x conditions, noise-free),
    - ``uns["truth"]``: ``regulators`` and ``conditions`` (names of those columns), ``clamp_values`` (of each regulator),
      ``clamp_mask`` (conditions x regulators), ``kinetics`` (``activation``, ``n``, ``K``, ``gamma``), ``contraction``
      (bound of the spectral radius), ``preset``, ``params`` (JSON).

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> adata.shape, adata.varm["true_A"].shape
    ((340, 60), (60, 8))
    """
    settings = {name: value for name, value in locals().items() if name not in ("preset", "rng")}
    config = configure(preset, settings)
    root = read_rng(rng)
    network_rng, design_rng, cell_rng = (np.random.default_rng(seed) for seed in root.integers(2**63, size=3))
    truth = draw_network(config, network_rng)
    genes, regulators = _name(config, truth)
    design = make_design(regulators, config.combinations, design_rng)
    states = solve(truth, design.mask)
    measured = np.ones(config.n_genes, dtype=bool)
    measured[design_rng.choice(truth.rows, config.n_unmeasured, replace=False)] = False
    adata = _draw_cells(config, design, states[:, measured], cell_rng)
    adata.var_names = list(genes[measured])
    _write_truth(adata, truth, design, states, measured)
    adata.uns["truth"] |= {"regulators": np.array(regulators), "preset": preset, "params": config.to_json()}
    return adata


def _name(config: SimulationConfig, truth: TruthNetwork) -> tuple[NDArray[np.object_], tuple[str, ...]]:
    width = max(2, len(str(config.n_regulators)))
    regulators = tuple(f"REG{j:0{width}d}" for j in range(1, config.n_regulators + 1))
    width = max(4, len(str(config.n_genes)))
    genes = np.array([f"GENE{i:0{width}d}" for i in range(1, config.n_genes + 1)], dtype=object)
    genes[truth.rows] = regulators
    return genes, regulators


def _draw_cells(
    config: SimulationConfig, design: Design, states: NDArray[np.float64], rng: np.random.Generator
) -> ad.AnnData:
    rates = np.expm1(states)
    if rates.sum(axis=1).max() > config.target_sum:
        raise InputError(
            f"target_sum={config.target_sum!r} is below the panel's own expression, {rates.sum(axis=1).max():.0f} in one "
            "condition, but the panel is part of the transcriptome. Raise target_sum, or lower n_genes."
        )
    sizes = np.full(len(design.names), config.n_cells_per_condition)
    sizes[0] = config.n_control_cells
    codes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    library = draw_library_sizes(len(codes), config.library_size, config.library_spread, rng)
    depth = library / config.target_sum
    counts = draw_counts(rates, codes, depth, dispersion=config.dispersion, dropout=config.dropout, rng=rng)
    obs = pd.DataFrame(
        {
            PERTURBATION: pd.Categorical.from_codes(codes, categories=pd.Index(design.names)),
            "n_counts": library,
            "n_genes_perturbed": design.mask.sum(axis=1)[codes],
        },
        index=[f"CELL{i:07d}" for i in range(1, len(codes) + 1)],
    )
    return ad.AnnData(log_normalise(counts, library, config.target_sum), obs=obs, layers={"counts": counts})


def _write_truth(
    adata: ad.AnnData,
    truth: TruthNetwork,
    design: Design,
    states: NDArray[np.float64],
    measured: NDArray[np.bool_],
) -> None:
    adata.var["true_b"] = truth.b[measured]
    adata.var["true_regulator"] = np.isin(np.arange(len(truth.b)), truth.rows)[measured]
    adata.varm["true_A"] = truth.A[measured]
    adata.varm["true_states"] = np.ascontiguousarray(states[:, measured].T)
    adata.uns["truth"] = {
        "conditions": np.array(design.names),
        "clamp_mask": design.mask,
        "clamp_values": truth.clamps,
        "kinetics": {"activation": "hill", "n": truth.n, "K": truth.K, "gamma": truth.gamma},
        "contraction": truth.contraction,
    }
