"""What refitted routers say of prompts, as arrays that can be kept between runs."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.evaluation.refit import GLIDER, Bench, refit
from routing.schema import Floats, Prediction

if TYPE_CHECKING:
    from routing.training.tables import Table

LENGTHS: Final = ("output_tokens", "reading_ease")

IntArray = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """Predictions of several routers that were fitted on the same prompts.

    Args:
        experts: Experts that they know.
        rows: Prompts predicted, ascending.
        n_train: Prompts they were fitted on.
        score: By router, predicted scores, shape (n_prompts, n_experts).
        output_tokens: Predicted tokens, common to all routers, same shape.
        reading_ease: Predicted reading ease, same shape.
    """

    experts: tuple[str, ...]
    rows: IntArray
    n_train: int
    score: dict[str, NDArray[np.float32]]
    output_tokens: NDArray[np.float32]
    reading_ease: NDArray[np.float32]

    def of(self, name: str, at: IntArray, members: Sequence[str]) -> Prediction:
        """What one router says of some prompts, by place, and of some experts."""
        score = self.score[name][at].astype(np.float64)
        unknown = np.full_like(score, np.nan)
        tokens, ease = (getattr(self, key)[at].astype(np.float64) for key in LENGTHS)
        return Prediction(self.experts, score, unknown, unknown, tokens, ease, unknown).of(members)

    def save(self, path: Path) -> None:
        """Write the arrays; the file appears whole or not at all."""
        part = path.with_name(f".{path.name}.part.npz")
        np.savez_compressed(
            part,
            allow_pickle=False,
            experts=np.array(self.experts),
            rows=self.rows,
            n_train=np.array(self.n_train),
            output_tokens=self.output_tokens,
            reading_ease=self.reading_ease,
            **{f"score/{name}": values for name, values in self.score.items()},
        )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read what was kept; None where it cannot be read, so that it is made anew."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return cls(
                    tuple(str(name) for name in kept["experts"]),
                    kept["rows"],
                    int(kept["n_train"]),
                    {key.removeprefix("score/"): kept[key] for key in kept.files if key.startswith("score/")},
                    kept["output_tokens"],
                    kept["reading_ease"],
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None


def tell(
    bench: Bench, table: "Table", train: IntArray, predicted: IntArray, names: Sequence[str], progress: Say
) -> Told:
    """Fit anew and predict.

    Args:
        bench: What refits share.
        table: Outcomes to fit on.
        train: Prompts to fit on.
        predicted: Prompts to predict.
        names: Predictors of the registry.
        progress: Told what is being fitted.
    """
    inside = {predictors.DEFAULT, *(name for name in names if _is_inside(name)), predictors.PROMPT_BLIND}
    found = refit(bench, table, train, predicted, with_methods=not inside.issuperset(names), progress=progress)
    score: dict[str, NDArray[np.float32]] = {}
    for name in dict.fromkeys((*names, predictors.PROMPT_BLIND)):
        score[name] = _scores(found.predict(name).score)
    if GLIDER in names:
        score |= {name: _scores(prediction.score) for name, prediction in found.at_alphas().items()}
    common = found.predict(predictors.DEFAULT)
    return Told(
        table.experts, predicted, found.n_rows, score, _scores(common.output_tokens), _scores(common.reading_ease)
    )


def _is_inside(name: str) -> bool:
    """Whether a predictor reads outputs of the graph only."""
    return all(head.startswith("score_") for head in predictors.heads_of(name))


def _scores(values: Floats) -> NDArray[np.float32]:
    return values.astype(np.float32)
