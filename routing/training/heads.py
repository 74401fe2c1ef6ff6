"""The training-side network: everything after the encoder as one torch module, which is what is exported.

Large constants are kept as bytes or half-precision numbers and widened in the graph, which the runtime does once,
when it loads the file.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from routing.schema import Floats
from routing.training.fits import Clusters
from routing.training.fitted import Fitted, Memory
from routing.training.perceptive import Perceptive

LEAST: Final = 0.004  # predicted scores stay this far from 0 and 1, so that their logits stay finite
INFERRED_SHARE: Final = 0.03  # weight of a source where an expert was not measured, against one where it was
INFERRED_SPREAD: Final = 0.15  # extra half-width where an expert was never measured in the source
NEIGHBOURS: Final = 25.0  # intervals are for means over 25 prompts (systems.md 5)
SPREAD_FLOOR: Final = 0.0005
OUTPUTS: Final = (
    "score",
    "score_low",
    "score_high",
    "output_tokens",
    "reading_ease",
    "familiarity",
    "share",
    "score_clusters",
    "score_neighbours",
    "score_linear",
    "score_network",
)


class Affine(nn.Module):  # type: ignore[misc]
    """x @ weight + bias with half-precision weights on disk."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(weight, dtype=torch.float16))
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, n_out)."""
        out: Tensor = x @ self.weight.float() + self.bias
        return out


class Hidden(nn.Module):  # type: ignore[misc]
    """A perceptive network for use: its two layers without dropout, and only the columns that are predicted."""

    def __init__(self, net: Perceptive, columns: int) -> None:
        super().__init__()
        self.first = Affine(_array(net.hidden.weight).T, _array(net.hidden.bias))
        self.second = Affine(_array(net.out.weight)[:columns].T, _array(net.out.bias)[:columns])

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities, shape (batch, n_columns)."""
        return torch.sigmoid(self.second(nn.functional.gelu(self.first(x), approximate="tanh")))


class SourceMemory(nn.Module):  # type: ignore[misc]
    """Neighbours and clusters of one source."""

    def __init__(
        self, memory: Memory, clusters: Sequence[Clusters], columns: NDArray[np.int64], temperature: float
    ) -> None:
        super().__init__()
        self.register_buffer("points", torch.tensor(memory.points.T.copy()))
        self.register_buffer("scores", torch.tensor(memory.scores))
        self.temperature = temperature
        self.softness = [found.temperature for found in clusters]
        for i, found in enumerate(clusters):
            self.register_buffer(f"centres{i}", torch.tensor(found.centres.T.copy(), dtype=torch.float16))
            self.register_buffer(f"means{i}", torch.tensor(found.means, dtype=torch.float32))

    def neighbours(self, place: Tensor) -> Tensor:
        """Scores of training prompts, weighted by similarity, shape (batch, n_columns of the source)."""
        closeness = place @ self.points.float() / (127.0 * self.temperature)
        near: Tensor = torch.softmax(closeness, dim=1) @ self.scores.float() / 255.0
        return near

    def cluster_means(self, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Mean scores of soft clusters, averaged over the sets, and the largest cosine to a centre."""
        cosines = [vector @ getattr(self, f"centres{i}").float() for i in range(len(self.softness))]
        shares = [torch.softmax(cosine / soft, dim=1) for cosine, soft in zip(cosines, self.softness, strict=True)]
        means = [share @ getattr(self, f"means{i}") for i, share in enumerate(shares)]
        return torch.stack(means).mean(dim=0), torch.cat(cosines, dim=1).max(dim=1).values


class Heads(nn.Module):  # type: ignore[misc]
    """From the encoder's outputs to every output of the graph but the vector."""

    def __init__(self, fit: Fitted) -> None:
        super().__init__()
        self.blend, self.limit = fit.blend, fit.limit
        self.sources, self.places = len(fit.columns), fit.expansion.mix.shape[1]
        self.register_buffer("form_table", torch.tensor(fit.form_table))
        self.register_buffer("mean", torch.tensor(fit.mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(fit.scale, dtype=torch.float32))
        self.source = Affine(fit.source.weight, fit.source.bias)
        self.linear = Affine(fit.linear.weight, fit.linear.bias)
        self.axes = Affine(fit.axes, np.zeros(fit.axes.shape[1]))
        parts = zip(fit.memory, fit.clusters, fit.columns, strict=True)
        self.memory = nn.ModuleList(SourceMemory(m, c, k, fit.temperature) for m, c, k in parts)
        self.register_buffer("back", torch.tensor(np.argsort(np.concatenate(list(fit.columns)))))
        self.networks = nn.ModuleList(Hidden(net, fit.linear.weight.shape[1]) for net in fit.networks)
        self.expand = Affine(fit.expansion.mix, fit.expansion.shift)
        self.register_buffer("spread", torch.tensor(fit.spread, dtype=torch.float32)[None, :, None])
        extra = np.where(fit.inferred, INFERRED_SPREAD**2, 0.0).reshape(1, self.sources, -1)
        self.register_buffer("extra", torch.tensor(extra, dtype=torch.float32))
        self.register_buffer("inferred", torch.tensor(fit.inferred.reshape(1, self.sources, -1), dtype=torch.float32))
        for name in ("strange", "strange_width"):
            self.register_buffer(name, torch.tensor(getattr(fit, name), dtype=torch.float32))
        for name, amount in (("tokens", fit.tokens), ("ease", fit.ease)):
            setattr(self, name, Affine(amount.linear.weight, amount.linear.bias))
            setattr(self, f"{name}_expand", Affine(amount.expansion.mix, amount.expansion.shift))
            guessed = amount.expansion.inferred.reshape(1, self.sources, -1)
            self.register_buffer(f"{name}_inferred", torch.tensor(guessed, dtype=torch.float32))
            for end in ("low", "high"):
                self.register_buffer(f"{name}_{end}", torch.tensor(getattr(amount, end), dtype=torch.float32))

    def features(self, vector: Tensor, pooled: Tensor, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Standardised features, shape (batch, n_features)."""
        mask = attention_mask.to(vector.dtype)
        length = mask.sum(dim=1, keepdim=True)
        counts = (self.form_table[input_ids].float() * mask.unsqueeze(-1)).sum(dim=1)
        raw = torch.cat(
            [vector, pooled, torch.log(length), length / 256.0, torch.log1p(counts), counts / length], dim=1
        )
        return ((raw - self.mean) / self.scale).clamp(-self.limit, self.limit)

    def forward(self, vector: Tensor, pooled: Tensor, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Every output of ``OUTPUTS``, in that order."""
        x = self.features(vector, pooled, input_ids, attention_mask)
        likely = torch.softmax(self.source(x), dim=1)
        place = nn.functional.normalize(self.axes(x), dim=1)
        near = torch.cat([part.neighbours(place) for part in self.memory], dim=1)[:, self.back]
        found = [part.cluster_means(vector) for part in self.memory]
        means = torch.cat([mean for mean, _ in found], dim=1)[:, self.back]
        cosines = torch.stack([cosine for _, cosine in found], dim=1)
        familiarity = cosines.max(dim=1).values
        linear = self.linear(x)
        network = torch.stack([net(x) for net in self.networks]).mean(dim=0)
        methods = (means, near, linear, network)
        mixed = sum(weight * part for weight, part in zip(self.blend, methods, strict=True))
        foreign = (likely * torch.sigmoid((self.strange - cosines) / self.strange_width)).sum(dim=1)
        trusted = _trusted(likely, foreign, self.inferred)
        by_place = self._by_place(mixed)
        score = (by_place * trusted).sum(dim=1)
        half = self._half_width(by_place)
        low = ((by_place - half).clamp(min=0.0) * trusted).sum(dim=1)
        high = ((by_place + half).clamp(max=1.0) * trusted).sum(dim=1)
        tokens, ease = (
            (self._amount(name, x) * _trusted(likely, foreign, getattr(self, f"{name}_inferred"))).sum(dim=1)
            for name in ("tokens", "ease")
        )
        parts = [(self._by_place(method) * trusted).sum(dim=1) for method in methods]
        return score, low, high, tokens, ease, familiarity, likely, *parts

    def _by_place(self, columns: Tensor) -> Tensor:
        """Probabilities of columns to probabilities of places, shape (batch, n_sources, n_experts)."""
        safe = columns.clamp(LEAST, 1.0 - LEAST)
        full = torch.sigmoid(self.expand(torch.log(safe / (1.0 - safe))))
        return full.reshape(-1, self.sources, self.places // self.sources)

    def _half_width(self, score: Tensor) -> Tensor:
        variance = score * (1.0 - score) / NEIGHBOURS + SPREAD_FLOOR
        return torch.sqrt(self.spread**2 * variance + self.extra)

    def _amount(self, name: str, x: Tensor) -> Tensor:
        value = getattr(self, name)(x)
        value = torch.minimum(torch.maximum(value, getattr(self, f"{name}_low")), getattr(self, f"{name}_high"))
        full: Tensor = getattr(self, f"{name}_expand")(value)
        return full.reshape(-1, self.sources, self.places // self.sources)


def _trusted(likely: Tensor, foreign: Tensor, inferred: Tensor) -> Tensor:
    """Weights of sources per expert, summing to 1, shape (batch, n_sources, n_experts).

    Where an expert was measured counts far more than where its value is inferred, as long as the prompt is at home in
    its likely source. A prompt that is foreign even there is judged as if all places were measured: experts then differ
    by their overall ability more than by what they did on prompts of another kind.

    Args:
        likely: Share of every source, shape (batch, n_sources).
        foreign: How foreign the prompt is to its likely source, 0 to 1, shape (batch,).
        inferred: 1 where the value is inferred, shape (1, n_sources, n_experts).
    """
    trust = INFERRED_SHARE + (1.0 - INFERRED_SHARE) * foreign[:, None, None]
    weight = likely.unsqueeze(-1) * (1.0 - inferred * (1.0 - trust))
    trusted: Tensor = weight / weight.sum(dim=1, keepdim=True)
    return trusted


def _array(values: Tensor) -> Floats:
    return np.asarray(values.detach().numpy(), dtype=np.float64)
