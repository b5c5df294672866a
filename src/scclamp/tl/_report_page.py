"""One page that needs nothing beside itself: pictures and styles are inside, and nothing is fetched."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.api.types import is_numeric_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd


_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { --ink: #1d2733; --soft: #5b6875; --line: #d9dfe5; --accent: #0072b2; --paper: #ffffff; --shade: #f4f7f9; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main, header, nav { max-width: 60rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.8rem 0 .4rem; }
p { max-width: 44rem; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding-top: 1rem; font-size: .92rem; }
a { color: var(--accent); text-decoration: none; } a:hover, a:focus { text-decoration: underline; }
.headline { border-left: 4px solid var(--accent); background: var(--shade); padding: .8rem 1.1rem; margin: 1.2rem 0; max-width: 44rem; }
.missing { border: 1px dashed var(--line); padding: .6rem 1rem; max-width: 44rem; color: var(--soft); }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: .6rem 0 1rem; }
th, td { padding: .28rem .8rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid var(--line); font-weight: 600; } th.words, td.words { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: .6rem 0; } dt { color: var(--soft); } dd { margin: 0; }
pre { background: var(--shade); padding: .8rem 1rem; overflow-x: auto; font-size: .8rem; line-height: 1.4; }
summary { cursor: pointer; color: var(--accent); }
@media print { nav, summary { display: none; } h2 { break-after: avoid; } figure, table { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    title
        Its heading; an address within the page is made of it.
    body
        Its HTML.
    """

    title: str
    body: str

    @property
    def address(self) -> str:
        """Name to link to."""
        return "".join(c if c.isalnum() else "-" for c in self.title.lower())


def page(title: str, subtitle: str, sections: Iterable[Section]) -> str:
    """The whole document."""
    sections = list(sections)
    links = "\n".join(f'<a href="#{s.address}">{escape(s.title)}</a>' for s in sections)
    parts = "\n".join(f'<section id="{s.address}">\n<h2>{escape(s.title)}</h2>\n{s.body}\n</section>' for s in sections)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<link rel="icon" href="data:,">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{escape(title)}</h1>\n"
        f'<p class="soft">{escape(subtitle)}</p>\n</header>\n<nav aria-label="Sections">\n{links}\n</nav>\n'
        f"<main>\n{parts}\n</main>\n</body>\n</html>\n"
    )


def say(text: str, kind: str = "") -> str:
    """A paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def subtitle(text: str) -> str:
    """A heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def folded(title: str, text: str) -> str:
    """A text that opens when it is asked for."""
    return f"<details>\n<summary>{escape(title)}</summary>\n<pre>{escape(text)}</pre>\n</details>"


def facts(values: Mapping[str, Any]) -> str:
    """Names and values, a line each."""
    rows = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(written(value))}</dd>" for name, value in values.items())
    return f"<dl>\n{rows}\n</dl>"


def picture(figure: Any, caption: str) -> str:
    """A figure as it is, with a caption that also describes it to those who do not see it; the figure is closed."""
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
    finally:
        plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure>\n<img alt="{escape(caption)}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{escape(caption)}</figcaption>\n</figure>"
    )


def table(rows: pd.DataFrame) -> str:
    """Rows as they are, without the index; numbers to three digits."""
    words = [not is_numeric_dtype(rows[c]) for c in rows]
    kinds = [' class="words"' if word else "" for word in words]
    head = "".join(f"<th{kind}>{escape(str(c))}</th>" for c, kind in zip(rows.columns, kinds, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{k}>{escape(written(v))}</td>" for v, k in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows.itertuples(index=False)
    )
    return f'<div class="scroll">\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>'


def long_table(rows: pd.DataFrame, most: int) -> str:
    """The first rows of a table, the others where they are asked for."""
    if len(rows) <= most:
        return table(rows)
    rest = f"<summary>The other {len(rows) - most:,} rows</summary>\n{table(rows.iloc[most:])}"
    return f"{table(rows.iloc[:most])}\n<details>\n{rest}\n</details>"


def written(value: Any) -> str:
    """A value as a person writes it: three digits, thousands apart, a dash for what is missing."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "–" if math.isnan(number) else str(number)
    return f"{number:.1e}" if 0 < abs(number) < 1e-3 else f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
