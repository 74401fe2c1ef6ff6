"""What two commands print for fixed prompts is what they printed before: no move of code may change a number.

`python -m tests.test_golden` writes the file anew, which only a wanted change of behaviour may do.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from routing.catalog import ASSETS
from tests.command_line import run

GOLDEN = Path(__file__).with_name("golden.json")
TIMED = {"read_ms", "decide_ms", "ms_p50", "ms_p95"}
CLOSE = 1e-3  # processors round INT8 differently
POOLS = {"four": ["gpt-4o-mini", "o3-mini", "claude-3.5-sonnet-20240620", "gemini-1.5-pro"]}
ROUTERS = ("blend", "clusters", "mirt", "glider", "separate/sorted-cost", "cascade", "oracle")
OPTIONS: tuple[tuple[str, ...], ...] = (
    ("--weight", "cost=0.4"),
    ("--limit", "cost=0.002", "--weight", "latency=0.2"),
    ("--weight", "size=0.3", "--weight", "recency=0.3"),
    ("--router", "glider", "--weight", "verbosity=0.2", "--weight", "readability=0.2"),
    ("--router", "multi-label/vote", "--limit", "security=2"),
)


def prompts() -> list[str]:
    """Twenty texts: the shipped examples in order, and some with flags, code and odd characters."""
    examples = json.loads((ASSETS / "examples.json").read_text(encoding="utf-8"))
    texts = [str(text) for domain in examples.values() for text in domain]
    odd = [
        "Translate to German: the cat sat. [Flag: cheap, max latency 5s]",
        "Why does `[Flag: cheap]` stand in code? [Flags: R/O]",
        "สวัสดี 🎉 ∀x∈ℝ: x² ≥ 0",
        "f" * 600,
    ]
    return [*texts[:: max(1, len(texts) // 16)][:16], *odd]


def routed() -> list[Any]:
    """What `route --json` prints: the first prompt over all experts, the others over four under some options."""
    first, *others = prompts()
    calls = [
        (first, ()),
        *((text, ("--pool", ",".join(POOLS["four"]), *OPTIONS[i % 5])) for i, text in enumerate(others)),
    ]
    return [json.loads(run("route", text, "--json", *options).stdout) for text, options in calls]


def evaluated(folder: Path) -> list[Any]:
    """What `evaluate --json` writes on made-up outcomes of a pool of four."""
    rng = np.random.default_rng(7)
    texts = [f"{prompts()[i % 16][:200]} ({i})" for i in range(48)]
    frame = pd.DataFrame({"prompt_id": [f"p{i}" for i in range(48)], "text": texts, "task": ["a", "b", "c"] * 16})
    frame.assign(source="s", split="test").to_parquet(folder / "prompts.parquet")
    rows = [(f"p{i}", name, float(rng.random() < 0.6), 80.0 + i) for i in range(48) for name in POOLS["four"]]
    columns = ["prompt_id", "expert", "score", "output_tokens"]
    pd.DataFrame(rows, columns=columns).to_parquet(folder / "outcomes.parquet")
    (folder / "pools.json").write_text(json.dumps(POOLS), encoding="utf-8")
    routers = [part for name in ROUTERS for part in ("--router", name)]
    done = run("evaluate", "--data", folder, "--json", folder / "out.json", *routers)
    assert done.returncode == 0, done.stderr
    return list(json.loads((folder / "out.json").read_text(encoding="utf-8")))


def differences(now: Any, before: Any, where: str = "") -> list[str]:
    """Where two JSON values differ by more than rounding; times are not compared."""
    if isinstance(now, dict) and isinstance(before, dict):
        keys = (now.keys() | before.keys()) - TIMED
        return [d for k in sorted(keys) for d in differences(now.get(k), before.get(k), f"{where}.{k}")]
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return [d for i, pair in enumerate(zip(now, before, strict=True)) for d in differences(*pair, f"{where}[{i}]")]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (now, before))
    same = now == pytest.approx(before, rel=CLOSE, abs=CLOSE) if numbers else now == before
    return [] if same else [f"{where}: {before!r} became {now!r}"]


def rounded(value: Any) -> Any:
    """The same with five digits, without times."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items() if k not in TIMED}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def test_route_prints_what_it_printed():
    assert differences(rounded(routed()), json.loads(GOLDEN.read_text(encoding="utf-8"))["route"])[:10] == []


def test_evaluate_writes_what_it_wrote(tmp_path):
    assert (
        differences(rounded(evaluated(tmp_path)), json.loads(GOLDEN.read_text(encoding="utf-8"))["evaluate"])[:10] == []
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        both = {"route": rounded(routed()), "evaluate": rounded(evaluated(Path(place)))}
    GOLDEN.write_text(json.dumps(both, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
