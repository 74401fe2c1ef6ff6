"""Evidence as the report stores it, made up: every section, small, of plausible size; for tests of what shows it."""

import numpy as np

from routing.evidence import Evidence
from routing.policies import POLICIES
from routing.predictors import PREDICTORS

POOLS = {
    "frontier4": ("gpt-4o-2024-08-06", "gpt-4o-mini", "claude-3.5-sonnet-20240620", "o1-mini"),
    "open9": (
        *("codegemma-7b", "gemma-2-9b-it", "llama-3.1-8b-instruct", "nemotron-51b-instruct", "nemotron-super-49b"),
        *("llama3-chatqa-1.5-70b", "llama3-chatqa-1.5-8b", "mistral-7b-instruct-v0.3", "qwen2.5-7b-instruct"),
    ),
    "strong-weak": ("gpt-4-1106-preview", "mixtral-8x7b-instruct"),
}
DOMAINS = ("biology", "clinical", "code", "law", "maths", "translation")
ROUTERS = (*PREDICTORS, *POLICIES)


def make(seed=0):
    """The same object that reading stored evidence gives."""
    rng = np.random.default_rng(seed)
    facts = {pool: _facts(experts, rng) for pool, experts in POOLS.items()}
    rows = [_row(pool, name, facts[pool], rng) for pool in POOLS for name in ROUTERS]
    return Evidence(
        **{"split": "test", "date": "2026-11-22", "machine": "Linux x86_64, 2 cores", "n_prompts": 5164},
        **{"pools": facts, "leaderboard": rows, "arrays": _maps(rng), "map_names": _map_names()},
        reliability={pool: {name: _reliability(rng) for name in ROUTERS} for pool in POOLS},
        deferral={name: _deferral(rng) for name in PREDICTORS},
        allocation={pool: _allocation(experts, rng) for pool, experts in POOLS.items()},
        held_out=[_held_out(row, protocol, rng) for row in rows for protocol in ("tasks", "sources")],
        alpha=_alpha(rng),
        learning={name: _learning(rng) for name in PREDICTORS},
        controls={name: {pool: _shuffled(rng) for pool in POOLS} for name in PREDICTORS},
        lengths=_lengths(),
        contamination=_contamination(rng),
        latency={name: {"ms_p50": float(rng.uniform(6, 12)), "ms_p95": float(rng.uniform(14, 25))} for name in ROUTERS},
        mirt=_mirt(rng),
    )


def _facts(experts, rng):
    cost = np.sort(10 ** rng.uniform(-5, -2.3, len(experts)))
    score = np.sort(rng.uniform(0.35, 0.83, len(experts)))
    singles = {e: {"cost_usd": float(c), "score": float(s)} for e, c, s in zip(experts, cost, score, strict=True)}
    best = experts[-1]
    interval = [float(score[-1]) - 0.02, float(score[-1]) + 0.02]
    steps = {
        "random": float(score.mean()),
        "best_single": {"name": best, "score": float(score[-1]), "interval": interval, "cost": float(cost[-1])},
        **{"dataset_oracle": float(score[-1]) + 0.02, "oracle": float(score[-1]) + 0.09},
    }
    mix = {"cost_usd": [float(cost[0]), float(cost[-1])], "score": [float(score[0]), float(score[-1])]}
    return {"n_prompts": 1129, "experts": list(experts), "singles": singles, "static_mix": mix, **steps}


def _row(pool, name, facts, rng):
    experts = facts["experts"]
    best, is_blind = facts["best_single"]["score"], name in {"prompt-blind", "random"}
    gain = 0.0 if is_blind else float(rng.normal(0.01, 0.008))
    above = 0.01 if is_blind else float(rng.normal(0.05, 0.006))
    low, high = facts["static_mix"]["cost_usd"]
    floor = facts["static_mix"]["score"][0]
    across = np.geomspace(low, high, 30)
    up = floor + (best + gain - floor) * (np.linspace(0, 1, 30) ** 0.35)
    shares = rng.dirichlet(np.full(len(experts), 0.5)) if gain else np.eye(len(experts))[-1]
    pair = {"apgr": 0.65, "apgr_interval": [0.6, 0.7], "cpt": {"50": 0.3, "80": 0.6}}
    nothing = {"apgr": None, "apgr_interval": None, "cpt": None}
    return {
        **{"pool": pool, "router": name, **{k: v for k, v in facts.items() if k not in {"singles", "static_mix"}}},
        **{"score": best + gain, "score_interval": [best + gain - 0.02, best + gain + 0.02]},
        **{"above_best_single_interval": [gain - 0.009, gain + 0.009], "p_value": 0.03 if gain > 0.009 else 0.4},
        **{"gap_closed": gain / 0.09, "accuracy_strict": 0.4, "accuracy_strict_interval": [0.35, 0.45]},
        **{"accuracy_tolerant": 0.9, "accuracy_tolerant_interval": [0.88, 0.92], "regret": 0.09 - gain},
        **{"shares": dict(zip(experts, map(float, shares), strict=True)), "aiq": 0.7 + above, "aiq_static_mix": 0.7},
        **{"aiq_above_static_mix": above, "aiq_above_static_mix_interval": [above - 0.01, above + 0.01]},
        **{"aiq_prompt_blind": 0.71, "aiq_prompt_blind_above_static_mix": 0.01},
        **{"cost_at": {"100": 0.4, "99": 0.3, "95": 0.1}, "cost_at_static_mix": {"100": 1.0, "99": 0.9, "95": 0.5}},
        "curve": {"cost_usd": across.tolist(), "score": up.tolist()},
        **{"brier": 0.16, "brier_base_rate": 0.18, "calibration_error": 0.02, "rank_correlation": 0.35},
        **{"interval_coverage": 0.9 if name == "blend" else None, **(pair if pool == "strong-weak" else nothing)},
        "domains": {d: _domain(best, gain, experts, rng) for d in DOMAINS},
        **{"ms_p50": 9.0, "ms_p95": 20.0},
    }


def _domain(best, gain, experts, rng):
    shift = float(rng.normal(0, 0.05))
    single = {"name": experts[-1], "score": best + shift}
    score = best + shift + gain + float(rng.normal(0, 0.01))
    return {
        "n_prompts": int(rng.integers(40, 400)),
        "score": score,
        "best_single": single,
        "oracle": best + shift + 0.09,
    }


def _reliability(rng):
    predicted = np.linspace(0.2, 0.95, 10)
    measured = np.clip(predicted + rng.normal(0, 0.025, 10), 0, 1)
    stated = {"brier": 0.16 + float(rng.normal(0, 0.005)), "brier_base_rate": 0.18, "calibration_error": 0.02}
    return {"predicted": predicted.tolist(), "measured": measured.tolist(), "count": [452] * 10, **stated}


def _deferral(rng):
    share = np.linspace(0, 1, 101)
    recovered = share ** float(rng.uniform(0.4, 0.7))
    return {"share": share.tolist(), "recovered": recovered.tolist(), "apgr": float(np.trapezoid(recovered, share))}


def _allocation(experts, rng):
    tables = {k: rng.dirichlet(np.full(len(experts), 0.5), len(DOMAINS)).tolist() for k in ("chosen", "best")}
    return {"domains": list(DOMAINS), "experts": list(experts), **tables}


def _map_names():
    return {pool: {"domains": list(DOMAINS), "experts": list(experts)} for pool, experts in POOLS.items()}


def _maps(rng):
    found = {}
    for pool, experts in POOLS.items():
        domain = rng.integers(0, len(DOMAINS), 600)
        centre = rng.normal(0, 3, (len(DOMAINS), 2))
        found[f"map/{pool}/xy"] = (centre[domain] + rng.normal(0, 0.9, (600, 2))).astype(np.float16)
        found[f"map/{pool}/domain"] = domain.astype(np.uint8)
        found[f"map/{pool}/best"] = rng.integers(0, len(experts), 600).astype(np.uint8)
        found[f"map/{pool}/regret"] = np.where(rng.random(600) < 0.15, 1.0, 0.0).astype(np.float16)
    return found


def _held_out(row, protocol, rng):
    lost = abs(float(rng.normal(0.02, 0.01)))
    best = row["best_single"]["score"]
    gain = row["score"] - lost - best
    return {
        **{"protocol": protocol, "pool": row["pool"], "router": row["router"], "score": row["score"] - lost},
        **{"score_held_in": row["score"], "best_single": best, "n_prompts": 1129},
        **{"above_best_single": gain, "above_best_single_interval": [gain - 0.01, gain + 0.01], "unknown": []},
        "units": [_unit(f"{protocol[:-1]} {i}", best, gain, rng) for i in range(5)],
    }


def _unit(name, best, gain, rng):
    here = gain + float(rng.normal(0, 0.02))
    score = {"score": best + here, "score_held_in": best + here + 0.02, "best_single": best, "best_here": best + 0.03}
    interval = [here - 0.03, here + 0.03]
    return {"unit": name, "n_prompts": 200, **score, "above_best_single": here, "above_best_single_interval": interval}


def _alpha(rng):
    alpha = np.array([0, 0.25, 0.5, 1, 2, 3, 5, 8])
    suites = {
        suite: {
            "alpha": alpha.tolist(),
            "score": (top - 0.001 * (alpha - at) ** 2).tolist(),
            "accuracy": (top - 0.002 * alpha).tolist(),
        }
        for suite, top, at in (("held-in", 0.83, 1), ("held-out", 0.81, 4))
    }
    return {**suites, "fitted": {"alpha_near": 5, "alpha_far": 3, "alpha_fixed": 5, "threshold": 0.76}}


def _shuffled(rng):
    gain = float(rng.normal(-0.005, 0.005))
    gaps = {"gap_closed": gain / 0.09, "gap_closed_above_floor": gain / 0.09, "aiq_above_prompt_blind": 0.0}
    interval = [gain - 0.008, gain + 0.008]
    return {**gaps, "above_floor": gain, "above_floor_interval": interval, "is_clean": interval[0] <= 0}


def _learning(rng):
    rows = [500, 1000, 2000, 5000, 10000, 20000]
    gain = float(rng.uniform(0.02, 0.05))
    return {"rows": rows, **{pool: [0.7 + gain * (1 - 0.6**i) for i in range(1, 7)] for pool in POOLS}}


def _lengths():
    def one(error, mean, correlation):
        used = "predicted" if error < mean else "mean"
        return {"error": error, "error_of_mean": mean, "rank_correlation": correlation, "used": used}

    return {
        "readability": {
            **{"held-in": one(11.2, 15.0, 0.41), "held-out": one(15.9, 15.2, 0.05)},
            "held-out sources": one(16.9, 15.2, 0.01),
        },
        "verbosity": {"held-in": one(93.0, 160.0, 0.62), "held-out": one(120.0, 158.0, 0.44)},
    }


def _contamination(rng):
    rows = []
    for pool, experts in POOLS.items():
        for expert in experts:
            test = float(rng.uniform(0.4, 0.8))
            gap = float(rng.normal(0.0, 0.02))
            interval = [gap - 0.02, gap + 0.02]
            rows.append(
                {"expert": expert, "source": pool, "train": test + gap, "test": test, "gap": gap, "interval": interval}
            )
    return rows


def _mirt(rng):
    skills = ["arithmetic", "clinical facts", "code", "law", "planning"]
    experts = {e: rng.normal(0, 1, len(skills)).tolist() for e in dict.fromkeys(e for p in POOLS.values() for e in p)}
    return {
        "skills": skills,
        "experts": experts,
        "difficulty_by_domain": {d: {"mean": float(rng.normal()), "n_prompts": 99} for d in DOMAINS},
    }
