"""How models complement one another (`insights.complement`), on the test part."""

from __future__ import annotations

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.rows import first_division
from concours.engine.runners.join import members_of
from concours.engine.runners.score import as_taken, decided, groups_of, metrics_of, weights_of
from concours.engine.work import JobResult
from concours.insights.complement import Chooser, best_of, errors_together, smallest
from concours.stores.values import get_values


def complement(job: Job, store: Store) -> JobResult:
    """Whose errors go together, who gets right what the best gets wrong, and the smallest alliance that would do.

    The best is the model with the best score on out-of-fold predictions. An error is a class wrongly named, as the
    model's decision names it; where a number is predicted see `kernels.joining.complementarity.far_off`. Alliances are
    chosen on out-of-fold predictions (`insights.complement.Chooser`), and compared on the test part; where that is the
    out-of-fold predictions themselves, crosswise.

    Params: `decisions` and `names` of the models, `part`. Inputs: `y`, `predictions0…`, and `groups` and `weights`,
    where there are any, of the test part, `oof_y`, `oof0…` and `oof_weights` out-of-fold,
    `folds`. Weights of rows count in scores and in what is chosen by them; errors are counted as they are.

    Values: `names`, lists in their order (`insights.complement.errors_together`), and `smallest`
    (`insights.complement.smallest`), none where undefined. All of it describes these rows, and nothing is called
    certain.
    """
    metric, decisions, crossed = metrics_of(job)[0], job.params["decisions"], job.params["part"] == "oof"
    y, seen_y = get_values(store, job.inputs["y"]), get_values(store, job.inputs["oof_y"])
    models, seen = members_of(job, store, "predictions"), members_of(job, store, "oof")
    folds = first_division(store, job.inputs["folds"])
    with deterministic(threads=job.threads, seed=job.seed):
        weights = weights_of(job, store, name="oof_weights")
        taken = [as_taken(metric, p, d, folds) for p, d in zip(seen, decisions, strict=True)]
        best = best_of(metric, seen_y, taken, weights)
        told = [decided(p, d, folds if crossed else None) for p, d in zip(models, decisions, strict=True)]
        found = output_of(job).errors(y, told, best)
        chooser = Chooser(
            metric=metric, deciding=metric.way.deciding, y=seen_y, models=seen, seed=job.seed, weights=weights
        )
        groups, mass = groups_of(job, store), weights_of(job, store)
        few = smallest(chooser, y, models, folds if crossed else None, groups, mass)
    errors = errors_together(found, best)
    return JobResult(values={"names": list(job.params["names"]), "best": best, **errors, "smallest": few})
