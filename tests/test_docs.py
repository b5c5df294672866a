"""The code of the how-to pages runs as it is written, from the top of each page to its end."""

import re
from pathlib import Path

import pytest

import scclamp

HOWTO = Path(__file__).parents[1] / "docs" / "howto"
# Blocks in braces, which need a released model or a GPU, are shown and not run.
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
PAGES = {path.name: BLOCK.findall(path.read_text(encoding="utf-8")) for path in sorted(HOWTO.glob("*.md"))}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [name for name, blocks in PAGES.items() if blocks])
def test_a_page_runs(name):
    adata = scclamp.datasets.simulated("tiny")
    known = {"sc_c": scclamp, "adata": adata, "__name__": f"docs_{Path(name).stem}"}
    for block in PAGES[name]:
        exec(compile(block, name, "exec"), known)


def test_there_are_pages_with_code():
    assert sum(map(bool, PAGES.values())) >= 4
