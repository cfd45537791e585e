"""What a cluster costs: jobs on Ray beside bare Ray tasks, one worker beside two, the journal, and the store.

    python benchmarks/ray.py [ADDRESS]

Without an address it runs a cluster of two nodes with a core each on this machine. Prints tables:

- a job that does nothing through the executor, which sends it to a supervised worker of ours, limits its time and
  memory and checks the code that would do it, beside a Ray task that does nothing and goes to Ray's own workers;
- jobs that sleep for a while, so that it does not count how many cores there are, on one slot and on two;
- lines a second that the journal takes, flushed once a hundred and once a line, and that a session reads again;
- operations a job on a store in a bucket (moto, loopback): what the engine and a worker ask of it.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from concours.core.digests import digest_bytes
from concours.core.event import Done
from concours.core.job import Job
from concours.core.ports import Record
from concours.engine.cluster import imported
from concours.engine.journal import FileJournal
from concours.engine.limits import Limits
from concours.engine.on_ray import RayExecutor
from concours.engine.work import execute
from concours.stores.disk import DiskStore
from concours.stores.s3 import S3Store
from concours.testing.toys import REFERENCE, RUNNERS, SLEEP, toy_job

sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent]  # Ray is no file here

JOBS, ROUNDS = 400, 3
LINES = 20_000
_HEAD = Path(__file__).parents[1] / "tests" / "engine" / "ray_cluster.py"


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes of a core each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "address")
        with Path(folder, "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, str(_HEAD), str(file)], stdin=subprocess.PIPE, stdout=log, stderr=log, text=True
            )
        while not file.exists():
            if process.poll() is not None:
                raise RuntimeError(f"the cluster did not start: {Path(folder, 'log').read_text()[-300:]}")
            time.sleep(0.1)
        try:
            yield file.read_text()
        finally:
            process.communicate()


def jobs_seconds(address: str, jobs: list[Job], warm: list[Job], *, workers: int | None = None) -> float:
    """Wall seconds from the first job submitted to the last outcome taken, once the slots stand."""
    with tempfile.TemporaryDirectory() as folder:
        executor = RayExecutor(DiskStore(folder), REFERENCE, address=address, workers=workers, limits=Limits())
        try:
            _all(executor, warm)
            began = time.perf_counter()
            _all(executor, jobs)
            return time.perf_counter() - began
        finally:
            executor.close()


def _all(executor: RayExecutor, jobs: list[Job]) -> None:
    for job in jobs:
        executor.submit(job)
    ended = 0
    while ended < len(jobs):
        ended += sum(isinstance(event, Done) for event in executor.outcomes(timeout_s=60))


def noops(count: int, name: str) -> list[Job]:
    """Jobs that do nothing."""
    return [Job(runner="noop", params={"number": number, "name": name}) for number in range(count)]


def tasks_seconds(address: str) -> float:
    """Wall seconds of as many Ray tasks that do nothing."""
    ray = imported()
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    try:
        task = ray.remote(num_cpus=1)(lambda number: number)
        ray.get([task.remote(number) for number in range(100)])
        began = time.perf_counter()
        ray.get([task.remote(number) for number in range(JOBS)])
        return time.perf_counter() - began
    finally:
        ray.shutdown()


def print_jobs(address: str) -> None:
    """Jobs that do nothing beside tasks that do nothing."""
    ours = [1000 * jobs_seconds(address, noops(JOBS, "jobs"), noops(60, "warm")) / JOBS for _ in range(ROUNDS)]
    bare = [1000 * tasks_seconds(address) / JOBS for _ in range(ROUNDS)]
    mine, theirs = statistics.median(ours), statistics.median(bare)
    print(f"| ms a job, {JOBS} that do nothing, median of {ROUNDS} (load {os.getloadavg()[0]:.1f}) | |")
    print("|---|---:|")
    print(f"| through the executor: supervised worker, limits, code by digest | {mine:.2f} |")
    print(f"| bare Ray tasks | {theirs:.2f} |")
    print(f"| ratio | {mine / theirs:.2f} |\n")


def print_efficiency(address: str) -> None:
    """Jobs of about half a second on one slot and on two."""
    os.environ[SLEEP] = "1.0"
    try:
        jobs = [toy_job(f"sleeps {number}", outputs=()) for number in range(40)]
        warm = [toy_job(f"warm {number}", outputs=()) for number in range(4)]
        one, two = (jobs_seconds(address, jobs, warm, workers=workers) for workers in (1, 2))
    finally:
        del os.environ[SLEEP]
    print(f"| 40 jobs that sleep 0.5 s in the mean (load {os.getloadavg()[0]:.1f}) | s | efficiency |")
    print("|---|---:|---:|")
    print(f"| one slot | {one:.1f} | 1 |\n| two slots | {two:.1f} | {one / two / 2:.2f} |\n")


def print_journal() -> None:
    """What bounds one driver: every outcome is a line of its journal."""
    event = Done(job=digest_bytes(b"job"), outputs={"model": digest_bytes(b"model")}, values={"score": 0.5})
    record = Record(event=event, code=digest_bytes(b"code"))
    print(f"| the journal (load {os.getloadavg()[0]:.1f}) | lines/s | lines a CPU second |\n|---|---:|---:|")
    for every in (100, 1):
        with tempfile.TemporaryDirectory() as folder:
            journal, count = FileJournal(Path(folder, "journal.jsonl")), LINES if every > 1 else 500
            began = time.perf_counter(), time.process_time()
            for number in range(count):
                journal.append(record)
                if number % every == every - 1:
                    journal.flush()
            _rate(f"written, flushed every {every}", count, began)
            journal.close()
            began = time.perf_counter(), time.process_time()
            again = FileJournal(Path(folder, "journal.jsonl"))
            if every > 1:
                _rate("read by the next session", sum(1 for _ in again.records()), began)
            again.close()
    print()


def _rate(name: str, count: int, began: tuple[float, float]) -> None:
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    print(f"| {name} | {count / wall:,.0f} | {count / cpu:,.0f} |")


def print_operations() -> None:
    """What one job with two outputs and two inputs asks of a bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    os.environ |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="bench")
    try:
        with tempfile.TemporaryDirectory() as folder:
            here, there = (S3Store("s3://bench/x", cache=Path(folder, name)) for name in ("here", "there"))
            inputs = {name: here.put(io.BytesIO(name.encode() * 50_000)) for name in ("x", "y")}
            asked, began = Counter[str](), time.perf_counter()
            with counted(asked):
                for number in range(50):
                    execute(_reading(number, inputs), there, RUNNERS)
            seconds = time.perf_counter() - began
    finally:
        server.stop()
    print("| operations on the bucket, 50 jobs of two inputs and two outputs on one node | a job |\n|---|---:|")
    print("\n".join(f"| {name} | {count / 50:.2f} |" for name, count in sorted(asked.items())))
    print(f"| ms, on loopback | {1000 * seconds / 50:.1f} |")


def _reading(number: int, inputs: dict[str, str]) -> Job:
    job = toy_job(f"job {number}")
    return Job(runner=job.runner, params=job.params, inputs=inputs, outputs=job.outputs, label=job.label)  # type: ignore[arg-type]


@contextmanager
def counted(asked: Counter[str]) -> Iterator[None]:
    """Counts what is asked of a bucket."""
    import obstore

    def counting(name: str):
        real = getattr(obstore, name)

        def call(*args, **more):
            asked[name] += 1
            return real(*args, **more)

        return call

    with patch.multiple(obstore, **{name: counting(name) for name in ("put", "get", "head", "list", "delete")}):
        yield


def main() -> None:
    """Prints the tables."""
    if sys.argv[1:]:
        print_jobs(sys.argv[1])
        print_efficiency(sys.argv[1])
    else:
        with cluster() as address:
            print_jobs(address)
            print_efficiency(address)
    print_journal()
    print_operations()


if __name__ == "__main__":
    main()
