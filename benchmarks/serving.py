"""How long whoever draws waits: five answers from the server of `eyechart serve`, alone and among many who ask.

The server is the command itself, in a process of its own, with the networks of a finished study.  Milliseconds are the
server's, from the bytes of a picture to its answer: preparing, five networks, what they saw as a PNG.  The pictures are
a digit as the page sends it, 240 pixels, never twice the same.
Caveat: clients run on the same machine; alone, they wait while the server works.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image, ImageDraw

from benchmarks.harness import Result, Settings
from eyechart.base.errors import MissingError, RunFailed
from eyechart.files.storage import STUDY_FILE

SIDE, BRUSH = 240, 17  # pixels, as the page sends a drawing
THREE = (
    (0.3, 0.25), (0.4, 0.17), (0.5, 0.15), (0.62, 0.19), (0.67, 0.28), (0.62, 0.38), (0.5, 0.45), (0.6, 0.5),
    (0.69, 0.6), (0.68, 0.74), (0.58, 0.84), (0.45, 0.86), (0.32, 0.8),
)  # fmt: skip
WARM_UP = 20  # requests that do not count
PERCENTILES = (50, 99)


class Load(NamedTuple):
    """What came of many who asked at once."""

    num_requests: int
    num_errors: int
    seconds: float
    waited: list[float]  # milliseconds, a value for each request, as its client saw it
    memory_bytes: list[int]  # of the server, at a tenth and at the end


def serve_five_answers(settings: Settings) -> Result:
    """Milliseconds until five networks have answered a drawing (median; 99th percentile beside it).

    Claim: p50 40 ms, p99 120 ms on two cores; 64 clients with 1,000 requests each, no error, memory flat.  n: 5 times
    200 requests of one client.  Hardware: VGG16 decides on its core, preparing comes before it.
    """
    if not (settings.study / STUDY_FILE).is_file():
        raise MissingError(
            f"There is no study in {settings.study}. Make it with `make run`, or name another with --study."
        )
    with _server(settings) as (process, port):
        _ask_alone(port, WARM_UP)
        blocks = [_ask_alone(port, settings.pick(200, 5)) for _ in range(settings.repeats(5))]
        settings.say("serve_five_answers: many clients at once")
        load = _load(process, port, *settings.pick((64, 1000), (4, 5)))
    alone = np.concatenate(blocks)
    facts = {
        "milliseconds": {f"p{each}": round(float(np.percentile(alone, each)), 2) for each in PERCENTILES},
        "load": {
            "requests": load.num_requests,
            "errors": load.num_errors,
            "requests_per_second": round(load.num_requests / load.seconds, 1),
            "waited_milliseconds": {f"p{each}": round(float(np.percentile(load.waited, each))) for each in PERCENTILES},
            "memory_bytes": load.memory_bytes,
        },
    }
    return Result("milliseconds", "lower", [statistics.median(block) for block in blocks], facts=facts)


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[psutil.Process, int]]:
    """A server of the study, once it answers; and its port."""
    command = [sys.executable, "-u", "-m", "eyechart", "serve", str(settings.study), "--port", "0", "--device", "cpu"]
    command += ["--threads", str(settings.num_threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as process:
        assert process.stdout
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                    yield psutil.Process(process.pid), int(found[1])
                    return
            raise RunFailed(f"The server did not start.\n{''.join(said)[-3000:]}")
        finally:
            process.terminate()


def _ask_alone(port: int, num_requests: int) -> list[float]:
    """The server's milliseconds of each, one after the other."""
    random = np.random.default_rng(port)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for _ in range(num_requests):
        status, answer = _ask(connection, _drawing(random))
        if status != 200:
            raise RunFailed(f"The server refused a drawing ({status}): {answer.get('error')}")
        found.append(float(str(answer["milliseconds"])))
    connection.close()
    return found


def _load(server: psutil.Process, port: int, num_clients: int, num_each: int) -> Load:
    waited: list[float] = []
    errors: list[int] = []
    memory: list[int] = []

    def client(number: int) -> None:
        random = np.random.default_rng(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for place in range(num_each):
            started = time.perf_counter()
            try:
                status, _ = _ask(connection, _drawing(random))
            except (OSError, http.client.HTTPException, ValueError):
                status = 0
                connection.close()
            waited.append(1000 * (time.perf_counter() - started))
            if status != 200:
                errors.append(status)
            if number == 0 and place == num_each // 10:
                memory.append(server.memory_info().rss)
        connection.close()

    clients = [threading.Thread(target=client, args=(number,)) for number in range(num_clients)]
    started = time.perf_counter()
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    seconds = time.perf_counter() - started
    memory.append(server.memory_info().rss)
    return Load(num_clients * num_each, len(errors), seconds, waited, memory)


def _ask(connection: http.client.HTTPConnection, picture: bytes) -> tuple[int, dict[str, object]]:
    connection.request("POST", "/api/predict", picture, {"Content-Type": "image/png"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def _drawing(random: np.random.Generator) -> bytes:
    """A 3 whose points tremble, dark on white."""
    page = Image.new("L", (SIDE, SIDE), 255)
    points = [tuple(point) for point in SIDE * (np.array(THREE) + random.normal(0, 0.01, (len(THREE), 2)))]
    draw = ImageDraw.Draw(page)
    draw.line(points, 0, BRUSH, joint="curve")
    content = io.BytesIO()
    page.save(content, "PNG", compress_level=1)
    return content.getvalue()
