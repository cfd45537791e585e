"""What a worker may ask of the platform, and what it may not."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from sqlalchemy import delete, update

import concours
from concours.core.event import Done, event_to_json
from concours.core.job import Job
from concours.core.needs import Needs
from concours.server.accounts.own_workers import own_token
from concours.server.database.tables import HOSTS, USERS
from concours.server.working.queue import SqlQueue, standing
from concours.server.working.reach import owner_of

ANN = {"name": "one", "version": concours.__version__}


@pytest.fixture
def ask(people):
    """Asks as a worker of somebody, by default of Ann, an administrator; gives status and body."""
    programs = {name: people.program(name, "work", administrator=True) for name in ("ann", "bob")}
    programs |= {"reader": people.program("cleo", "read"), "": people.program("dan", "work")}
    del programs[""].headers["authorization"]

    def go(method, path, *, by="ann", **more):
        answer = programs[by].request(method, f"/api/work{path}", **more)
        is_json = answer.headers.get("content-type", "").endswith("json")
        return answer.status_code, answer.json() if is_json else answer.content

    return go


@pytest.fixture
def job(platform):
    """A job that waits, and reads one object of two."""
    inputs = {"x": platform.store.put(io.BytesIO(b"public rows"))}
    found = replace(Job(runner="noop", inputs=inputs, outputs=("file",), label="a job"), needs=Needs(sandbox=True))
    SqlQueue(platform.database, "board").put(found)
    return found


def test_a_job_goes_the_whole_way(ask, job, platform):
    _, lease = ask("POST", "/lease", json=ANN)
    assert Job.from_json({name: value for name, value in lease["job"].items() if name != "needs"}) == job
    named = {"name": "one", "token": lease["token"]}
    assert ask("GET", f"/{lease['id']}/inputs/{job.inputs['x']}", params=named) == (200, b"public rows")
    status, beat = ask("POST", f"/{lease['id']}/heartbeat", json={**named, "log": "hello\n", "progress": {"epoch": 2}})
    assert (status, beat["cancelled"]) == (200, False)
    _, put = ask("PUT", f"/{lease['id']}/outputs", params=named, content=b"predictions")
    done = Done(job=job.digest, outputs={"file": put["digest"]})
    told = {**named, "outcome": event_to_json(done)}
    assert [ask("POST", f"/{lease['id']}/result", json=told)[0] for _ in range(2)] == [200, 200]
    queue = SqlQueue(platform.database, "board")
    queue.put(job)
    assert queue.outcomes(0) == [done]
    with platform.database.reading() as db:
        assert standing(db, "board", job.digest).log == "hello\n"


def test_without_work_there_is_nothing(ask):
    assert ask("POST", "/lease", json=ANN) == (204, b"")


def test_only_workers_are_answered(ask, job):
    ask("POST", "/lease", json=ANN)
    named = {"name": "one", "token": 1}
    paths = {
        "POST /lease": {"json": ANN},
        f"GET /1/inputs/{job.inputs['x']}": {"params": named},
        "POST /1/heartbeat": {"json": named},
        "PUT /1/outputs": {"params": named, "content": b"x"},
        "POST /1/result": {"json": {**named, "outcome": {}}},
        "POST /1/return": {"json": named},
    }
    for path, more in paths.items():
        assert ask(*path.split(), by="", **more)[0] == 401, path
        assert ask(*path.split(), by="reader", **more)[0] == 403, path


def test_a_worker_reads_the_inputs_of_its_own_job_alone(ask, job, platform):
    truth = platform.store.put(io.BytesIO(b"the truth"))
    _, lease = ask("POST", "/lease", json=ANN)
    named = {"name": "one", "token": lease["token"]}
    mine = f"/{lease['id']}/inputs/{job.inputs['x']}"
    assert ask("GET", f"/{lease['id']}/inputs/{truth}", params=named)[0] == 404
    assert ask("GET", f"/{lease['id']}/inputs/..%2f..%2fsecret", params=named)[0] == 404
    assert ask("GET", mine, params={**named, "token": lease["token"] + 1})[0] == 409
    assert ask("GET", mine, params={**named, "name": "two"})[0] == 409
    assert ask("GET", mine, params=named, by="bob")[0] == 409
    assert ask("GET", f"/{lease['id'] + 1}/inputs/{job.inputs['x']}", params=named)[0] == 409
    assert ask("POST", f"/{lease['id']}/return", json=named)[0] == 200
    assert ask("GET", mine, params=named)[0] == 409


def test_what_is_returned_must_have_come(ask, job):
    _, lease = ask("POST", "/lease", json=ANN)
    named = {"name": "one", "token": lease["token"]}
    done = event_to_json(Done(job=job.digest, outputs={"file": job.digest}))
    for outcome in (done, {}, {"type": "tick", "elapsed_s": 1.0}, {**done, "outputs": {"file": "../x"}}, {"type": "x"}):
        status, body = ask("POST", f"/{lease['id']}/result", json={**named, "outcome": outcome})
        assert status == 422, (outcome, body)


def test_an_object_that_is_too_large_is_refused(app, ask, job, platform):
    app.state.platform = replace(platform, settings=replace(platform.settings, upload_bytes=1000))
    _, lease = ask("POST", "/lease", json=ANN)
    named = {"name": "one", "token": lease["token"]}
    assert ask("PUT", f"/{lease['id']}/outputs", params=named, content=b"x" * 1001)[0] == 413
    assert ask("PUT", f"/{lease['id']}/outputs", params={**named, "token": 99}, content=b"x")[0] == 409


@pytest.mark.parametrize(
    ("more", "said"),
    [({"version": "0.0.1"}, "install that one"), ({"sandbox": "apt-get install bubblewrap"}, "apt-get")],
)
def test_a_worker_that_cannot_do_the_work_is_told_why(more, said, ask, job):
    status, body = ask("POST", "/lease", json={**ANN, **more})
    assert status == 409
    assert said in body["error"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 101, "a b"])
def test_a_workers_name_is_a_plain_word(name, ask):
    assert ask("POST", "/lease", json={**ANN, "name": name})[0] == 422


# Whose jobs they are

ROLES = {
    "an administrator": 200,
    "a host of it": 200,
    "a host of another": 204,
    "somebody with a draft": 204,
    "a participant of it": 204,
    "who was a host of it": 204,
    "who was an administrator": 204,
}
"""What the workers of somebody are told when a job of a competition waits."""


@pytest.fixture
def worker_of(people, platform):
    """The worker of somebody in a role to the competition `theirs`, in which a job waits: its program, and the job."""
    theirs = people.competition("theirs", host="hanna")
    people.competition("another", host="otto")
    people.competition("a-draft", host="dora", state="draft")
    people.member("paul", theirs)
    inputs = {"truth": platform.store.put(io.BytesIO(b"the truth of theirs"))}
    job = replace(Job(runner="run_scorer", inputs=inputs, label="a job"), needs=Needs(sandbox=True))
    SqlQueue(platform.database, owner_of(theirs)).put(job)

    def host_no_more(name):
        with platform.database.writing() as db:
            db.execute(delete(HOSTS).where(HOSTS.c.user == people.user(name)))
            db.execute(update(USERS).where(USERS.c.id == people.user(name)).values(administrator=False))

    def make(role):
        name, admin = {
            "an administrator": ("ada", True),
            "a host of it": ("hanna", False),
            "a host of another": ("otto", False),
            "somebody with a draft": ("dora", False),
            "a participant of it": ("paul", False),
            "who was a host of it": ("hanna", False),
            "who was an administrator": ("ada", True),
        }[role]
        program = people.program(name, "work", administrator=admin)
        if role.startswith("who was"):
            host_no_more(name)
        return program, job

    make.host_no_more = host_no_more
    return make


@pytest.mark.parametrize("role", ROLES)
def test_a_worker_has_the_jobs_of_who_may_see_all_that_they_bring(role, worker_of):
    """A job brings the truth and what teams have sent, and a worker says what came of it."""
    program, _ = worker_of(role)
    assert [program.post("/api/work/lease", json=ANN).status_code for _ in range(2)] == [ROLES[role], 204]


@pytest.mark.parametrize("role", ["an administrator", "a host of it"])
def test_whoever_hosts_no_more_has_no_job_of_theirs_any_more(role, worker_of, people):
    program, job = worker_of(role)
    lease = program.post("/api/work/lease", json=ANN).json()
    named, at = {"name": "one", "token": lease["token"]}, f"/api/work/{lease['id']}"
    assert program.get(f"{at}/inputs/{job.inputs['truth']}", params=named).status_code == 200
    worker_of.host_no_more("ada" if role == "an administrator" else "hanna")
    outcome = event_to_json(Done(job=job.digest, values={"scores": {"accuracy": 1.0}}))
    asked = (
        program.get(f"{at}/inputs/{job.inputs['truth']}", params=named),
        program.post(f"{at}/heartbeat", json=named),
        program.put(f"{at}/outputs", params=named, content=b"x"),
        program.post(f"{at}/result", json={**named, "outcome": outcome}),
    )
    assert [answer.status_code for answer in asked] == [409] * len(asked)


def test_the_platforms_own_workers_have_all(platform, worker_of, app, from_address):
    with platform.database.writing() as db:
        token = own_token(db, platform.settings)
    own = from_address(app, "127.0.0.1", authorization=f"Bearer {token}")
    assert own.post("/api/work/lease", json=ANN).status_code == 200
