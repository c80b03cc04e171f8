"""Addresses: which need a token, which are free; a server that starts, answers and ends."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from eyechart.base.errors import StorageError, UsageError
from eyechart.cli.serve import serve
from eyechart.serve import start


def test_other_machines_need_a_token() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.1.2.3"):
        start.check_access(host, None)
    for host in ("0.0.0.0", "192.168.1.2", "my-machine.lan", "::", ""):
        with pytest.raises(UsageError, match="--token"):
            start.check_access(host, None)
        start.check_access(host, "long-enough-token")
    for token in ("", "short", "eleven char", "schlüssel-der-lang-ist", "with\nnewline-in-it"):
        with pytest.raises(UsageError, match="at least 12"):
            start.check_access("127.0.0.1", token)


def test_the_next_free_port_is_taken_with_a_word() -> None:
    said: list[str] = []
    with start.bound("127.0.0.1", 0, said.append) as first:
        port = first.getsockname()[1]
        with start.bound("127.0.0.1", port, said.append) as second:
            assert port < second.getsockname()[1] <= port + start.NEXT_PORTS
            assert said == [f"port {port} is taken; {second.getsockname()[1]} is used"]
            assert start.address_of(second) == f"http://127.0.0.1:{second.getsockname()[1]}/"


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(UsageError, match="no address"):
        start.bound("no such host.invalid", 8765, print)
    with pytest.raises(UsageError, match="cannot be listened on"):
        start.bound("192.0.2.1", 8765, print)


def test_missing_packages_and_tokens_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs --token"):
        serve(tmp_path, port=0, host="0.0.0.0", token=None, threads=1, device="cpu")  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="no finished run"):
        serve(tmp_path, port=0, host="127.0.0.1", token=None, threads=1, device="cpu")  # type: ignore[arg-type]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=re.escape('pip install "eyechart[serve]"')):
        serve(tmp_path, port=0, host="127.0.0.1", token=None, threads=1, device="cpu")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGINT])
def test_it_starts_answers_and_ends_cleanly(reading_study: Path, ended_by: signal.Signals) -> None:
    command = [sys.executable, "-m", "eyechart", "serve", str(reading_study), "--port", "0", "--threads", "1"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        address = next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
        with urllib.request.urlopen(f"{address}api/study", timeout=30) as answer:
            assert answer.status == 200
        port = int(address.rpartition(":")[2].strip("/"))
        with socket.create_connection(("127.0.0.1", port)):  # somebody is still connected
            process.send_signal(ended_by)
            _, complaints = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, complaints.strip()) == (0, "stopped")
