"""What a figure was measured on, so that nobody compares two machines by mistake."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.clock import ROOT


def describe() -> dict[str, object]:
    """Processor, memory, versions, date, commit."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "cpu": _from_proc("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "ram_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpu": gpu,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "anndata", "numpy")},
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
    }


def line(machine: dict[str, object]) -> str:
    """One line for people."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())


def _from_proc(path: str, field: str) -> str:
    if not Path(path).exists():
        return ""
    lines = Path(path).read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), "")


def _commit() -> str:
    """Short name of the commit; a star when the code measured is not quite that of the commit."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("*" if git("status", "--porcelain", "--", "src") else "")
