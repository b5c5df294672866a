"""`tl.fit`: from a screen to one fitted network."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch

from scclamp import encoders
from scclamp._arguments import read_rng, require_choice, require_whole
from scclamp._assignment import Unmeasured, assign, resolve_unmeasured
from scclamp._columns import unwrap
from scclamp._device import read_device
from scclamp._errors import ConvergenceWarning, InputError, InputWarning, list_some
from scclamp._keys import DEFAULT_KEY
from scclamp._settings import settings
from scclamp._storage import encode
from scclamp.conditions import Conditions
from scclamp.fitting import Checkpointer, FitConfig, FitProblem, Trainer, denoise
from scclamp.tl._fit_checks import look_at, look_through, read_config, report, with_values
from scclamp.tl._fit_result import drop_derived, summarise

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from anndata import AnnData
    from mudata import MuData

    from scclamp.encoders import Encoder

_logger = logging.getLogger(__name__)


def fit(
    adata: AnnData | MuData,
    *,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    layer: str | None = None,
    mod: str | None = None,
    split_key: str | None = None,
    unmeasured: Unmeasured = "error",
    clamp_values: Literal["singles", "knockout"] = "singles",
    encoder: str | Encoder | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor] = "identity",
    config: FitConfig | None = None,
    n_seeds: int = 1,
    bootstrap: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 50,
    rng: int | np.random.Generator | None = None,
    device: str | None = None,
    key_added: str = DEFAULT_KEY,
    copy: bool = False,
    **settings_of_fit: Any,
) -> AnnData | MuData | None:
    """Fit one signed regulatory network to all single-gene conditions of a screen.

    Each perturbation is a clamp: the perturbed gene is held at its observed expression and every other gene settles. All
    conditions share one network. A closed-form regression starts it, and differentiating through the steady states refines it
    as long as held-out cells gain; where they do not (few or noisy cells) the start is kept, which is epoch 0. Combinations
    are read, but not trained on.

    Parameters
    ----------
    adata
        Cells, or one row per condition, with log-normalised expression. MuData needs `mod`.
    perturbation_key
        Column of `obs` with the perturbations; by default the one that `pp.perturbations` wrote, or one of a usual name such as
        `perturbation`. Where only what a column holds says that it is the one, a warning names it and its control labels.
    control
        Label or labels of the control cells; by default the usual ones (`control`, `non-targeting`, `NT`, ...).
    layer
        Layer with log-normalised expression; `X` by default.
    mod
        Modality of a MuData; results are written to it.
    split_key
        Column of `obs` that says train, val or test; by default cells are split within each condition.
    unmeasured
        What to do with perturbed genes that the panel does not measure: refuse, give them a latent dose, or drop them.
    clamp_values
        Where a perturbed gene is held: `"singles"`, at the mean of its transcript in its own condition (activation and
        interference change it), or `"knockout"`, at zero (a nuclease destroys the protein, and the transcript that remains
        is no dose). Its own predicted expression is then that dose too, not its transcript. Where perturbed genes of cells
        keep their transcripts, a warning asks whether this is a knock-out.
    encoder
        Lens through which predicted and observed states are compared: `"identity"`, `"pca"`, or anything differentiable.
    config
        All numerical settings; `FitConfig.paper()` reproduces the publication.
    n_seeds
        Ensemble members fitted side by side. They say how much a weight or a prediction means; the estimate itself is that
        of one member, and no better with more of them.
    bootstrap
        Whether members see resamples of the training cells; by default when there are several. The first sees the cells as
        they are and is what is reported, the others their own resamples: how far these are from it is the spread. Without,
        all see the same cells and their mean is reported; they differ only in a little noise at the start, and their spread
        says nothing.
    checkpoint
        Folder that keeps the fit's state. A fit that finds one there resumes it, and refuses one of other data, another
        encoder or other settings; only `max_epochs` and `patience` may change.
    checkpoint_every
        Epochs between two checkpoints.
    rng
        Seed or generator of the split, the start and the resampling; `config.seed` by default.
    device
        Torch device; `settings.device` by default.
    key_added
        Prefix of everything that is written. A fit under the same name is replaced, and what was derived from it (predicted
        states, verdicts and enrichments, under any name) is removed, with a warning that names it.
    copy
        Whether to write to a copy and return it.
    settings_of_fit
        Single settings of `FitConfig` to change, such as ``max_epochs=200``.

    Returns
    -------
    None, or the copy. These fields are written (for the default `key_added`):

    `varm["clamp_A"]` : float32 (genes, regulators)
        Signed weights: those of the first member, which sees the cells as they are; with ``bootstrap=False`` the mean over
        members. So are all other figures of an ensemble.
    `varm["clamp_A_sd"]` : float32 (genes, regulators)
        Their spread, when there are several members: the root mean square deviation of the resampled members from the
        first; with ``bootstrap=False`` the standard deviation over members.
    `var["clamp_b"]` : float32
        Basal rates.
    `var["clamp_regulator"]` : bool
        Which genes are regulators.
    `uns["clamp"]` : dict
        `params` (all arguments and settings, and `left_out`, the perturbed genes that the network knows nothing of), `kinetics`,
        `genes`, `regulators`, `regulator_rows` (of each in `genes`; -1 is not measured), `control_mean`, `members` (of an
        ensemble), `schema_version`, `sha256` (digests of all of it),

        - `history`: one row per `epoch` and `member`: `loss`, of whose parts `perturbation`, `control` and `sparsity` are listed,
          `validation`, the norm of the `gradient` before it is clipped, the largest spectral `radius` of a condition, how often
          the guard halved the step before (`halvings`), `steps` of the solver and conditions that `failed` to converge;
        - `diagnostics`: for each training `condition` the `status` (0 converged, 1 steps ran out, 2 not finite, 3 unstable),
          `residual`, `iterations` and `spectral_radius` of its steady state (members, conditions), `at_bounds` (how many regulators
          are outside the bounds of the activation) and `core` (the regulators' state itself, from which predictions
          start); for each member the `best_epoch` that was kept (0 is the start) and its `best_validation`, beside those of
          predicting no change (`validation_no_change`) and of repeating the training means, shrunken as they are for the fit
          (`validation_targets`); and the `n_epochs` of the fit, with `limit_reached` for members that `max_epochs` stopped
          before their patience ran out: a larger one may gain more;
        - `conditions`: `names`, `targets`, `train_n` and `val_n` cells, `clamp_mask` and `clamp_values` of every condition, and
          whether each is `complete`: every gene that it perturbs has a column in the network.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> adata.varm["clamp_A"].shape == (adata.n_vars, 8)
    True
    """
    config = read_config(config, settings_of_fit, fit)
    n_members = require_whole("n_seeds", n_seeds)
    require_whole("checkpoint_every", checkpoint_every)
    require_choice("unmeasured", unmeasured, get_args(Unmeasured))
    require_choice("clamp_values", clamp_values, ("singles", "knockout"))
    device = read_device(device)
    adata = adata.copy() if copy else adata
    rng = read_rng(rng, config.seed)
    bootstrap = n_members > 1 if bootstrap is None else bootstrap
    conditions, problem, lens, lost = _prepare(
        adata,
        encoder,
        unmeasured=unmeasured,
        clamp_values=clamp_values,
        n_bootstrap=n_members if bootstrap else 0,
        device=device,
        dtype=config.dtype,
        rng=rng,
        labels={"perturbation_key": perturbation_key, "control": control, "mod": mod},
        layer=layer,
        split={"train_fraction": config.train_fraction, "split_key": split_key},
    )
    problem, strength = denoise(problem, config.denoise)
    trainer = Trainer(problem, config, n_members, rng)
    checkpointer = None if checkpoint is None else Checkpointer(checkpoint, conditions.genes, checkpoint_every)
    if checkpointer is not None and checkpointer.resume(trainer):
        _logger.info("resumed at epoch %d from %s", trainer.epoch, checkpoint)
    _run(trainer, checkpointer)
    call = {
        "encoder": lens.name,
        "encoder_sha256": problem.encoder,
        "bootstrap": bootstrap,
        "point": "first" if bootstrap else "mean",
        "unmeasured": unmeasured,
        "left_out": lost,
        "clamp_values": clamp_values,
        "denoised": strength.tolist(),
    }
    result = summarise(trainer, conditions, call)
    report(result.diagnostics)
    _warn(result.diagnostics)
    fitted = unwrap(adata, mod).adata
    encode(fitted, result, key_added)
    # States and verdicts of an earlier fit would pass for those of this one.
    if dropped := drop_derived(fitted, key_added):
        message = (
            f"key_added={key_added!r} held an earlier fit. What was derived from it is removed: {', '.join(dropped)}."
        )
        remedy = "Compute it again, or keep both fits next time with another key_added=."
        warnings.warn(f"{message} {remedy}", InputWarning, stacklevel=2)
    return adata if copy else None


def _prepare(
    adata: AnnData | MuData,
    encoder: Any,
    *,
    unmeasured: Unmeasured,
    clamp_values: Literal["singles", "knockout"],
    n_bootstrap: int,
    device: str,
    dtype: str,
    rng: np.random.Generator,
    labels: dict[str, Any],
    layer: str | None,
    split: dict[str, Any],
) -> tuple[Conditions, FitProblem, Encoder, list[str]]:
    """Read the conditions, and turn the single-gene ones into tensors, seen through a lens; and name the genes left out."""
    mod = labels["mod"]
    panel = unwrap(adata, mod).adata
    try:
        labelled = assign(adata, **labels, **split, rng=rng)
        cells = resolve_unmeasured(labelled, panel, unmeasured)
    except InputError as error:
        # One more attempt should be enough: wrong values would only be found after the labels are mended.
        raise with_values(error, panel, layer) from None
    conditions = Conditions.from_cells(
        adata, cells, layer=layer, mod=mod, clamp_values=clamp_values, n_bootstrap=n_bootstrap, rng=rng
    )
    singles = conditions.select(conditions.singles & (conditions.train_n > 0)).as_held()
    look_at(
        conditions,
        bootstrap=n_bootstrap > 0,
        split=split["split_key"] is not None,
        knockout=clamp_values == "knockout",
    )
    lens = encoders.resolve(encoder, adata, cells=cells, layer=layer, mod=mod, rng=rng)
    look_through(lens, singles, getattr(torch, dtype), device)
    encoded = encoders.encoded_means(lens, singles, adata, cells=cells)
    problem = FitProblem.of(singles, encoded, lens.encode, lens.fingerprint(), device)
    # Genes that are neither measured nor regulators: whoever asks for their effect is told why there is none.
    lost = {gene for targets in labelled.targets for gene in targets}.difference(
        conditions.genes, conditions.regulators
    )
    return conditions, problem, lens, sorted(lost)


def _run(trainer: Trainer, checkpointer: Checkpointer | None) -> None:
    """Train under a progress bar, saving on the way."""
    from tqdm.auto import tqdm

    with tqdm(
        total=trainer.config.max_epochs, initial=trainer.epoch, desc="fit", disable=not settings.show_progress()
    ) as bar:

        def after_epoch(trainer: Trainer) -> None:
            bar.update()
            if trainer.epoch % 10 == 0:
                latest = {name: min(trainer.history[name][-1]) for name in ("loss", "validation")}
                bar.set_postfix({name: f"{value:.4g}" for name, value in latest.items()}, refresh=False)
            if checkpointer is not None:
                checkpointer.after_epoch(trainer)

        trainer.run(after_epoch)
    trainer.restore_best()


def _warn(diagnostics: dict[str, Any]) -> None:
    bad = diagnostics["condition"][(diagnostics["status"] != 0).any(0)]
    if len(bad):
        message = f"{len(bad)} of {len(diagnostics['condition'])} conditions have no trustworthy steady state"
        remedy = "See uns[...]['diagnostics']; lower learning_rate or max_radius."
        warnings.warn(f"{message}: {list_some(bad)}. {remedy}", ConvergenceWarning, stacklevel=3)
