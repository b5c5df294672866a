"""`scclamp datasets`: published and simulated screens as files."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from scclamp.cli._answer import finish
from scclamp.cli._options import add_command, add_general, read_settings, seed
from scclamp.cli._output import aligned, say, say_json
from scclamp.cli._paths import ADATA, require_asked
from scclamp.cli._published import PRESETS, SCREENS

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Commands

_ABOUT = """\
Published screens in one form, and simulated screens whose network is known.

`list` names them, `fetch` downloads one (once; its checksum is verified), and `simulate`
makes one. What is written is ready for `scclamp fit`, as the last lines say."""
_EXAMPLES = """\
  scclamp datasets list
  scclamp datasets simulate demo -o screen.h5ad
  scclamp datasets fetch norman_2019 -o norman.h5ad"""
_FETCH = """\
Write a published screen, with labels and genes brought to one form.

The file is downloaded once, into the folder that the environment variable SCCLAMP_CACHE
names. Where there is no connection, --path reads a copy that you have."""
_SIMULATE = """\
Write a simulated screen. Its true network stands in varm["true_A"], its noise-free states in
varm["true_states"]. PRESET is tiny (60 genes, 8 regulators), demo (500, 24) or norman_like (2553, 102)."""


def add(commands: Commands) -> None:
    """Add the command, and what it can do."""
    parser = add_command(
        commands,
        "datasets",
        list_screens,
        summary="list, download or simulate screens",
        usage="[list | fetch NAME -o FILE | simulate PRESET -o FILE]",
        about=_ABOUT,
        examples=_EXAMPLES,
    )
    kinds = parser.add_subparsers(title="what to do", metavar="{list,fetch,simulate}", prog="scclamp datasets")
    listing = add_command(
        kinds, "list", list_screens, of="datasets", summary="list published screens", usage="[options]",
        about="List published screens, where they come from and how large they are.",
        examples="  scclamp datasets list",
    )  # fmt: skip
    fetching = add_command(
        kinds, "fetch", fetch, of="datasets", summary="download a published screen", usage="NAME -o FILE [options]",
        about=_FETCH, words={"source": "--source", "path": "--path"},
        examples="  scclamp datasets fetch papalexi_2021 -o papalexi.h5ad\n"
        "  scclamp datasets fetch norman_2019 --source gears --path perturb_processed.h5ad -o norman.h5ad",
    )  # fmt: skip
    fetching.add_argument("screen", metavar="NAME", choices=SCREENS, help=", ".join(SCREENS))
    fetching.add_argument("-o", "--output", required=True, metavar="FILE", help=".h5ad or .zarr to write")
    fetching.add_argument("--source", metavar="NAME", help="where it comes from; `list` names the sources")
    fetching.add_argument("--path", metavar="FILE", help="a copy of that source's file, which is then not downloaded")
    simulating = add_command(
        kinds, "simulate", simulate, of="datasets", summary="simulate a screen", usage="PRESET -o FILE [options]",
        about=_SIMULATE,
        examples="  scclamp datasets simulate tiny -o screen.h5ad\n"
        "  scclamp datasets simulate demo -o noisy.h5ad --set n_cells_per_condition=10 --set mode=CRISPRi --seed 1",
    )  # fmt: skip
    simulating.add_argument("preset", metavar="PRESET", choices=PRESETS, help="tiny, demo or norman_like")
    simulating.add_argument("-o", "--output", required=True, metavar="FILE", help=".h5ad or .zarr to write")
    simulating.add_argument("--seed", type=seed, default=0, metavar="N", help="the same seed gives the same screen (0)")
    simulating.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="setting of scclamp.datasets.simulated"
    )
    for each in (listing, fetching, simulating):
        add_general(each, inside=True)
    add_general(parser)


def list_screens(options: argparse.Namespace) -> None:
    """Say which screens there are."""
    found: list[dict[str, Any]] = [{"name": name, **screen._asdict()} for name, screen in SCREENS.items()]
    if options.json:
        say_json({"command": "datasets list", "screens": found, "presets": PRESETS})
        return
    rows = [
        (f"  {each['name']}", ", ".join(map(_source, *zip(*each["sources"].items(), strict=True)))) for each in found
    ]
    lines = ["Published screens (`scclamp datasets fetch NAME -o FILE`), and their sources:", *aligned(rows), ""]
    lines += [f"  {each['name']}: {each['about']}" for each in found]
    say(
        "\n".join([*lines, "", f"Simulated screens (`scclamp datasets simulate PRESET -o FILE`): {', '.join(PRESETS)}"])
    )


def fetch(options: argparse.Namespace) -> None:
    """Write a published screen."""
    require_asked(options, ADATA, options.path)
    from scclamp import datasets

    chosen = {name: getattr(options, name) for name in ("source", "path") if getattr(options, name) is not None}
    adata = getattr(datasets, options.screen)(**chosen)
    origin = adata.uns["dataset"]
    recipe = " --recipe" if origin["X"] == "counts" else ""
    about = [f"{options.screen} ({origin['source']}), X holds {origin['X']} values", *map(str, origin["notes"])]
    _write(adata, options, about, recipe)


def simulate(options: argparse.Namespace) -> None:
    """Write a simulated screen."""
    require_asked(options, ADATA)
    from scclamp import datasets

    known = [name for name in inspect.signature(datasets.simulated).parameters if name not in ("preset", "rng")]
    options.words = {**{name: f"--set {name}=" for name in known}, **options.words}
    adata = datasets.simulated(options.preset, rng=options.seed, **read_settings(options.set, known))
    _write(adata, options, [f"Simulated screen {options.preset!r}, seed {options.seed}"], "")


def _write(adata: Any, options: argparse.Namespace, about: list[str], recipe: str) -> None:
    from scclamp._files import write

    write(adata, options.output)
    n_cells, n_genes = adata.shape
    record = {"output": options.output, "n_cells": n_cells, "n_genes": n_genes, "about": about}
    wrote = f"Wrote {options.output}: {n_cells} cells x {n_genes} genes"
    advice = f"Next: scclamp fit {options.output}{recipe} -o fitted.h5ad"
    finish(options, record, *about, wrote, advice, wrote=())


def _source(name: str, size: int | None) -> str:
    return name if size is None else f"{name} ({size / 1e9:.1f} GB)" if size >= 1e8 else f"{name} ({size / 1e6:.0f} MB)"
