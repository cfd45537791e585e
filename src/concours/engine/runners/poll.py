"""What a poll has done: batches of votes are counted, and rated together.

What somebody sent may be gone, damaged or of another form. That is its failure, with a reason, and never the poll's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.digests import Digest
from concours.core.errors import ContentRefused, DataError, ObjectDamaged, ObjectNotFound, nearest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.work import JobResult
from concours.kernels.rating.estimating import by_clusters, by_counts
from concours.kernels.rating.lines import among, checked, lines, unsettled, unsure
from concours.kernels.rating.pairing import falls, telling
from concours.kernels.rating.ratings import PRIOR, Rated
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.voters import crowd, evidence, needed
from concours.kernels.rating.votes import Boards
from concours.kernels.scoring.intervals import LEVEL
from concours.stores.blobs import get_table, put_table
from concours.tasks.battle_columns import Columns, found_columns
from concours.tasks.battle_files import Battles, Source
from concours.tasks.battles import Tally
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.packed import refuse_packed_arrow

_LEFT, _RIGHT, _WINNER = "model_a", "model_b", "winner"
_PAIRS: Final = 1000
_VOTERS: Final = 50
_WON = (_LEFT, _RIGHT, "tie")
"""By the codes of outcomes (`kernels.rating.votes`)."""


def count_votes(job: Job, store: Store) -> JobResult:
    """A batch of votes that somebody sent, in one form: columns `model_a`, `model_b`, `winner`, and those of clusters.

    Input: `votes`, a table of battles, whose columns are found as `concours rate` finds them. Params: `names`, of whom
    it may speak; `cluster`, columns that it must have. Output: `votes`. Values: `battles`, how many.

    Raises:
        DataError: it is not there, is damaged, has other columns or values, or names somebody else.
    """
    table, cluster = _sent(store, job.inputs["votes"]), job.params["cluster"]
    source = Source(table, where="this batch")
    given = dict.fromkeys(("left", "right", "winner"))
    columns = found_columns(source.names, given, {"clusters": tuple(cluster)}, source.where)
    tally = Tally(columns, keep=True)
    for batch in source.batches(columns):
        tally.add(batch)
    names, known = tally.counts.names, job.params["names"]
    if strangers := sorted(set(names) - set(known)):
        raise DataError(
            f"{strangers[0]!r} is nobody who had joined when these votes came; {nearest(strangers[0], known)}"
        )
    rows = tally.kept()
    model = np.array(names, dtype=object)
    own = {_LEFT: model[rows.votes.left], _RIGHT: model[rows.votes.right]}
    own[_WINNER] = np.array(_WON, dtype=object)[rows.votes.outcome]
    for name, voters, codes in zip(cluster, rows.voters, rows.clusters, strict=True):
        own[name] = np.array(voters, dtype=object)[codes]
    votes = pa.table({name: pa.array(values, pa.string()) for name, values in own.items()})
    return JobResult(outputs={"votes": put_table(store, votes)}, values={"battles": len(votes)})


def rate(job: Job, store: Store) -> JobResult:
    """Ratings from all batches together, as `concours rate` gives them for a file of these battles.

    Inputs: `votes0`, `votes1`, …, as `count_votes` yields them. Params: `cluster`; `without`, names of those whose
    battles are left out; `unheard`, voters whose votes are, by the first of the clusters; `placed`, who has a place,
    which is among these alone; `shown`, between whom battles may be shown next. Values: `ratings`, best first
    (`kernels.rating.lines.Rating`); `warnings`; `battles`; `pairs` of those shown that tell most, by their numbers,
    with the share of each (`kernels.rating.pairing.telling`); `voters` who do not vote as the crowd does, those of whom
    it is surest first.

    Raises:
        DataError: nobody can be rated by them.
    """
    cluster = tuple(job.params["cluster"])
    tally = Tally(Columns(left=_LEFT, right=_RIGHT, winner=_WINNER, clusters=cluster), keep=bool(cluster))
    batches = [get_table(store, job.inputs[f"votes{number}"]) for number in range(len(job.inputs))]
    tally.add(_among(pa.concat_tables(batches).combine_chunks(), job.params, cluster))  # thousands of batches are small
    counts, ties = tally.counts, TIES["half"]
    boards = checked(counts)
    (alone,) = by_counts(boards, ties)
    (board,) = by_clusters(boards, ties, tally.kept(), [None]) if cluster else (alone,)
    found = among(lines(counts.names, board, boards, 0, None), counts.names, board, job.params["placed"])
    values = {
        "ratings": [line.to_json() for line in found],
        "warnings": [*unsure(board), *unsettled(found, board.rated)],
        "battles": tally.rows,
        "pairs": _next_pairs(counts.names, alone.rated, job.params["shown"]),
        "voters": _unlike(tally, boards) if cluster else [],
    }
    return JobResult(values=values)


def _next_pairs(names: Sequence[str], rated: Rated, shown: Sequence[str]) -> list[list[float]]:
    """The pairs that tell most about the ratings of those shown; of who has met nobody yet the prior is known."""
    codes = {name: code for code, name in enumerate(names) if rated.standing.played[code] > 0}
    met = [place for place, name in enumerate(shown) if name in codes]
    of = [codes[shown[place]] for place in met]
    theta, covariance = np.zeros(len(shown)), np.diag(np.full(len(shown), PRIOR**2))
    theta[met] = rated.theta[of]
    covariance[np.ix_(met, met)] = rated.covariance[np.ix_(of, of)]
    found = telling(falls(covariance, theta, np.arange(len(shown))), most=_PAIRS)
    return [[first, second, float(f"{share:.6g}")] for first, second, share in found]


def _unlike(tally: Tally, board: Boards) -> list[dict[str, Any]]:
    """Voters against whom there is evidence, as `concours audit` tells it."""
    rows = tally.kept()
    votes, (voter, *_) = rows.among(rows.of(None))
    who = rows.voters[0]
    found = evidence(votes, voter, crowd(board), len(who))
    greatest = np.maximum(found.random, found.against)
    told = [code for code in np.argsort(-greatest, kind="stable").tolist() if greatest[code] >= needed(len(who), LEVEL)]
    return [
        {
            "voter": who[code],
            "votes": int(found.votes[code]),
            "as_if": "at random" if found.random[code] >= found.against[code] else "against the crowd",
            "log10_evidence": float(greatest[code] / log(10)),
        }
        for code in told[:_VOTERS]
    ]


def keep_votes(battles: Battles, store: Store, *, also: Sequence[str] = ()) -> Digest:
    """Keeps battles so that a signal can name them: those of a file, a data frame or a table, as they are.

    Args:
        also: columns to keep besides those of models and winner: of clusters, and what tells batches apart.

    Raises:
        DataError: they cannot be read, or a column is missing.
    """
    source = Source(battles)
    given = dict.fromkeys(("left", "right", "winner"))
    columns = found_columns(source.names, given, {"clusters": tuple(also)}, source.where)
    return put_table(store, pa.Table.from_batches(list(source.batches(columns))))


def _sent(store: Store, digest: Digest) -> pa.Table:
    try:
        with damage_named("this batch"):
            with pa.OSFile(str(store.local_path(digest))) as file:
                refuse_packed_arrow(file, "this batch", store.size(digest), of_file=True)
            table = get_table(store, digest)
            table.validate(full=True)
    except (ObjectNotFound, ObjectDamaged, ContentRefused) as error:
        raise DataError(f"these votes cannot be read ({error}); keep them again, and send the signal again") from error
    return table


def _among(votes: pa.Table, params: Mapping[str, Any], cluster: Sequence[str]) -> pa.Table:
    gone = pa.array(params["without"], pa.string())
    left_out = pc.or_(pc.is_in(votes[_LEFT], value_set=gone), pc.is_in(votes[_RIGHT], value_set=gone))
    if cluster and params["unheard"]:
        unheard = pa.array(params["unheard"], pa.string())
        left_out = pc.or_(left_out, pc.is_in(votes[cluster[0]], value_set=unheard))
    return votes.filter(pc.invert(left_out))
