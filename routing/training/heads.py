"""The heads of the graph: from the encoder's outputs to every prediction, written as ONNX operators.

Large constants are kept as bytes or half-precision numbers and widened in the graph, which the runtime does once,
when it loads the file.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import spox.opset.ai.onnx.v17 as op
from numpy.typing import NDArray
from spox import Var

from routing.schema import Floats
from routing.training.fits import Linear
from routing.training.fitted import Amount, Fitted, Network

OPSET: Final = 17
LEAST: Final = 0.004  # predicted scores stay this far from 0 and 1, so that their logits stay finite
INFERRED_SHARE: Final = 0.03  # weight of a source where an expert was not measured, against one where it was
INFERRED_SPREAD: Final = 0.15  # extra half-width where an expert was never measured in the source
NEIGHBOURS: Final = 25.0  # intervals are for means over 25 prompts (systems.md 5)
SPREAD_FLOOR: Final = 0.0005
USUAL_OUTPUTS: Final = (*("score", "score_low", "score_high", "output_tokens", "reading_ease", "familiarity", "share"),)
"""Outputs that every graph has; one more for each method of the blend follows."""


def outputs_of(fit: Fitted) -> tuple[str, ...]:
    """Names of everything that the heads of a fitted router say."""
    return (*USUAL_OUTPUTS, *(f"score_{method}" for method in fit.blend))


def heads(fit: Fitted, vector: Var, pooled: Var, input_ids: Var, attention_mask: Var) -> dict[str, Var]:
    """Every output of ``outputs_of``.

    Args:
        fit: The fitted router.
        vector: Unit sentence vectors, shape (batch, width).
        pooled: Mean states of the middle layer, shape (batch, width).
        input_ids: Word pieces, shape (batch, tokens).
        attention_mask: 1 for a piece, 0 for padding, same shape.
    """
    x = features(fit, vector, pooled, input_ids, attention_mask)
    likely = op.softmax(_affine(x, fit.source), axis=1)
    clusters, cosines = _clusters(fit, vector)
    said = {"clusters": clusters, "neighbours": _neighbours(fit, x), "linear": _affine(x, fit.linear)}
    if fit.networks:
        said["network"] = _mean([_network(net, x) for net in fit.networks])
    methods = {name: said[name] for name in fit.blend}
    gap = op.div(op.sub(_number(fit.strange), cosines), _number(fit.strange_width))
    foreign = _sum(op.mul(likely, op.sigmoid(gap)), keep=True)
    count = len(fit.columns)
    trust = trusted(likely, foreign, fit.inferred.reshape(count, -1))
    by_place = _by_place(fit, _mixed(fit.blend, methods))
    half = _half_width(fit, by_place)
    low = op.max([op.sub(by_place, half), _number(0.0)])
    high = op.min([op.add(by_place, half), _number(1.0)])
    tokens, ease = (
        _weighted(_amount(fit, amount, x), trusted(likely, foreign, amount.expansion.inferred.reshape(count, -1)))
        for amount in (fit.tokens, fit.ease)
    )
    familiarity = op.reduce_max(cosines, axes=[1], keepdims=0)
    usual = (_weighted(by_place, trust), _weighted(low, trust), _weighted(high, trust), tokens, ease)
    parts = [_weighted(_by_place(fit, method), trust) for method in methods.values()]
    return dict(zip(outputs_of(fit), (*usual, familiarity, likely, *parts), strict=True))


def features(fit: Fitted, vector: Var, pooled: Var, input_ids: Var, attention_mask: Var) -> Var:
    """Standardised features, shape (batch, n_features)."""
    mask = op.cast(attention_mask, to=np.float32)
    length = _sum(mask, keep=True)
    classes = op.cast(op.gather(op.const(fit.form_table), input_ids), to=np.float32)
    counts = _sum(op.mul(classes, op.unsqueeze(mask, op.const(np.array([-1])))))
    longer = op.log(op.add(counts, _number(1.0)))
    parts = [vector, pooled, op.log(length), op.div(length, _number(256.0)), longer, op.div(counts, length)]
    scaled = op.div(op.sub(op.concat(parts, axis=1), _number(fit.mean)), _number(fit.scale))
    return op.clip(scaled, _number(-fit.limit), _number(fit.limit))


def trusted(likely: Var, foreign: Var, inferred: NDArray[np.bool_]) -> Var:
    """Weights of sources per expert, summing to 1, shape (batch, n_sources, n_experts).

    Where an expert was measured counts far more than where its value is inferred, as long as the prompt is at home in
    its likely source. A prompt that is foreign even there is judged as if all places were measured: experts then differ
    by their overall ability more than by what they did on prompts of another kind.

    Args:
        likely: Share of every source, shape (batch, n_sources).
        foreign: How foreign the prompt is to its likely source, 0 to 1, shape (batch, 1).
        inferred: Whether a place's value is inferred, shape (n_sources, n_experts).
    """
    places = _number(inferred[np.newaxis])
    trust = op.add(op.mul(foreign, _number(1.0 - INFERRED_SHARE)), _number(INFERRED_SHARE))
    distrust = op.unsqueeze(op.sub(_number(1.0), trust), op.const(np.array([-1])))
    weight = op.mul(op.unsqueeze(likely, op.const(np.array([-1]))), op.sub(_number(1.0), op.mul(places, distrust)))
    return op.div(weight, _sum(weight, keep=True))


def _clusters(fit: Fitted, vector: Var) -> tuple[Var, Var]:
    """Mean scores of soft clusters per column, and the largest cosine to a centre of every source."""
    means, cosines = [], []
    for sets in fit.clusters:
        near = [op.matmul(vector, _half(found.centres.T)) for found in sets]
        shares = [op.softmax(op.div(n, _number(f.temperature)), axis=1) for n, f in zip(near, sets, strict=True)]
        means.append(_mean([op.matmul(s, _number(f.means)) for s, f in zip(shares, sets, strict=True)]))
        cosines.append(op.reduce_max(op.concat(near, axis=1), axes=[1], keepdims=1))
    return _in_order(fit, means), op.concat(cosines, axis=1)


def _neighbours(fit: Fitted, x: Var) -> Var:
    """Scores of training prompts, weighted by similarity, shape (batch, n_columns)."""
    place = op.matmul(x, _half(fit.axes))
    place = op.div(place, op.max([op.reduce_l2(place, axes=[1]), _number(1e-12)]))
    found = []
    for memory in fit.memory:
        points = op.cast(op.const(memory.points.T.copy()), to=np.float32)
        scores = op.cast(op.const(memory.scores), to=np.float32)
        closeness = op.div(op.matmul(place, points), _number(127.0 * fit.temperature))
        found.append(op.div(op.matmul(op.softmax(closeness, axis=1), scores), _number(255.0)))
    return _in_order(fit, found)


def _in_order(fit: Fitted, parts: Sequence[Var]) -> Var:
    """Columns of all sources side by side, in the order of the table."""
    back = np.argsort(np.concatenate(list(fit.columns)))
    return op.gather(op.concat(parts, axis=1), op.const(back.astype(np.int64)), axis=1)


def _network(net: Network, x: Var) -> Var:
    """Probabilities of a perceptive network, shape (batch, n_columns); gelu in its form with tanh."""
    hidden = _affine(x, net.first)
    cube = op.mul(hidden, op.mul(hidden, hidden))
    inner = op.mul(op.add(hidden, op.mul(cube, _number(0.044715))), _number(np.sqrt(2.0 / np.pi)))
    gelu = op.mul(op.mul(hidden, _number(0.5)), op.add(op.tanh(inner), _number(1.0)))
    return op.sigmoid(_affine(gelu, net.second))


def _mixed(blend: Mapping[str, float], methods: Mapping[str, Var]) -> Var:
    parts = [op.mul(said, _number(blend[name])) for name, said in methods.items()]
    return _total(parts)


def _by_place(fit: Fitted, columns: Var) -> Var:
    """Probabilities of columns to probabilities of places, shape (batch, n_sources, n_experts)."""
    safe = op.clip(columns, _number(LEAST), _number(1.0 - LEAST))
    logit = op.log(op.div(safe, op.sub(_number(1.0), safe)))
    full = op.sigmoid(_affine(logit, Linear(fit.expansion.mix, fit.expansion.shift)))
    return _as_places(fit, full)


def _half_width(fit: Fitted, score: Var) -> Var:
    variance = op.add(op.div(op.mul(score, op.sub(_number(1.0), score)), _number(NEIGHBOURS)), _number(SPREAD_FLOOR))
    spread = _number((fit.spread**2).reshape(1, -1, 1))
    extra = _number(np.where(fit.inferred, INFERRED_SPREAD**2, 0.0).reshape(1, len(fit.columns), -1))
    return op.sqrt(op.add(op.mul(spread, variance), extra))


def _amount(fit: Fitted, amount: Amount, x: Var) -> Var:
    value = _affine(x, amount.linear)
    value = op.min([op.max([value, _number(amount.low)]), _number(amount.high)])
    return _as_places(fit, _affine(value, Linear(amount.expansion.mix, amount.expansion.shift)))


def _as_places(fit: Fitted, flat: Var) -> Var:
    n_places = fit.expansion.mix.shape[1]
    shape = np.array([-1, len(fit.columns), n_places // len(fit.columns)])
    return op.reshape(flat, op.const(shape.astype(np.int64)))


def _weighted(values: Var, weight: Var) -> Var:
    return _sum(op.mul(values, weight))


def _affine(x: Var, linear: Linear) -> Var:
    """X @ weight + bias with half-precision weights on disk."""
    return op.add(op.matmul(x, _half(linear.weight)), _number(linear.bias))


def _half(weight: Floats) -> Var:
    return op.cast(op.const(np.ascontiguousarray(weight, dtype=np.float16)), to=np.float32)


def _number(value: Floats | NDArray[Any] | float) -> Var:
    return op.const(np.asarray(value, dtype=np.float32))


def _sum(x: Var, *, keep: bool = False) -> Var:
    """Over the axis behind the batch."""
    return op.reduce_sum(x, op.const(np.array([1])), keepdims=int(keep))


def _total(parts: Sequence[Var]) -> Var:
    total = parts[0]
    for part in parts[1:]:
        total = op.add(total, part)
    return total


def _mean(parts: Sequence[Var]) -> Var:
    return _total(parts) if len(parts) == 1 else op.div(_total(parts), _number(float(len(parts))))
