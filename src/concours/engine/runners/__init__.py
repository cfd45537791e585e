"""The runners: what each kind of job does. They alone bring tasks, entrants and kernels together."""

from concours.core.registry import Registry
from concours.engine.work import RunnerSpec

_NUMERIC = ("numpy", "scipy", "scikit-learn")
_OF_DATA = (*_NUMERIC, "pandas", "pyarrow")
_OF_NETWORKS = (*_OF_DATA, "torch", "safetensors")
_OF_SECRETS = (*_NUMERIC, "torch", "safetensors", "flwr", "cryptography")
_OF_GAMES = ("numpy", "torch", "safetensors", "pettingzoo", "open-spiel", "chess")
_ONNX = ("onnx", "onnxruntime")
_OF_VOTES = ("numpy", "scipy", "pyarrow")

_OWN = {
    "check": RunnerSpec(reference="concours.engine.runners.fit:check", version=3),
    "check_frozen": RunnerSpec(reference="concours.engine.runners.frozen:check_frozen", version=2, packages=_ONNX),
    "ask_frozen": RunnerSpec(
        reference="concours.engine.runners.frozen:ask_frozen", version=1, packages=(*_OF_DATA, *_ONNX)
    ),
    "check_asked": RunnerSpec(reference="concours.engine.runners.words:check_asked", version=1),
    "ask_in_words": RunnerSpec(reference="concours.engine.runners.words:ask_in_words", version=1, packages=_OF_DATA),
    "judge": RunnerSpec(reference="concours.engine.runners.judge:judge", version=1, packages=_OF_DATA),
    "judge_pair": RunnerSpec(reference="concours.engine.runners.judge:judge_pair", version=1, packages=_OF_DATA),
    "judgements": RunnerSpec(reference="concours.engine.runners.judgements:judgements", version=1, packages=_OF_DATA),
    "prepare": RunnerSpec(reference="concours.engine.runners.fit:prepare", version=2, packages=_OF_DATA),
    "fit": RunnerSpec(reference="concours.engine.runners.fit:fit", version=4, packages=(*_NUMERIC, "pandas")),
    "calibrate": RunnerSpec(reference="concours.engine.runners.calibrate:calibrate", version=1, packages=_NUMERIC),
    "gather": RunnerSpec(reference="concours.engine.runners.join:gather", version=1, packages=("numpy",)),
    "blend": RunnerSpec(reference="concours.engine.runners.join:blend", version=1, packages=("numpy",)),
    "select": RunnerSpec(reference="concours.engine.runners.join:select", version=5, packages=_NUMERIC),
    "size": RunnerSpec(reference="concours.engine.runners.size:size", version=1),
    "boost": RunnerSpec(reference="concours.engine.runners.boost:boost", version=1, packages=_NUMERIC),
    "weigh_steps": RunnerSpec(reference="concours.engine.runners.boost:weigh_steps", version=1, packages=_NUMERIC),
    "meta_learner": RunnerSpec(reference="concours.engine.runners.boost:meta_learner", version=1, packages=_NUMERIC),
    "cascade": RunnerSpec(reference="concours.engine.runners.cascade:cascade", version=2, packages=_OF_DATA),
    "ask": RunnerSpec(reference="concours.engine.runners.cascade:ask", version=2, packages=_OF_DATA),
    "scorers": RunnerSpec(reference="concours.engine.runners.select:scorers", version=1, packages=_OF_DATA),
    "pick": RunnerSpec(reference="concours.engine.runners.select:pick", version=1, packages=_OF_DATA),
    "route": RunnerSpec(reference="concours.engine.runners.route:route", version=3, packages=_OF_DATA),
    "router": RunnerSpec(reference="concours.engine.runners.route:router", version=3, packages=_OF_DATA),
    "send": RunnerSpec(reference="concours.engine.runners.route:send", version=1, packages=_OF_DATA),
    "architectures": RunnerSpec(reference="concours.engine.runners.merge:architectures", version=2),
    "choose_mix": RunnerSpec(reference="concours.engine.runners.merge:choose_mix", version=1, packages=_OF_DATA),
    "evolve": RunnerSpec(reference="concours.engine.runners.evolve:evolve", version=1, packages=(*_OF_DATA, "cmaes")),
    "merge": RunnerSpec(reference="concours.engine.runners.merge:merge", version=3, packages=_OF_DATA),
    "pupils": RunnerSpec(reference="concours.engine.runners.distil:pupils", version=1, packages=_OF_DATA),
    "teach": RunnerSpec(reference="concours.engine.runners.distil:teach", version=1, packages=_OF_DATA),
    "distil": RunnerSpec(reference="concours.engine.runners.distil:distil", version=1, packages=_OF_DATA),
    "eliminate": RunnerSpec(reference="concours.engine.runners.fewer:eliminate", version=1, packages=_NUMERIC),
    "slim": RunnerSpec(reference="concours.engine.runners.slim:slim", version=1, packages=_OF_DATA),
    "weigh": RunnerSpec(reference="concours.engine.runners.join:weigh", version=3, packages=_NUMERIC),
    "leader": RunnerSpec(reference="concours.engine.runners.talk:leader", version=1, packages=_NUMERIC),
    "talk": RunnerSpec(reference="concours.engine.runners.talk:talk", version=1, packages=_OF_DATA),
    "worth": RunnerSpec(reference="concours.engine.runners.worth:worth", version=1, packages=_NUMERIC),
    "score": RunnerSpec(reference="concours.engine.runners.score:score", version=5, packages=_NUMERIC),
    "credit": RunnerSpec(reference="concours.engine.runners.credit:credit", version=5, packages=_NUMERIC),
    "complement": RunnerSpec(reference="concours.engine.runners.complement:complement", version=3, packages=_NUMERIC),
    "evaluate": RunnerSpec(reference="concours.engine.runners.score:evaluate", version=8, packages=_NUMERIC),
    "portion": RunnerSpec(
        reference="concours.engine.runners.portion:portion", version=1, packages=("numpy", "pyarrow")
    ),
    "receive": RunnerSpec(reference="concours.engine.runners.hosted:receive", version=1, packages=("numpy",)),
    "receive_file": RunnerSpec(
        reference="concours.engine.runners.hosted:receive_file", version=2, packages=("numpy", "pyarrow")
    ),
    "ally": RunnerSpec(reference="concours.engine.runners.ally:ally", version=2, packages=_NUMERIC),
    "rank": RunnerSpec(reference="concours.engine.runners.hosted:rank", version=4, packages=_NUMERIC),
    "watch": RunnerSpec(reference="concours.engine.runners.watched:watched", version=1, packages=_NUMERIC),
    "climb": RunnerSpec(reference="concours.engine.runners.hosted:climb", version=1, packages=_NUMERIC),
    "rank_scores": RunnerSpec(reference="concours.engine.runners.hosted:rank_scores", version=2, packages=("numpy",)),
    "rescore": RunnerSpec(reference="concours.engine.runners.hosted:rescore", version=2),
    "count_votes": RunnerSpec(reference="concours.engine.runners.poll:count_votes", version=1, packages=_OF_VOTES),
    "rate": RunnerSpec(reference="concours.engine.runners.poll:rate", version=2, packages=_OF_VOTES),
    "read_prompts": RunnerSpec(
        reference="concours.engine.runners.answered:read_prompts", version=1, packages=("numpy", "pyarrow")
    ),
    "receive_answers": RunnerSpec(
        reference="concours.engine.runners.answered:receive_answers", version=1, packages=("numpy", "pyarrow")
    ),
    "choice": RunnerSpec(reference="concours.engine.runners.choice:choice", version=2, packages=_NUMERIC),
    "importance": RunnerSpec(reference="concours.engine.runners.explain:importance", version=3, packages=_OF_DATA),
    "dependence": RunnerSpec(reference="concours.engine.runners.explain:dependence", version=1, packages=_OF_DATA),
    "occlude": RunnerSpec(reference="concours.engine.runners.occlude:occlude", version=2, packages=_OF_DATA),
    "gradients": RunnerSpec(
        reference="concours.engine.runners.gradients:gradients", version=2, packages=(*_OF_NETWORKS, "captum")
    ),
    "aligned": RunnerSpec(reference="concours.engine.runners.aligned:aligned", version=1, packages=_OF_NETWORKS),
    "curve": RunnerSpec(reference="concours.engine.runners.curve:curve", version=4, packages=_OF_DATA),
    "subsample": RunnerSpec(reference="concours.engine.runners.rung:subsample", version=1, packages=_OF_DATA),
    "rung": RunnerSpec(reference="concours.engine.runners.rung:rung", version=1, packages=(*_NUMERIC, "pandas")),
    "prune": RunnerSpec(reference="concours.engine.runners.rung:prune", version=4, packages=_NUMERIC),
    "check_agent": RunnerSpec(reference="concours.engine.runners.play:check_agent", version=1),
    "learn_agent": RunnerSpec(reference="concours.engine.runners.play:learn_agent", version=1, packages=_OF_GAMES),
    "meet": RunnerSpec(reference="concours.engine.runners.play:meet", version=2, packages=_OF_GAMES),
    "count_results": RunnerSpec(reference="concours.engine.runners.play:count_results", version=2, packages=("numpy",)),
    "meet_jointly": RunnerSpec(reference="concours.engine.runners.play:meet_jointly", version=2, packages=_OF_GAMES),
    "weigh_agents": RunnerSpec(reference="concours.engine.runners.agents:weigh_agents", version=1, packages=_NUMERIC),
    "rate_agents": RunnerSpec(reference="concours.engine.runners.agents:rate_agents", version=1, packages=_NUMERIC),
    "replay": RunnerSpec(reference="concours.engine.runners.agents:replay", version=2, packages=_OF_GAMES),
    "duels": RunnerSpec(reference="concours.engine.runners.duel:duels", version=1, packages=_NUMERIC),
    "by_fold": RunnerSpec(reference="concours.engine.runners.diagnose:by_fold", version=2, packages=_NUMERIC),
    "diagnose": RunnerSpec(reference="concours.engine.runners.diagnose:diagnose", version=3, packages=_OF_DATA),
    "answers": RunnerSpec(reference="concours.engine.runners.answers:answers", version=1, packages=_OF_DATA),
    "attack": RunnerSpec(reference="concours.engine.runners.attack:attack_model", version=1, packages=_OF_DATA),
    "train_on_attacks": RunnerSpec(
        reference="concours.engine.runners.attack:train_on_attacks", version=1, packages=_OF_DATA
    ),
    "robustness": RunnerSpec(reference="concours.engine.runners.attack:robustness", version=3, packages=_NUMERIC),
    "begin_federation": RunnerSpec(
        reference="concours.engine.runners.federate:begin_federation", version=1, packages=_OF_NETWORKS
    ),
    "account": RunnerSpec(reference="concours.engine.runners.account:account", version=1, packages=("opacus",)),
    "local": RunnerSpec(reference="concours.engine.runners.federate:local", version=2, packages=_OF_NETWORKS),
    "aggregate_round": RunnerSpec(
        reference="concours.engine.runners.federate:aggregate_round", version=1, packages=_OF_NETWORKS
    ),
    "settle_federation": RunnerSpec(
        reference="concours.engine.runners.federate:settle_federation", version=1, packages=_OF_NETWORKS
    ),
    "train_at_home": RunnerSpec(
        reference="concours.engine.runners.federate:train_at_home", version=2, packages=_OF_NETWORKS
    ),
    "credit_sites": RunnerSpec(
        reference="concours.engine.runners.trust:credit_sites", version=2, packages=_OF_NETWORKS
    ),
    "suspect_sites": RunnerSpec(
        reference="concours.engine.runners.trust:suspect_sites", version=1, packages=("numpy", "scipy", "safetensors")
    ),
    "attack_members": RunnerSpec(
        reference="concours.engine.runners.trust:attack_members", version=2, packages=_OF_NETWORKS
    ),
    "as_sites_say": RunnerSpec(reference="concours.engine.runners.federate:as_sites_say", version=1),
    "score_sites": RunnerSpec(reference="concours.engine.runners.federate:score_sites", version=1, packages=_OF_DATA),
    "train_interval": RunnerSpec(
        reference="concours.engine.runners.train_interval:train_interval", version=3, packages=_OF_DATA
    ),
    "propose": RunnerSpec(reference="concours.engine.runners.propose:propose", version=1, packages=("numpy", "optuna")),
    "train_pair": RunnerSpec(reference="concours.engine.runners.generate:train_pair", version=1, packages=_NUMERIC),
    "evaluate_generators": RunnerSpec(
        reference="concours.engine.runners.generate:evaluate_generators", version=1, packages=_NUMERIC
    ),
    "form_of_rows": RunnerSpec(
        reference="concours.engine.runners.deployed:form_of_rows", version=1, packages=("numpy", "pyarrow")
    ),
    "site_sums": RunnerSpec(reference="concours.engine.runners.deployed:site_sums", version=1, packages=_OF_DATA),
    "site_rows": RunnerSpec(reference="concours.engine.runners.deployed:site_rows", version=1, packages=_OF_DATA),
    "begin_at_sites": RunnerSpec(
        reference="concours.engine.runners.deployed:begin_at_sites", version=1, packages=_NUMERIC
    ),
    "train_at_site": RunnerSpec(
        reference="concours.engine.runners.deployed:train_at_site", version=1, packages=_NUMERIC
    ),
    "aggregate_sites": RunnerSpec(
        reference="concours.engine.runners.deployed:aggregate_sites", version=1, packages=_NUMERIC
    ),
    "aggregate_hiding": RunnerSpec(
        reference="concours.engine.runners.deployed:aggregate_sites",
        version=1,
        packages=_NUMERIC,
        once="their noise came from the system, which nobody can draw again",
    ),
    **{
        name: RunnerSpec(reference=f"concours.engine.runners.secure:{name}", version=1, packages=_OF_SECRETS)
        for name in ("secret_keys", "share_secrets", "masked_at_site", "reveal_shares", "aggregate_masked")
    },
    "keep_federated": RunnerSpec(
        reference="concours.engine.runners.deployed:keep_federated", version=1, packages=_NUMERIC
    ),
    "continued": RunnerSpec(reference="concours.engine.runners.continued:continued", version=1, packages=_OF_DATA),
    "drawn": RunnerSpec(reference="concours.engine.runners.drawn:drawn", version=1, packages=_OF_DATA),
    "run_submission": RunnerSpec(
        reference="concours.engine.runners.submitted:run_submission", version=1, packages=_OF_DATA
    ),
    "run_scorer": RunnerSpec(
        reference="concours.engine.runners.submitted:run_scorer", version=1, packages=("numpy", "pandas")
    ),
    "card": RunnerSpec(reference="concours.engine.runners.card:card", version=3, packages=_OF_DATA),
}

RUNNERS = Registry("runners", _OWN, of=RunnerSpec)
"""By the kind of job; imported where the job runs."""
