"""Configuration of the documentation: `make docs` builds it with warnings as errors and without a network."""

from __future__ import annotations

import os
import re
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "scclamp"
author = "the scclamp developers"
copyright = f"2026, {author}"
version = release = metadata.version(project)

extensions = [
    "myst_nb",
    "scverse_misc.sphinx_ext",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "jupyter_execute", "**.ipynb_checkpoints"]
nitpicky = True

html_theme = "sphinx_book_theme"
html_title = "scclamp"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_theme_options = {"show_navbar_depth": 2}

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True
default_role = "literal"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Notebooks are committed with their outputs and run by a job of their own.
nb_execution_mode = "off"
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

if os.environ.get("READTHEDOCS"):
    # The inventories are fetched, so only the published build links to other projects.
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "anndata": ("https://anndata.readthedocs.io/en/stable/", None),
        "matplotlib": ("https://matplotlib.org/stable/", None),
        "mudata": ("https://mudata.readthedocs.io/stable/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "pandas": ("https://pandas.pydata.org/docs/", None),
        "python": ("https://docs.python.org/3/", None),
        "scipy": ("https://docs.scipy.org/doc/scipy/", None),
        "torch": ("https://pytorch.org/docs/stable/", None),
    }
# Names of other projects, whole and as signatures abbreviate them; our own names must all resolve.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(ad|anndata|collections|h5py|logging|matplotlib|mudata|nn|np|numpy|os|pandas|pathlib|pd|scipy|torch)\..*",
    ),
    # Signatures write imported names and aliases of types without their module.
    (r"py:(class|exc|obj)", r"[A-Z]\w*"),
    # A class that is no part of the interface may stand in a signature by the file that defines it.
    (r"py:class", r"scclamp\.\w+\.\w+\.\w+"),
]


def escape_shapes(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Keep the star of a shape such as (*batch, genes) from starting an emphasis."""
    lines[:] = [re.sub(r"\(\*(?=\w+,)", r"(\\*", line) if ">>>" not in line else line for line in lines]


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", escape_shapes)
