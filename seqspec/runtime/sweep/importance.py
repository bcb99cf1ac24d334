"""How much each setting decides: PED-ANOVA (Watanabe et al. 2023, "PED-ANOVA: Efficiently Quantifying
Hyperparameter Importance in Arbitrary Subspaces", arXiv:2304.10255), as Optuna has it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from seqspec.runtime.sweep.sampler import Known, optuna_trials
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.sections.sweep import Direction
from seqspec.schema.sections.sweep_space import Space

FEWEST = 8
"""Trials with a value below which nothing is said."""


def importances(space: Space, trials: Sequence[Trial], direction: Direction) -> dict[str, float]:
    """The share of each setting in what tells the best tenth of the trials from the rest, the largest first;
    empty with few trials.  Where a rung ends some of them, all are compared at the first.
    """
    known = [Known(one.params, *(one.rungs[:1] or [one.value])) for one in trials if one.state != "failed"]
    known = [one for one in known if one.value is not None]
    if len(known) < FEWEST or len({one.value for one in known}) < 2:
        return {}
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(direction=direction)
        study.add_trials(optuna_trials(space, known))
        found = optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.PedAnovaImportanceEvaluator(),
            params=[one.path for one in space.dimensions],
        )
    return {path: float(share) for path, share in found.items()}
