"""What item response theory makes readable: the skills of experts and the difficulty of domains."""

from typing import Any

from routing.evaluation.trial import Trial


def item_facts(trial: Trial) -> dict[str, Any]:
    """Skills, experts and difficulty by domain; empty where the method is not in the registry."""
    return {}
