"""What ``train`` says at the end of a training on own tables: whether routing pays there, and how to decide by it."""

import tempfile
from pathlib import Path

from routing.catalog import ASSETS, load_catalog
from routing.commands import priced, say
from routing.commands.experts import own_experts
from routing.outcomes import assign_splits, read
from routing.own import OwnExpert, merged


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
    has_prices = (data / "experts.csv").is_file()
    facts = priced(data) if has_prices else merged(load_catalog(), own_experts()).experts
    known = {expert.name: expert for expert in facts}
    names = sorted(outcomes.cells["expert"].unique())
    experts = [known.get(name) or OwnExpert(name).expert for name in names]
    with tempfile.TemporaryDirectory() as made:
        measures = judged(Path(made), outcomes, out, ASSETS, experts, say)
    print(verdict(measures, {expert.name: expert.title for expert in experts}).text)
    say(f'Decide by it with: python -m routing route "PROMPT" --from {out}')
