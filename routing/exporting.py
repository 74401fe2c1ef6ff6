"""Stored runs as rows and as lines of JSON, for taking away."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from routing.store.records import KeptAnswer, KeptRun

_FACTS = (
    *("served", "time_to_first_token_s", "latency_s", "input_tokens", "output_tokens", "tokens_source", "cost_usd"),
    *("cost_source", "finish_reason", "is_complete", "retries", "note"),
)


def rows(runs: Iterable[KeptRun]) -> list[dict[str, Any]]:
    """One row an answer, with its run, its predictions and the person's vote."""
    return [_row(run, kept) for run in runs for kept in run.answers]


def _row(run: KeptRun, kept: KeptAnswer) -> dict[str, Any]:
    answer, told = kept.answer, run.run.predicted.get(kept.answer.expert, {})
    vote = next((v for v in reversed(run.votes) if v.judge == "person"), None)
    return {
        "run": run.id,
        "created": run.created.isoformat(),
        "domain": run.run.domain,
        "conversation": run.run.conversation,
        "turn": run.run.turn,
        "router": run.run.router,
        "pick": run.run.pick,
        "prompt": run.run.prompt,
        "expert": answer.expert,
        "asked": kept.place[0],
        "repeat": kept.repeat,
        **{name: getattr(answer, name) for name in _FACTS},
        "reading_ease": kept.reading_ease,
        **{f"predicted_{name}": value for name, value in told.items()},
        "check": None if kept.check is None else ("passed" if kept.check[2] else "failed"),
        "verdict": None if vote is None else vote.verdict,
        "winner": None if vote is None else vote.winner,
        "problem": None if answer.error is None else str(answer.error),
        "text": answer.text,
    }


def json_lines(runs: Iterable[KeptRun]) -> str:
    """One line a run with everything in it; reading it back needs nothing else."""
    return "".join(json.dumps(_whole(run), ensure_ascii=False, default=str) + "\n" for run in runs)


def _whole(run: KeptRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "created": run.created.isoformat(),
        "is_finished": run.is_finished,
        "missing": list(run.missing),
        **asdict(run.run),
        "answers": [_answer(kept) for kept in run.answers],
        "votes": [asdict(vote) for vote in run.votes],
    }


def _answer(kept: KeptAnswer) -> dict[str, Any]:
    answer = kept.answer
    return {
        "expert": answer.expert,
        "asked": kept.place[0],
        "repeat": kept.repeat,
        "kept": kept.kept.isoformat(),
        "text": answer.text,
        **{name: getattr(answer, name) for name in _FACTS},
        "reading_ease": kept.reading_ease,
        "error_kind": kept.error_kind,
        "error": None if answer.error is None else str(answer.error),
        "check": kept.check,
    }
