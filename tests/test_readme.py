"""The README's example runs as it is written."""

import re
import subprocess
import sys


def test_the_example_runs(root, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "REG02" in done.stdout
    assert "converged" in done.stdout.lower()
