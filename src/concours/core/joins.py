"""The ways to join: a row of one table each.

A row names, as `module:attribute`, what does each part of the work, so that a new way is a new row, and no code asks
which way an alliance is of.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from concours.core.digests import Digest
from concours.core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What predicting with a joint reads.

    Attributes:
        parents: those whose predictions count, in the order of the joint's.
        objects: digests of what it keeps itself.
        sometimes: those of the parents that are asked about some rows only, by what others told of them or by the rows.
        shares: (parents,), the share of the rows that each is asked about; empty where all are about all.
    """

    parents: tuple[Digest, ...]
    objects: tuple[Digest, ...] = ()
    sometimes: tuple[Digest, ...] = ()
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Join:
    """A way to join: who does what for it, each as `module:attribute`.

    Attributes:
        what: the way, in words for people.
        of: what of the parents is joined: their predictions; their weights, or their knowledge, what they predict of
            rows that others learn from, so that it has models of its own, as a single entrant has; or calls, where who
            is asked depends on the row, or on what was answered of it.
        plan: the process that chooses members and finds what they are joined by (`cooperate.joining.Joining`).
        fit: makes the job that joins the parents' kept predictions for the board (`compete.joined`).
        before: makes the jobs that come before that one, whose outputs it reads; empty where there are none.
        models: of what has models of its own, makes the jobs that make that of a fold (`compete.own`).
        run: joins the parents' predictions of new rows (`engine.joints`).
        needs: what predicting with it reads, as `Needs`.
        credit: how coalitions of its members are joined, as `cooperate.terms.Terms`.
        cost: what it takes, as `core.lineage.Cost`.
        artifacts: what it keeps, of `Artifacts`.
        can: what the output must be able to (`core.kind.Output.can`).
        of_rows: what rows must be able to, one of these (`core.kind.Input.can`), where it reads rows themselves: then
            `fit` gets them too, as inputs `x` and, of the test part, `test_x`.
        of_models: whether it asks the parents anew: then `fit` gets their models too, as inputs `model0`, ….
        rounds: of reading what others say, unless somebody says otherwise; 0 where nobody reads.
        usual: whether it is taken where no strategies are named.
        limited: whether it keeps declared limits, and is taken where there are any.
        even: whether all members weigh the same.
        fewest: how few it joins.
        takes: keys of a strategy's table that it takes besides those of all (`contest.strategies`).
        calibrated: whether its probabilities are corrected as an entrant's are.
        declared: the table of a contest file that asks for it, where it is no strategy; else empty.
        answers: whether it can be asked for new rows.
    """

    what: str
    plan: str
    of: Literal["predictions", "weights", "knowledge", "calls"] = "predictions"
    fit: str = "concours.compete.joined:by_weights"
    before: str = ""
    models: str = "concours.compete.own:merged"
    run: str = "concours.engine.joints:by_weights"
    needs: str = "concours.core.needed:those_with_a_weight"
    credit: str = "concours.cooperate.terms:kept_weights"
    cost: str = "concours.core.lineage:added_up"
    artifacts: tuple[str, ...] = ()
    can: tuple[str, ...] = ()
    of_rows: tuple[str, ...] = ()
    of_models: bool = False
    rounds: int = 0
    usual: bool = True
    limited: bool = False
    even: bool = False
    calibrated: bool = True
    fewest: int = 2
    takes: tuple[str, ...] = ()
    declared: str = ""
    answers: bool = True

    @property
    def own(self) -> bool:
        """Whether it has models of its own, made of what the models of each fold are or know."""
        return self.of in ("weights", "knowledge")

    @property
    def alike(self) -> bool:
        """Whether it averages weights of networks, which have to begin alike for that."""
        return self.of == "weights" and self.fewest > 1

    @property
    def chooses(self) -> bool:
        """Whether who is asked depends on the row, so that costs count."""
        return self.of == "calls" and not self.rounds

    def suits(self, can: Container[str], rows: Container[str] = ()) -> bool:
        """Whether it can join predictions of an output that can do that, of rows that can do that."""
        read = not self.of_rows or any(each in rows for each in self.of_rows)
        return read and all(need in can for need in self.can)


_MERGE = Join(
    what="the mean of the weights of networks of one architecture (Wortsman et al. 2022)",
    of="weights",
    can=("sum",),
    plan="concours.cooperate.soups:Soup",
    needs="concours.core.needed:only_itself",
    credit="concours.cooperate.terms:merged_again",
    cost="concours.core.lineage:of_its_own",
    usual=False,
    even=True,
)
_TALK = Join(
    what="one language model reads what all said, and has the last word",
    of="calls",
    of_rows=("words",),
    of_models=True,
    rounds=1,
    plan="concours.cooperate.talks:Mixture",
    fit="concours.compete.joined:by_talking",
    run="concours.engine.joints:by_talking",
    credit="concours.cooperate.terms:of_nobody",
    artifacts=("rounds", "last", "fold_last"),
    usual=False,
    calibrated=False,
)

_SLIM = Join(
    what="a network whose weights are kept as whole numbers of a byte, each row of a matrix on a scale of its own",
    of="weights",
    can=("teach",),
    plan="concours.cooperate.slim:Quantize",
    models="concours.compete.own:slimmed",
    needs="concours.core.needed:only_itself",
    credit="concours.cooperate.terms:of_nobody",
    cost="concours.core.lineage:of_its_own",
    artifacts=("slimmed",),
    usual=False,
    even=True,
    fewest=1,
)

_FEDERATED = Join(
    what="sites train it together, and none shows its rows to others",
    of="weights",
    plan="concours.cooperate.federation:Federating",
    needs="concours.core.needed:only_itself",
    credit="concours.cooperate.terms:of_nobody",
    cost="concours.core.lineage:of_its_rounds",
    artifacts=("fold_models", "fit_s"),
    can=("sum",),
    usual=False,
    even=True,
    calibrated=False,
    declared="federation",
)
_AT_HOME = replace(
    _FEDERATED,
    of="predictions",
    fit="concours.compete.joined:as_sites_say",
    run="concours.engine.joints:as_sites_say",
    artifacts=("at_home", "fit_s"),
    answers=False,
)

_OWN: Mapping[str, Join] = {
    "average": Join(
        what="the plain mean of the members’ predictions",
        plan="concours.cooperate.blends:Average",
        even=True,
    ),
    "vote": Join(
        what="each member has one vote",
        plan="concours.cooperate.blends:Vote",
        can=("vote",),
        even=True,
        calibrated=False,
    ),
    "majority": Join(
        what="a vote of what members say, weighted by what each is worth",
        plan="concours.cooperate.blends:Majority",
        can=("majority",),
    ),
    "greedy": Join(
        what="members are added one at a time, each time the one that helps most (Caruana et al. 2004)",
        plan="concours.cooperate.blends:Greedy",
    ),
    "stack": Join(
        what="weights with which the members together lose least: a pool of log probabilities, a sum of numbers, or a "
        "mixture of samplers",
        plan="concours.cooperate.blends:Stack",
        credit="concours.cooperate.terms:weights_found_again",
        can=("weigh",),
    ),
    "stack-boosted": Join(
        what="trees boosted on the members’ predictions; shares are of what their splits gained",
        plan="concours.cooperate.boosted:BoostedStack",
        fit="concours.compete.joined:by_meta_learners",
        run="concours.engine.joints:by_meta_learner",
        needs="concours.core.needed:all_and_the_learner",
        credit="concours.cooperate.terms:meta_learners",
        artifacts=("model", "fold_models"),
        can=("boost",),
        usual=False,
    ),
    "by-horizon": Join(
        what="weights for each stretch of the steps ahead, with which the members’ forecasts together err least there",
        plan="concours.cooperate.boosted:StepStack",
        fit="concours.compete.joined:by_meta_learners",
        run="concours.engine.joints:by_meta_learner",
        needs="concours.core.needed:all_and_the_learner",
        credit="concours.cooperate.terms:meta_learners",
        artifacts=("model", "fold_models"),
        can=("steps",),
    ),
    "budgeted": Join(
        what="members are added one at a time, within declared limits of what predicting costs",
        plan="concours.cooperate.budgeted:Budgeted",
        artifacts=("limits", "uses"),
        can=("sum",),
        usual=False,
        limited=True,
    ),
    "cascade": Join(
        what="the cheapest member is asked first, and each dearer one only about what those before were not sure of",
        of="calls",
        plan="concours.cooperate.cascade:Cascade",
        fit="concours.compete.joined:by_asking",
        run="concours.engine.joints:by_asking",
        needs="concours.core.needed:one_after_the_other",
        credit="concours.cooperate.terms:kept_thresholds",
        artifacts=("thresholds", "fold_thresholds", "asked", "fold_asked"),
        can=("cascade",),
        usual=False,
    ),
    "select": Join(
        what="each row has the answer of one member, by what speaks for each: who else says so, and what it is like",
        plan="concours.cooperate.select:Select",
        fit="concours.compete.joined:by_selecting",
        run="concours.engine.joints:by_selecting",
        needs="concours.core.needed:all_of_them",
        credit="concours.cooperate.terms:kept_scorers",
        artifacts=("scorers", "fold_scorers"),
        can=("select",),
        of_rows=("words",),
        usual=False,
    ),
    "route": Join(
        what="each row goes to one member, by what it tells of how members will score on it, and what these cost",
        of="calls",
        of_rows=("words", "columns"),
        plan="concours.cooperate.route:Route",
        fit="concours.compete.joined:by_routing",
        run="concours.engine.joints:by_routing",
        needs="concours.core.needed:one_of_them",
        credit="concours.cooperate.terms:kept_routers",
        artifacts=("model", "fold_models", "handicaps", "fold_handicaps", "asked", "curve", "chosen"),
        usual=False,
    ),
    "mixture": _TALK,
    "debate": replace(
        _TALK,
        what="language models read what the others said and may change their minds, until they agree; then they vote",
        rounds=2,
        plan="concours.cooperate.talks:Debate",
        even=True,
    ),
    "soup": _MERGE,
    "soup-greedy": replace(
        _MERGE,
        what="the same of those networks that make it no worse, the best first",
        plan="concours.cooperate.soups:GreedySoup",
        even=False,
    ),
    "ties": replace(
        _MERGE,
        what="what such networks have learned, trimmed, and averaged where they agree (TIES, Yadav et al. 2023)",
        plan="concours.cooperate.soups:Ties",
        artifacts=("mix",),
    ),
    "migrate": replace(
        _MERGE,
        what="a network moved towards the best of its architecture, or towards the mean of all",
        plan="concours.cooperate.soups:Migrate",
        even=False,
    ),
    "evolve": replace(
        _MERGE,
        what="the mean with weights that an evolution finds, for groups of layers (CMA-ES, Hansen 2016)",
        plan="concours.cooperate.evolution:Evolve",
        takes=("trials",),
        even=False,
    ),
    "evolve-ties": replace(
        _MERGE,
        what="the same of TIES: weights and the share that is kept",
        plan="concours.cooperate.evolution:EvolveTies",
        artifacts=("mix",),
        takes=("trials",),
        even=False,
    ),
    "distil": Join(
        what="one model learns from what its teachers predict (Bucila et al. 2006; Hinton et al. 2015)",
        of="knowledge",
        can=("teach",),
        plan="concours.cooperate.distil:Distil",
        models="concours.compete.own:taught",
        needs="concours.core.needed:only_itself",
        credit="concours.cooperate.terms:of_nobody",
        cost="concours.core.lineage:of_its_own",
        artifacts=("student",),
        usual=False,
        even=True,
        fewest=1,
        takes=("student", "params", "temperature", "mix", "made", "unlabelled"),
    ),
    "prune": replace(
        _SLIM,
        what="a network whose least units, or least weights, are left out, and that is trained a little after that",
        plan="concours.cooperate.slim:Prune",
        takes=("share",),
    ),
    "quantize": _SLIM,
    "prune-members": Join(
        what="the members of an alliance without those that add nothing to it",
        plan="concours.cooperate.fewer:PruneMembers",
        can=("sum",),
        usual=False,
        fewest=1,
    ),
    "nash": Join(
        what="one agent is drawn for each match, so that nobody can gain by knowing whom (Balduzzi et al. 2018)",
        plan="concours.cooperate.agents:Nash",
        can=("meet",),
    ),
    "council": Join(
        what="each move is a vote of agents, weighted by the odds at which each wins",
        of="calls",
        plan="concours.cooperate.agents:Council",
        fit="concours.compete.joined:by_playing",
        before="concours.compete.joined:meeting",
        credit="concours.cooperate.terms:of_nobody",
        artifacts=("agents", "field"),
        can=("meet",),
        calibrated=False,
    ),
    "federated": _FEDERATED,
    "alone": replace(_AT_HOME, what="each site has a model of its own rows, and predicts its own"),
    "personal": replace(
        _AT_HOME, what="each site trains the last layer of the federated model at home, and predicts its own rows"
    ),
}

JOINS = Registry("joins", _OWN, of=Join)
"""The ways to join, by name, in the order in which they are made."""
