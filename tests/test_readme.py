"""The examples of the README, and of the guide where it brings a model of one's own, run as they are written."""

import re
import subprocess
import sys

import pandas as pd

import scclamp


def test_the_example_runs(root, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "REG02" in done.stdout
    assert "converged" in done.stdout.lower()


def test_the_model_of_the_guide_is_a_row_of_the_benchmark(root, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "guide.md").read_text(), flags=re.DOTALL)
    (code,) = [block for block in blocks if "class " in block]
    # A dataclass looks its module up, so that there has to be one.
    with pd.option_context("display.max_columns", None):
        exec(code, {"__name__": __name__, "sc_c": scclamp, "adata": scclamp.datasets.simulated("tiny")})
    assert " half " in capsys.readouterr().out
