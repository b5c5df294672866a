"""A process that imports once and forks at a word: many kills without paying many imports. Loaded with `runpy`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

_SERVER = """
import json, os, sys, traceback
{code}
print("ready", flush=True)
for line in sys.stdin:
    command, *arguments = json.loads(line)
    if command == "wait":
        print(os.waitpid(arguments[0], 0)[1], flush=True)
    elif (pid := os.fork()):
        print(pid, flush=True)
    else:
        status = 1
        try:
            run(*arguments)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
"""


class Forks:
    """Children that call the function `run` of some code, until they are done or killed."""

    def __init__(self, code: str) -> None:
        command = [sys.executable, "-W", "ignore", "-c", _SERVER.format(code=code)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        if self.server.stdout.readline() != "ready\n":
            msg = "the code to fork does not import"
            raise RuntimeError(msg)

    def _ask(self, *words: object) -> int:
        self.server.stdin.write(json.dumps(words) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def start(self, *arguments: object) -> int:
        return self._ask("fork", *arguments)

    def wait(self, pid: int) -> int:
        """The status of a child as `os.waitpid` gives it: 0 when it ended well, 9 when it was killed."""
        return self._ask("wait", pid)

    def kill(self, pid: int) -> int:
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()
