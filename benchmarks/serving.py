"""Load on a served run: throughput against offline ``predict``, lost requests, memory, malformed requests.

    python benchmarks/serving.py RUN INPUTS.txt --requests 10000 --clients 8 --malformed 1000

The server is a process of its own with one thread; the clients are threads of another process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
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


def offline(run: str, lines: list[str], threads: int, engine: str) -> tuple[float, float]:
    """Inputs a second of ``predict`` in one process, without its start, and CPU milliseconds of one."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.prediction.opening import open_predictor

    predictor = open_predictor(
        Path(run), launch=Launch(device="cpu", threads=threads), engine=engine
    ).predictor
    list(predictor(lines[:64]))
    begin, cpu = time.perf_counter(), time.process_time()
    list(predictor(lines))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return len(lines) / seconds, 1e3 * cpu / len(lines)


def resident(pid: int) -> int:
    """Kilobytes of memory."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process; what else the machine does is not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(url: str, lines: list[str], requests: int, clients: int, pid: int) -> dict:
    found, times, memory, lost = 0, [], [], []
    start = time.perf_counter()
    todo = iter(range(requests))

    async def one_client(client: httpx.AsyncClient) -> None:
        nonlocal found
        for number in todo:
            text = lines[number % len(lines)]
            begin = time.perf_counter()
            answer = await client.post("/v1/predict", json={"inputs": text})
            times.append(time.perf_counter() - begin)
            ok = answer.status_code == 200 and answer.json()["predictions"][0]["input"] == text
            found += ok
            if not ok:
                lost.append((answer.status_code, answer.text[:100]))
            if number % 1000 == 999:
                memory.append(resident(pid))
                print(
                    f"{number + 1} requests, {time.perf_counter() - start:.1f} s, {memory[-1]} kB",
                    file=sys.stderr,
                )

    begin = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.gather(*(one_client(client) for _ in range(clients)))
    seconds = time.perf_counter() - begin
    times.sort()
    return {
        "requests": requests, "clients": clients, "answered": found, "lost": len(lost), "first_lost": lost[:3],
        "per_second": requests / seconds, "p50_ms": 1e3 * times[len(times) // 2],
        "p95_ms": 1e3 * times[int(len(times) * 0.95)], "p99_ms": 1e3 * times[int(len(times) * 0.99)],
        "memory_kb_every_1000": memory,
    }  # fmt: skip


async def malform(url: str, count: int) -> dict:
    statuses: dict[int, int] = {}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for number in range(count):
            answer = await client.post("/v1/predict", **MALFORMED[number % len(MALFORMED)])
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    return statuses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--malformed", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--wait-ms", default="4")
    asked = parser.parse_args()
    lines = asked.inputs.read_text("utf-8").splitlines()
    command = [sys.executable, "-m", "seqspec", "serve", asked.run, "--port", "0", "--threads", str(asked.threads),
               "--engine", asked.engine, "--wait-ms", asked.wait_ms]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        while "http://" not in (told := server.stderr.readline()):
            assert server.poll() is None, told
        url = re.search(r"http://\S+", told).group()
        asyncio.run(load(url, lines, 200, asked.clients, server.pid))
        before = resident(server.pid)
        cpu = cpu_seconds(server.pid)
        result = asyncio.run(load(url, lines, asked.requests, asked.clients, server.pid))
        result["server_cpu_ms_a_request"] = 1e3 * (cpu_seconds(server.pid) - cpu) / asked.requests
        result["memory_kb_before"] = before
        result["malformed"] = asyncio.run(malform(url, asked.malformed))
        result["memory_kb_after_malformed"] = resident(server.pid)
        result["health_after"] = httpx.get(f"{url}/healthz").status_code
        server.terminate()
        result["exit_after_sigterm"] = server.wait(30)
    finally:
        server.kill()
    result["offline_per_second"], result["offline_cpu_ms_an_input"] = offline(
        asked.run, lines, asked.threads, asked.engine
    )
    result["of_offline"] = result["per_second"] / result["offline_per_second"]
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
