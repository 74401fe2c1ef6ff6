"""Where a new expert stands: the fitted point, how sure it is, and what it predicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, Self, cast, get_args

import numpy as np

from routing.errors import DataError
from routing.onboarding.basis import Basis
from routing.predictors.links import sigmoid
from routing.schema import Floats

Source = Literal["probes", "published figures", "probes and published figures"]
INSIDE_90: Final = 1.645  # standard deviations either side of the mean that hold 90 % of a normal distribution
SPREAD: Final = 2.2
"""Half-widths for means over 25 prompts, in standard deviations: 84 to 95 % of validation outcomes lie inside after 20
to 200 probes (README, "Own experts")."""
SPREAD_OF_FIGURES: Final = 3.0
"""The same where no prompt of its own was seen: 89 to 98 % inside with 3 to 10 figures; with 2.2, 81 to 94 %."""
NEIGHBOURS: Final = 25.0  # intervals are for means over 25 prompts (systems.md 5)
FLOOR: Final = 0.0005


@dataclass(frozen=True, slots=True)
class Skill:
    """The fitted parameters of an onboarded expert.

    Args:
        graph_sha256: The graph that its basis belongs to; under another graph the skill means nothing.
        mean: Where the expert most likely is, shape (n_axes,).
        covariance: How sure that is, shape (n_axes, n_axes).
        source: What it was learned from.
        n_probes: Outcomes that it rests on.
        n_figures: Published figures that it rests on.
        fitted: When.
    """

    graph_sha256: str
    mean: Floats
    covariance: Floats
    source: Source
    n_probes: int
    n_figures: int
    fitted: date

    @property
    def origin(self) -> str:
        """What it was learned from, in a few words: "30 probes and published figures"."""
        count = f"{self.n_probes} probe{'s' if self.n_probes != 1 else ''}"
        parts = [count if self.n_probes else "", "published figures" if self.n_figures else ""]
        return " and ".join(part for part in parts if part)

    def predict(self, basis: Basis, axes: Floats) -> tuple[Floats, Floats, Floats]:
        """Predicted score and its 90 % interval, each of shape (n_prompts,), in [0, 1].

        The score is the mean over what the skill leaves open; the interval holds that and the scatter of outcomes.

        Source: logistic-normal mean after MacKay 1992, "The evidence framework applied to classification networks".
        """
        centre = axes @ self.mean
        variance = np.einsum("ij,jk,ik->i", axes, self.covariance, axes) + basis.open_variance(axes)
        score = sigmoid(centre / np.sqrt(1.0 + np.pi * variance / 8.0))
        scatter = score * (1.0 - score)
        spread = SPREAD if self.n_probes or not self.n_figures else SPREAD_OF_FIGURES
        half = np.sqrt(spread**2 * (scatter / NEIGHBOURS + FLOOR) + INSIDE_90**2 * variance * scatter**2)
        return score, np.clip(score - half, 0.0, 1.0), np.clip(score + half, 0.0, 1.0)

    def as_json(self) -> dict[str, Any]:
        """Plain values; the covariance as its lower triangle, six digits each."""
        lower = np.tril_indices(len(self.mean))
        return {
            "graph_sha256": self.graph_sha256,
            "mean": [float(f"{x:.6g}") for x in self.mean],
            "covariance": [float(f"{x:.6g}") for x in self.covariance[lower]],
            "source": self.source,
            "n_probes": self.n_probes,
            "n_figures": self.n_figures,
            "fitted": self.fitted.isoformat(),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What ``as_json`` wrote.

        Raises:
            DataError: It is something else.
        """
        try:
            mean = np.array(raw["mean"], dtype=np.float64)
            covariance = np.zeros((len(mean), len(mean)))
            covariance[np.tril_indices(len(mean))] = np.array(raw["covariance"]).reshape(
                len(mean) * (len(mean) + 1) // 2
            )
            covariance += np.tril(covariance, -1).T
            source = str(raw["source"])
            if source not in get_args(Source) or not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
                raise ValueError(source)
            return cls(
                graph_sha256=str(raw["graph_sha256"]),
                mean=mean,
                covariance=covariance,
                source=cast("Source", source),
                n_probes=int(raw["n_probes"]),
                n_figures=int(raw["n_figures"]),
                fitted=date.fromisoformat(str(raw["fitted"])),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise DataError(f"This is not a stored skill ({problem!r}); onboard the expert again.") from problem
