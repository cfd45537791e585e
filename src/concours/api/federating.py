"""A federation of real sites: its server's end, which runs a contest, and a site's end, which answers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from concours.api.contest import Contest
from concours.contest import deployed, federations
from concours.core.errors import ContestError, EndpointRefused
from concours.core.optional import install_command, installed
from concours.core.ports import Executor, Listener, Store, ignore
from concours.runs.result import Result
from concours.stores.disk import DiskStore
from concours.tasks.task import Task

_AGAIN_S = 2.0


def federate(
    contest: Contest,
    superlink: str,
    *,
    root: bytes | None = None,
    keys: Mapping[str, bytes] | None = None,
    wait_s: float = 60.0,
    listener: Listener = ignore,
    began: float | None = None,
) -> Result:
    """Runs a contest with `[federation]` whose sites are real ones, or goes on with it.

    Args:
        superlink: `host:port` of a SuperLink of Flower's, which passes messages on.
        root: certificates (PEM) of whoever signed the SuperLink's; none for those that the system trusts.
        keys: public keys of sites by name, to be registered; by default whoever is registered takes part.
        wait_s: how long a site that is not there is waited for.

    Raises:
        ContestError: the contest has no federation, or nobody is registered.
        EndpointRefused: nobody answers at the address, or somebody who is not to be trusted.
        As of `Contest.run`.
    """
    require_flower()
    if contest.format != federations.NAME:
        raise ContestError("there is no table [federation] in this contest, which says how sites train; write one")
    from concours.engine.sites.executor import SitesExecutor
    from concours.engine.sites.link import Link

    with closing(Link(superlink, root)) as link:
        link.admit(keys or {})
        names = sorted(keys) if keys else [place.name for place in link.places()]
        if not names:
            raise ContestError(f"no site is registered at {superlink}; give their public keys: --sites FOLDER")
        task = _without_sites(contest)
        options = deployed.options_for(contest.options, names, _told(task))
        made = replace(contest, task=task, format=deployed.NAME, options=options)

        def around(home: Executor, store: Store) -> Executor:
            return SitesExecutor(home, link, store, wait_s=wait_s, job_s=contest.job_seconds, listener=listener)

        return made.run(listener=listener, began=began, around=around)


def serve(
    superlink: str,
    data: Path,
    key: Path,
    *,
    root: bytes | None = None,
    max_epsilon: float | None = None,
    delta: float = 1e-5,
    told: Callable[[str], None],
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Answers a federation's server from rows that stay here.

    Args:
        key: the file of the site's private key; it is made where it is not there.
        max_epsilon: the most that all training may ever tell of a row, as ε at `delta`; then nothing that comes of rows
            leaves without noise. What has been told is counted beside the data.
        told: is given what the data owner should see, a line each.

    Raises:
        ContestError: there is no such data, or no key in the file.
        EndpointRefused: nobody answers at the address, or somebody who is not to be trusted.
    """
    require_flower()
    if not data.exists():
        raise ContestError(f"--data {data}: there is no such file or folder")
    from concours.engine.accounting import require_accountant
    from concours.engine.sites.keys import own_key
    from concours.engine.sites.ledger import Bound, Ledger
    from concours.engine.sites.node import online
    from concours.engine.sites.reaching import NotThere, Unwanted
    from concours.engine.sites.rows import OwnRows
    from concours.engine.sites.secrets import OwnSecrets
    from concours.engine.sites.site import Site, serve

    if max_epsilon is not None:
        require_accountant()
    ledger = Ledger(data, Bound(epsilon=max_epsilon, delta=delta))
    private, new = own_key(key)
    if new:
        told(f"a key was made: {key}; give {key}.pub to whoever runs the federation, and keep the other")
    with tempfile.TemporaryDirectory(prefix="concours-site-") as folder:
        rows = OwnRows(data, told)
        site = Site(DiskStore(Path(folder)), {"x": rows, "y": rows, "secret": OwnSecrets()}, ledger, told)
        been, said = False, ""
        while not until():
            try:
                with online(superlink, root, private) as node:
                    told(f"connected to {superlink}; {data} stays here, weights and counts leave")
                    been, said = True, ""
                    serve(node, site, told, until=until)
            except NotThere as error:
                if not been:
                    raise EndpointRefused(str(error)) from None
                said = _say_once(f"{error}; it is tried again", said, told)
            except Unwanted as error:
                why = f"{error} (this site is not registered there: {key}.pub has to be)"
                said = _say_once(f"{why}; it is tried again", said, told)
            if not until():
                time.sleep(_AGAIN_S)


def require_flower() -> None:
    """Raises ContestError where Flower is not installed."""
    if not installed("flwr"):
        raise ContestError(f"real sites are reached by Flower; get it with: {install_command('flwr')}")


def _say_once(text: str, before: str, told: Callable[[str], None]) -> str:
    if text != before:
        told(text)
    return text


def _without_sites(contest: Contest) -> Task:
    """The task without the column that says whose a row is, where the contest cuts its own rows by one."""
    by = (contest.options.get("sites") or {}).get("by")
    return replace(contest.task, drop=(*contest.task.drop, by)) if by else contest.task


def _told(task: Task) -> dict[str, Any]:
    """What a site must know of the task to read its rows (`engine.schemas.Schema`)."""
    if task.target_column is None:
        raise ContestError("task.target: sites read their rows by the name of a column; name the one that is predicted")
    return {
        "kind": task.kind,
        "target": task.target_column,
        "drop": [name for name in (*task.drop, task.id) if name],
        "labels": dict(task.labels),
        "columns": dict(task.columns),
        "missing": None if task.missing is None else list(task.missing),
    }
