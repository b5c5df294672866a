"""How every command reads its arguments: a parser whose errors say what to do, and the options that all commands share."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from scclamp._errors import InputError, did_you_mean
from scclamp.cli._output import say, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from _typeshed import SupportsWrite

    Commands = argparse._SubParsersAction["Parser"]


_WORDS = {
    "path": "",
    "mod": "--mod",
    "device": "--device",
    "max_memory": "--max-memory",
    "n_seeds": "--seeds",
    "max_radius": "--set max_radius=",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are two lines; options are written in full, so that a script means the same next year."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nSee `{self.prog} --help`.\n")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Write help where it belongs, and nothing to a pipe that closed."""
        (say if file is sys.stdout else tell)(message.removesuffix("\n"))

    def refuse(self, unknown: str) -> NoReturn:
        """Refuse an argument that no option took."""
        options = [name for action in self._actions for name in action.option_strings]
        name = unknown.partition("=")[0]
        what = "is no option" if name.startswith("-") else "is one argument too many"
        self.error(f"{name} {what}.{did_you_mean(name, options)}")


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    *,
    summary: str,
    usage: str,
    about: str,
    examples: str,
    words: Mapping[str, str] | None = None,
    of: str = "",
) -> Parser:
    """Add a command, with the options that all share.

    Parameters
    ----------
    commands
        Where commands are added.
    name, summary
        As the list of commands shows them.
    run
        What it does.
    usage, about, examples
        Parts of its help.
    words
        Its options by the arguments of the functions that it calls, for their messages.
    of
        Command that this one is a part of.
    """
    full = f"{of} {name}".strip()
    parser: Parser = commands.add_parser(
        name,
        help=summary,
        usage=f"scclamp {full} {usage}",
        description=about,
        epilog=f"examples:\n{examples}",
        add_help=False,
    )
    parser.set_defaults(name=full, run=run, parser=parser, words={**_WORDS, **(words or {})})
    return parser


def add_general(parser: Parser, *, inside: bool = False) -> None:
    """Add what every command knows, last in its help; a command inside another leaves its defaults to that one."""
    group = parser.add_argument_group("general")
    flag: dict[str, Any] = {"action": "store_true"} | ({"default": argparse.SUPPRESS} if inside else {})
    value: dict[str, Any] = {"default": argparse.SUPPRESS if inside else None}
    group.add_argument("--json", **flag, help="write the summary as JSON, for other programs")
    group.add_argument("--force", **flag, help="replace an output that exists")
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        **value,
        help="draw progress bars on standard error, or not; by default on a terminal",
    )
    group.add_argument("--max-memory", type=float, metavar="GB", **value, help="memory that results may take (4)")
    group.add_argument("-v", "--verbose", **flag, help="say what is read and done on the way")
    group.add_argument("--debug", **flag, help="show where in the code an error happened")
    group.add_argument("-h", "--help", action="help", help="show this help and exit")


def add_fit_choice(group: argparse._ArgumentGroup) -> None:
    """Add where in a file the fit stands."""
    group.add_argument("--mod", metavar="NAME", help="modality of a MuData (.h5mu) that holds the fit")
    group.add_argument("--key", default="clamp", metavar="NAME", help="name of the fit, as `scclamp fit --key` gave it")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Read a command line; conditions may stand before and after options, which argparse does not know."""
    options, others = parser.parse_known_args(argv)
    for other in others:
        if other.startswith("-") or not hasattr(options, "conditions"):
            options.parser.refuse(other)
        options.conditions.append(other)
    return options


def read_settings(pairs: Iterable[str], known: Iterable[str]) -> dict[str, Any]:
    """Values of ``NAME=VALUE``, which are numbers, true, false, null, lists in brackets, or text.

    Examples
    --------
    >>> read_settings(["crowding=0.2", "solver=newton"], ["crowding", "solver"])
    {'crowding': 0.2, 'solver': 'newton'}
    """
    known, found = list(known), {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            why = f"{name!r} is no setting.{did_you_mean(name, known)}" if equals else "Write NAME=VALUE."
            raise InputError(f"--set {pair}: {why}")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found[name] = tuple(value) if isinstance(value, list) else value
    return found


def seed(text: str) -> int:
    """Read a seed, a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def show_help(parser: argparse.ArgumentParser) -> int:
    """Show what there is to whoever names no command."""
    parser.print_help(sys.stderr)
    return 2
