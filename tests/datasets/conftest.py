"""A server that misbehaves on request, and a cache of its own for each test."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scclamp.datasets import _transport
from scclamp.datasets._registry import RemoteFile

BODY = b"SET_A\t\tKLF1\tGATA1\n" + b"".join(b"SET_%d\t\tGENE%d\tAHR\n" % (i, i) for i in range(4000))
HTML = b"<!DOCTYPE html><html><title>Are you human?</title></html>"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Keep quiet."""

    def do_GET(self):
        server = self.server
        path = self.path.removeprefix("/")
        server.hits[path] += 1
        # "/fault:2/name" plays the fault twice and then serves the file.
        fault, _, times = path.partition("/")[0].partition(":")
        if times and server.hits[path] > int(times):
            fault = "file"
        getattr(self, f"play_{fault}")()

    def send(self, status, body, *, length=None, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length is None or length >= 0:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def play_file(self):
        self.send(200, self.server.body)

    def play_short(self):
        self.send(200, self.server.body[:-100], length=len(self.server.body))
        self.close_connection = True

    def play_short_unsaid(self):
        self.send(200, self.server.body[:-100], length=-1)

    def play_wrong(self):
        self.send(200, self.server.body.replace(b"KLF1", b"KLF2"))

    def play_empty(self):
        self.send(200, b"")

    def play_html(self):
        self.send(200, b"\xef\xbb\xbf\n  " + HTML)

    def play_json(self):
        self.send(200, b'{"error": "no such file"}')

    def play_html_202(self):
        self.send(202, HTML, headers=[("Content-Type", "text/html")])

    def play_html_403(self):
        self.send(403, HTML, headers=[("Content-Type", "text/html")])

    def play_missing(self):
        self.send(404, b"")

    def play_busy(self):
        self.send(429, b"", headers=[("Retry-After", "7")])

    def play_broken(self):
        self.send(500, b"")

    def play_redirect(self):
        self.send(302, b"", headers=[("Location", "/file/x")])

    def play_slow(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body[:1000])
        self.wfile.flush()
        self.server.stop.wait(5)
        self.close_connection = True

    def play_late(self):
        time.sleep(0.2)
        self.play_file()

    def play_reset(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body[:1000])
        self.wfile.flush()
        # Closing a socket that must not linger resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """Serves `body` at `/file/...` and plays a fault at `/<fault>/...`; counts what it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = BODY
        self.hits = Counter()
        self.stop = threading.Event()

    def shutdown_request(self, request):
        """Close without the farewell that would come before a reset."""
        self.close_request(request)

    def handle_error(self, *_):
        """A client that hangs up is part of the play."""

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def entry(self, *faults, name="sets.gmt", known=True, **fields):
        """Registry entry whose mirrors play these faults."""
        digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}" if known else None
        source = "single" if known else "none"
        urls = tuple(self.url(f"{fault}/{name}") for fault in faults)
        return RemoteFile(name, urls, digest, source, **fields)


@pytest.fixture
def server():
    """A local server, which is asked directly whatever proxy the machine has."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stop.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits(monkeypatch):
    """Seconds that would have been waited between attempts."""
    waited = []
    monkeypatch.setattr(_transport, "sleep", waited.append)
    return waited


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no proxy on the way to the local server."""
    monkeypatch.setenv("SCCLAMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def impatient(monkeypatch):
    """Patience that a server which stops in the middle soon exhausts."""
    monkeypatch.setattr(_transport, "TIMEOUT", (5.0, 0.3))
