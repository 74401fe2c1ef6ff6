"""All parts of the evidence in one object, each with a sentence on what was done and what limits it."""

from datetime import date
from typing import Any, Final

from routing import predictors
from routing.evaluation.contamination import contamination_rows
from routing.evaluation.folds import TASK_FOLDS
from routing.evaluation.items import item_facts
from routing.evaluation.study import Study
from routing.evaluation.summary import latent_maps, trial_parts
from routing.evidence import Evidence

REFITTED: Final = ("held_out", "controls", "learning", "lengths", "alpha")
"""Parts that need refits."""
ABOUT: Final = {
    "held_out": (
        f"Every source, and in {TASK_FOLDS} folds every task, was left out; training prompts that share their group "
        "with a left-out prompt were dropped; everything was refitted on the rest, with one network seed instead of "
        "three and the encoder frozen, since a tuned encoder has seen what is left out. Only experts that the rest "
        "still measures are judged, and no pool of which fewer than two stay known (strong-weak without routellm). "
        "The best single expert is found on the left-out prompts themselves, which no router can know: the rows of "
        "prompt-blind say what the best expert of the remaining prompts reaches."
    ),
    "controls": (
        "Labels were dealt out anew within each source and every method refitted. Gains are over the expert with the "
        "best mean training score in the prompt's source, which shuffled labels still tell."
    ),
    "learning": "Whole groups drawn at random, larger shares hold smaller ones; the last point is the shipped router.",
    "lengths": (
        "Root mean squared error in tokens (verbosity) and in points of Flesch reading ease (readability), weighted "
        "by outcomes, against the expert's mean in the prompt's source over what was trained on; ranks are within a "
        "prompt."
    ),
    "contamination": (
        "Training and test prompts are random halves of the same tasks, so that a gap above 0 means an expert or our "
        "splits know the training half better; warned of at 95 % shared out over all gaps looked at."
    ),
    "latency": "From text to predictions, one prompt at a time, with whatever else the machine was doing meanwhile.",
    "map": "The two principal axes of the encoder's sentence vectors of the pool's prompts, at most 2,000 of them.",
}


def evidence_of(study: Study, *, split: str, machine: str, with_refits: bool, stored: Evidence | None) -> Evidence:
    """Everything there is to show.

    Args:
        study: The routers on the judged prompts, and refits on demand.
        split: Name of the judged split.
        machine: Where it was measured.
        with_refits: Whether to refit.
        stored: Earlier evidence; its refitted parts stay where nothing is refitted.
    """
    trial = study.trial
    arrays, names = latent_maps(trial)
    refitted: dict[str, Any] = {}
    for part in REFITTED:
        if with_refits:
            study.say(f"Part {part}")
            refitted[part] = getattr(study, part)()
        elif stored is not None:
            refitted[part] = getattr(stored, part)
    return Evidence(
        split=split,
        date=date.today().isoformat(),
        machine=machine,
        contamination=contamination_rows(trial.outcomes, split, study.clusters() if with_refits else None),
        mirt=item_facts(trial),
        map_names=names,
        about={**ABOUT, **_reused(study), "default": predictors.DEFAULT},
        arrays=arrays,
        **trial_parts(trial),
        **refitted,
    )


def _reused(study: Study) -> dict[str, str]:
    """A note where kept refits were taken whatever code they were made with."""
    if not study.shelf.is_lenient:
        return {}
    return {"held_out": f"{ABOUT['held_out']} Refits were kept from an earlier state of the code."}
