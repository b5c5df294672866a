"""A page as a browser sees it: what it draws, and what it complains of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Where browsers ask for the time and for updates of their own, whatever the page is.
OWN = ("clients2.google.com", "update.googleapis.com", "accounts.google.com", "android.clients.google.com")
# Nothing of the browser's own may go out, so that every request seen is the page's.
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter",
    "--no-pings",
    "--hide-scrollbars",
)


@dataclass(frozen=True)
class Seen:
    """What came of a page.

    Parameters
    ----------
    dom
        The document after everything was loaded.
    console
        Lines of the browser's console, violations of the page's policy among them.
    requests
        Addresses that were asked for over a network.
    """

    dom: str
    console: list[str]
    requests: list[str]


def find_browser() -> str | None:
    """The browser of SCCLAMP_BROWSER, or the first that is installed."""
    return os.environ.get("SCCLAMP_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def look_at(browser: str, page: Path, folder: Path, picture: Path | None = None) -> Seen:
    """Open a page, with a picture of it where asked for."""
    log = folder / "net.json"
    what = ["--dump-dom"] if picture is None else [f"--screenshot={picture}", "--window-size=1200,3000"]
    done = subprocess.run(
        [
            browser,
            *_QUIET,
            *what,
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            "--enable-logging=stderr",
            "--v=0",
            page.resolve().as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    asked = re.findall(r'"url":"((?:https?|wss?|ftp):[^"]*)"', log.read_text(encoding="utf-8", errors="replace"))
    return Seen(done.stdout, console, sorted({url for url in asked if urlsplit(url).hostname not in OWN}))
