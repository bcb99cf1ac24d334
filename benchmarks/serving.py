"""Load on a served run: throughput against offline ``predict``, lost requests, memory, malformed requests.

    python benchmarks/serving.py RUN INPUTS.txt --clients 8 --per-request 1          # side by side with predict
    python benchmarks/serving.py RUN INPUTS.txt --requests 10000 --malformed 1000    # and the long form

In the long form the malformed requests go between the others, evenly.

The server is a process of its own with one thread; the clients are tasks of this process, which also runs
``predict`` offline between the rounds of load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx

MALFORMED = (
    {"content": b"{", "headers": {"content-type": "application/json"}},
    {"content": b"[" * 50_000, "headers": {"content-type": "application/json"}},
    {"content": b"x" * 200_000},
    {"json": {"inputs": [None]}},
    {"json": {"model": "../../etc/passwd", "inputs": "a"}},
    {"json": {"inputs": "a" * 50_000}},
    {"files": {"file": b"x"}},
)


class Offline:
    """``predict`` in this process, without its start."""

    def __init__(self, run: str, lines: list[str], threads: int, engine: str) -> None:
        from seqspec.runtime.devices.launch import Launch
        from seqspec.runtime.prediction.opening import open_predictor

        launch = Launch(device="cpu", threads=threads)
        self.predictor = open_predictor(Path(run), launch=launch, engine=engine, kept=1).predictor
        self.lines = lines
        list(self.predictor(lines[:64]))

    def __call__(self) -> tuple[float, float]:
        """Seconds and CPU seconds of one input."""
        begin, cpu = time.perf_counter(), time.process_time()
        list(self.predictor(self.lines))
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        return seconds / len(self.lines), cpu / len(self.lines)


def resident(pid: int) -> int:
    """Kilobytes of memory of its own; pages of files, such as a dictionary of MeCab, come as words are looked up."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process; what else the machine does is not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """One kept connection; a client library would take more of the machine than the server does."""

    def __init__(self, url: str) -> None:
        self.host, _, self.port = url.removeprefix("http://").partition(":")

    async def open(self) -> Client:
        self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        return self

    async def predict(self, texts: list[str]) -> tuple[int, bytes]:
        body = json.dumps({"inputs": texts}).encode()
        self.writer.write(
            b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n" % len(body) + body
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE).group(1))
        return int(head[9:12]), await self.reader.readexactly(size)


async def load(
    url: str, lines: list[str], requests: int, asked: argparse.Namespace, pid: int, malformed: int = 0
) -> dict:
    found, times, memory, lost = 0, [], [], []
    statuses: dict[int, int] = {}
    other = httpx.AsyncClient(base_url=url, timeout=60)
    each, todo = asked.per_request, iter(range(requests))

    async def one_client() -> None:
        nonlocal found
        client = await Client(url).open()
        for number in todo:
            texts = [lines[(number * each + n) % len(lines)] for n in range(each)]
            begin = time.perf_counter()
            status, body = await client.predict(texts)
            times.append(time.perf_counter() - begin)
            answers = json.loads(body).get("predictions", [])
            ok = status == 200 and [one["input"] for one in answers] == texts
            found += ok
            if not ok:
                lost.append((status, body[:100]))
            for bad in range(number * malformed // requests, (number + 1) * malformed // requests):
                answer = await other.post("/v1/predict", **MALFORMED[bad % len(MALFORMED)])
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            if number % 1000 == 999:
                memory.append(resident(pid))

    begin, cpu = time.perf_counter(), cpu_seconds(pid)
    await asyncio.gather(*(one_client() for _ in range(asked.clients)))
    seconds, cpu = time.perf_counter() - begin, cpu_seconds(pid) - cpu
    await other.aclose()
    times.sort()
    return {
        "requests": requests, "clients": asked.clients, "inputs_a_request": each, "answered": found,
        "lost": len(lost), "first_lost": [str(one) for one in lost[:3]], "seconds": seconds,
        "cpu_seconds": cpu, "p50_ms": 1e3 * times[len(times) // 2],
        "p95_ms": 1e3 * times[int(len(times) * 0.95)], "p99_ms": 1e3 * times[int(len(times) * 0.99)],
        "memory_kb_every_1000": memory, "malformed": statuses,
    }  # fmt: skip


async def side_by_side(
    url: str, lines: list[str], offline: Offline, asked: argparse.Namespace, pid: int
) -> dict:
    """Rounds of load and of ``predict`` in turn, so that what else the machine does meets both alike."""
    served = offline_wall = offline_cpu = 0.0
    rounds = [await load(url, lines, asked.round, asked, pid)]  # Warms everything up; not counted.
    rounds, ratios = [], []
    for _ in range(asked.rounds):
        wall, cpu = offline()
        one = await load(url, lines, asked.round, asked, pid)
        again = offline()
        wall, cpu = (wall + again[0]) / 2, (cpu + again[1]) / 2
        inputs = asked.round * asked.per_request
        ratios.append((wall / (one["seconds"] / inputs), cpu / (one["cpu_seconds"] / inputs)))
        served += one["seconds"] / inputs
        offline_wall += wall
        offline_cpu += cpu
        rounds.append(one)
    n = asked.rounds
    return {
        "rounds": [{k: one[k] for k in ("answered", "lost", "p50_ms", "p95_ms")} for one in rounds],
        "served_inputs_a_second": n / served, "offline_inputs_a_second": n / offline_wall,
        "of_offline": [round(wall, 3) for wall, _ in ratios],
        "of_offline_median": statistics.median(wall for wall, _ in ratios),
        "of_offline_by_cpu_time": [round(cpu, 3) for _, cpu in ratios],
        "offline_cpu_ms_an_input": 1e3 * offline_cpu / n,
        "served_cpu_ms_an_input": 1e3 * sum(one["cpu_seconds"] for one in rounds) / n / asked.round / asked.per_request,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--per-request", type=int, default=1, help="sentences of one request")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round", type=int, default=400, help="requests of one round")
    parser.add_argument("--requests", type=int, default=0, help="of the long form")
    parser.add_argument("--malformed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--wait-ms", default="10")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(asked.threads)
    lines = asked.inputs.read_text("utf-8").splitlines()
    command = [sys.executable, "-m", "seqspec", "serve", asked.run, "--port", "0", "--threads", str(asked.threads),
               "--engine", asked.engine, "--wait-ms", asked.wait_ms]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        while "http://" not in (told := server.stderr.readline()):
            assert server.poll() is None, told
        url = re.search(r"http://\S+", told).group()
        offline = Offline(asked.run, lines, asked.threads, asked.engine)
        result = asyncio.run(side_by_side(url, lines, offline, asked, server.pid))
        if asked.requests:
            before = resident(server.pid)
            result["long"] = asyncio.run(load(url, lines, asked.requests, asked, server.pid, asked.malformed))
            result["long"]["memory_kb_before"] = before
        result["health_after"] = httpx.get(f"{url}/healthz").status_code
        result["batches"] = re.findall(
            r"seqspec_(?:inputs|batches)_total\S* \S+", httpx.get(f"{url}/metrics").text
        )
        server.terminate()
        print(json.dumps(result, indent=1), flush=True)  # Whatever becomes of the server.
        print(json.dumps({"exit_after_sigterm": server.wait(120)}))
    finally:
        server.kill()


if __name__ == "__main__":
    main()
