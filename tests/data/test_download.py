"""Deadlines that hold, against a server on this machine."""

from __future__ import annotations

import http.server
import socket
import threading
import time

import pytest

from eyechart.data.download import DownloadError, download, within


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/drip":
            for _ in range(100):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
                time.sleep(0.05)
        else:
            self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_content(server):
    assert download(f"{server}/x", deadline_seconds=5, max_bytes=5) == b"hello"


def test_too_much(server):
    with pytest.raises(DownloadError, match="more than the expected 4 bytes"):
        download(f"{server}/x", deadline_seconds=5, max_bytes=4)


def test_an_error_of_the_server(server):
    with pytest.raises(DownloadError, match="answered 404"):
        download(f"{server}/missing", deadline_seconds=5, max_bytes=5)


def test_a_server_that_drips_for_ever(server):
    start = time.monotonic()
    with pytest.raises(DownloadError, match=r"within 0\.4 s"):
        download(f"{server}/drip", deadline_seconds=0.4, max_bytes=1000)
    assert time.monotonic() - start < 60


def test_a_host_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        start = time.monotonic()
        with pytest.raises(DownloadError, match=r"no answer|no connection"):
            download(f"http://127.0.0.1:{silent.getsockname()[1]}/x", deadline_seconds=0.3, max_bytes=5)
        assert time.monotonic() - start < 60


def test_nobody_there_and_no_url():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DownloadError, match="no connection"):
        download(f"http://127.0.0.1:{port}/x", deadline_seconds=5, max_bytes=5)
    with pytest.raises(DownloadError, match="no connection"):
        download("not a url", deadline_seconds=5, max_bytes=5)


def test_within_hands_on_results_and_errors():
    assert within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)
    with pytest.raises(DownloadError, match=r"no answer within 0\.05 s"):
        within(0.05, lambda: time.sleep(1))
