"""What ``train`` says at the end of a training on own tables: whether routing pays there, and how to decide by it."""

import tempfile
from pathlib import Path

from routing.catalog import ASSETS
from routing.commands import say
from routing.commands.own_router import facts_for
from routing.outcomes import assign_splits, read


def say_verdict(data: Path, out: Path) -> None:
    """Judge the router of a folder on the data's test prompts as the Train page does, and print the verdict.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet, and prices in experts.csv if they are not the app's.
        out: Folder of the router.

    Raises:
        DataError: The data cannot be read.
        StoreError: The app's database, which knows prices of own experts, cannot be used.
    """
    from routing.workshop.judging import judged
    from routing.workshop.verdict import verdict

    outcomes = assign_splits(read(data))
    experts = facts_for(data)
    with tempfile.TemporaryDirectory() as made:
        measures = judged(Path(made), outcomes, out, ASSETS, experts, say)
    print(verdict(measures, {expert.name: expert.title for expert in experts}).text)
    say(f'Decide by it with: python -m routing route "PROMPT" --from {out}')
