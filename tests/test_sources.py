"""Readers of the public logs on small files in each log's own form, and the tables that come of them."""

import csv
import io
import json
import re
import zipfile

import pandas as pd
import pytest

from routing.sources import SOURCES, pinned
from routing.sources.rows import Fetched, Outcome, Prompt, group_of
from tests.test_fetching import network, server  # noqa: F401 - a fixture

MMLU_PRO = [
    {"question_id": 70, "question": "Which planet?", "options": ["Mars", "Venus", "N/A"], "answer": "B",
     "answer_index": 1, "cot_content": "", "category": "law", "src": "x", "pred": "B", "model_outputs": "It is (B)."},
    {"question_id": 71, "question": "Which moon?", "options": ["Io", "Titan"], "answer": "A", "answer_index": 0,
     "cot_content": "", "category": "physics", "src": "x", "pred": None, "response": "So the answer is **A. Io**."},
]  # fmt: skip
CLINICAL = [
    {"realidx": "0383", "question": "Which drug?", "options": {"B": "two", "A": "one"}, "answer_idx": "A",
     "answer": "one", "predicted_answer": "A", "token_usage": {"prompt_tokens": 183, "completion_tokens": 2},
     "time_elapsed": 0.99},
    {"realidx": "0384", "question": "Which bone?", "options": {"A": "one", "B": "two"}, "answer_idx": "A",
     "answer": "one", "predicted_answer": "B"},
]  # fmt: skip
PLANS = {
    "task": "task_1_plan_generation", "prompt_type": "oneshot", "domain": "blocksworld",
    "instances": [
        {"instance_id": 2, "query": "Stack a on b.\n", "llm_raw_response": "done", "llm_correct": True},
        {"instance_id": 3, "query": "Stack b on c.", "llm_raw_response": "no", "llm_correct": 0},
        {"instance_id": 4, "query": "Stack c on d.", "llm_raw_response": ""},
    ],
}  # fmt: skip
PROBLEMS = [{"question_title": "A. Sort", "question_content": "Sort it.", "platform": "x", "question_id": "1873_A",
             "contest_date": "2023-08-21", "difficulty": "easy", "pass@1": 1.0}]  # fmt: skip
RATES = {
    "performances": [
        {
            "question_id": "1873_A",
            "model": "O1-Mini (N=1)",
            "date": 1692662400000,
            "difficulty": "easy",
            "pass@1": 90.0,
        },
        {"question_id": "1873_A", "model": "Late-1", "date": 1792662400000, "difficulty": "easy", "pass@1": 50.0},
        {"question_id": "9", "model": "O1-Mini", "date": 1692662400000, "difficulty": "easy", "pass@1": 0.0},
    ],
    "models": [],
}


def zeroeval(output, answer="18", **more):
    return {"session_id": "s", "output": [output], "id": "gsm-#1", "question": "How many?", "answer": answer, **more}


def rating(user, system, segment, score, document, *, kind="TGT", target="jpn", ended=2.0):
    return [user, system, segment, kind, "eng", target, score, document, "False", "[]", 1.0, ended]


def table(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def zipped(name, data):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._x.json", b"\x00")
        archive.writestr(name, data)
    return held.getvalue()


def as_json(data):
    return json.dumps(data, indent=2).encode()


SCORES = b'prompt,mixtral-8x7b-instruct-v0.1,gpt-4-1106-preview\n"Which?\nA. x\nAnswer:",False,True\n'
NINE = {"codegemma-7b": 0.5, "llama-3.3-nemotron-super-49b-v1": 1.0}
# One small file in the form of each part of each source.
FORMS = {
    "mmlu-pro": lambda f: zipped("o.json", as_json(MMLU_PRO)) if f.path.endswith(".zip") else as_json(MMLU_PRO),
    "medagents": lambda f: as_json(CLINICAL),
    "llmrouter-ulab": lambda f: as_json([{"question": f"Q {f.part}?", "scores": NINE, "cluster_id": 0}]),
    "zeroeval": lambda f: as_json([zeroeval('{"reasoning": "9 * 2", "answer": "$18"}')]),
    "livecodebench": lambda f: as_json(PROBLEMS if f.part == "text" else RATES),
    "planbench": lambda f: as_json(PLANS),
    "wmt24": lambda f: {
        "text": b"canary\nHello there.\nGood night.\n", "documents": b"canary\tcanary\nnews\td1\nnews\td1\n",
        "ratings": table([rating("u", "GPT-4", 0, 80, "d1"), rating("u", "refA", 1, 100, "d1")]),
    }[f.part],
    "routellm": lambda f: SCORES,
}  # fmt: skip


def fetched(tmp_path, source, contents=None, **only):
    """Files of a source on disk, in its own form or with other contents."""
    found = []
    for i, one in enumerate(f for f in SOURCES[source].files if all(getattr(f, k) == v for k, v in only.items())):
        path = tmp_path / f"{source}-{i}"
        path.write_bytes(FORMS[source](one) if contents is None else contents)
        found.append(Fetched(one, path))
    return found


def rows(tmp_path, source, contents=None, **only):
    found = list(SOURCES[source].read(fetched(tmp_path, source, contents, **only)))
    return [r for r in found if isinstance(r, Prompt)], [r for r in found if isinstance(r, Outcome)]


def test_the_list_of_files_is_sound():
    assert set(pinned()) == set(SOURCES)
    for source in SOURCES.values():
        keys = [f.key for f in source.files]
        assert len(keys) == len(set(keys)) > 0
        for one in source.files:
            assert re.fullmatch(r"[0-9a-f]{40}", one.commit)
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", one.repository)
            assert not one.path.startswith("/")
            assert ".." not in one.path
            assert one.kind in {"chat", "base"}
    assert [s.name for s in SOURCES.values() if any(not f.is_seen for f in s.files)] == ["medagents"]


@pytest.mark.parametrize("way", ["eval_results/gpt4o/law_result.json", "eval_results/model_outputs_Yi-34B_5shots.zip"])
def test_mmlu_pro(tmp_path, way):
    prompts, outcomes = rows(tmp_path, "mmlu-pro", path=way)
    assert prompts[0] == Prompt("mmlu-pro/70", "law", "law", "Which planet?\n(A) Mars\n(B) Venus")
    assert [o.score for o in outcomes] == [1.0, 1.0]
    assert outcomes[0].kind == ("base" if "Yi" in way else "chat")
    assert outcomes[0].output_chars == len("It is (B).")


def test_medagents(tmp_path):
    prompts, outcomes = rows(tmp_path, "medagents", part="medqa", expert="o1-mini")
    assert prompts[0] == Prompt("medagents/medqa/0383", "medqa", "clinical", "Which drug?\n(A) one\n(B) two")
    assert outcomes[0] == Outcome("medagents/medqa/0383", "o1-mini", 1.0, "chat", 183, 2, None, 0.99)
    assert (outcomes[1].score, outcomes[1].input_tokens) == (0.0, None)


def test_llmrouter_names_the_task_by_the_place_in_the_file(tmp_path):
    many = as_json([{"question": f"Q{i}", "scores": {"codegemma-7b": 1}} for i in range(160)])
    prompts, _ = rows(tmp_path, "llmrouter-ulab", many, part="train")
    assert (prompts[149].task, prompts[150].task) == ("agentverse-logicgrid", "agentverse-mgsm")
    prompts, outcomes = rows(tmp_path, "llmrouter-ulab", part="test")
    assert prompts == [Prompt("llmrouter-ulab/test/0", "unstated", "unstated", "Q test?")]
    assert [(o.expert, o.score) for o in outcomes] == [("codegemma-7b", 0.5), ("nemotron-super-49b", 1.0)]


@pytest.mark.parametrize(
    ("task", "output", "answer", "score"),
    [
        ("gsm", '```json\n{"reasoning": "x", "answer": "1,018 miles"}\n```', "#### 1018", 1.0),
        ("gsm", '{"reasoning": "x", "answer": 17}', "18", 0.0),
        ("gsm", '{"reasoning": "broken "quotes", "answer": "18"}', "18", 1.0),
        ("gsm", '"answer": 18', "18", 1.0),
        ("gsm", "It is $\\boxed{18}$.", "18", 1.0),
        ("gsm", "I do not know.", "18", 0.0),
        ("math-l5", '{"answer": "3/4"}', "0.75", 1.0),
        ("math-l5", '{"answer": "1/0"}', "1", 1.0),
        ("crux", '{"answer": "bcksrutq"}', "'bcksrutq'", 1.0),
        ("crux", '{"answer": "[(4, 1)]"}', "[(4, 1)]", 1.0),
        ("crux", '{"answer": "True"}', "True", 1.0),
        ("crux", '{"answer": "12"}', "'12'", 0.0),
    ],
)
def test_zeroeval_finds_answers_as_its_repository_does(tmp_path, task, output, answer, score):
    record = as_json([zeroeval(output, answer)])
    prompts, outcomes = rows(tmp_path, "zeroeval", record, part=task, expert="claude-3-opus")
    assert prompts[0].domain == ("code" if task == "crux" else "math")
    assert (outcomes[0].score, outcomes[0].output_chars) == (score, len(output))


def test_livecodebench_keeps_early_problems_whose_text_is_known(tmp_path):
    prompts, outcomes = rows(tmp_path, "livecodebench")
    assert prompts == [Prompt("livecodebench/1873_A", "lcb-codegen-easy", "code", "A. Sort\nSort it.")]
    assert outcomes == [Outcome("livecodebench/1873_A", "o1-mini", 0.9)]


def test_planbench_counts_no_instance_without_an_answer(tmp_path):
    prompts, outcomes = rows(tmp_path, "planbench", part="one", expert="gpt-4o-2024-05-13")
    assert prompts[0] == Prompt("planbench/blocksworld|one/2", "planbench-blocksworld|one", "planning", "Stack a on b.")
    assert [o.score for o in outcomes] == [1.0, 0.0]


def test_wmt24_takes_the_latest_rating_and_leaves_checks_out(tmp_path):
    given = [
        rating("u", "GPT-4", 0, 20, "d1", ended=1.0), rating("u", "GPT-4", 0, 80, "d1", ended=3.0),
        rating("v", "GPT-4", 0, 60, "d1"), rating("u", "GPT-4", 0, 10, "d1#bad", kind="BAD"),
        rating("u", "GPT-4", 1, 0, "d1#incomplete"), rating("u", "ONLINE-A", 1, 0, "d1"),
        rating("u", "ende-tutorial1", 1000001, 0, "ende-tutorial1"), rating("u", "Aya23", 1, 100, "d1", target="ces"),
    ]  # fmt: skip
    files = fetched(tmp_path, "wmt24")
    for file in files:
        if file.pinned.part == "ratings":
            file.path.write_bytes(table(given))
    found = list(SOURCES["wmt24"].read(files))
    assert [r for r in found if isinstance(r, Prompt)] == [
        Prompt("wmt24/en-cs/2", "wmt24-en-cs", "translation", "Translate from English to cs: Good night."),
        Prompt("wmt24/en-ja/1", "wmt24-en-ja", "translation", "Translate from English to ja: Hello there."),
    ]
    assert [(r.expert, r.score) for r in found if isinstance(r, Outcome)] == [("aya23", 1.0), ("gpt-4", 0.7)]


def test_routellm(tmp_path):
    prompts, outcomes = rows(tmp_path, "routellm", part="mmlu_anatomy")
    assert prompts == [Prompt("routellm/mmlu_anatomy/0", "mmlu_anatomy", "knowledge", "Which?\nA. x\nAnswer:")]
    assert [(o.expert, o.score) for o in outcomes] == [("mixtral-8x7b-instruct", 0.0), ("gpt-4-1106-preview", 1.0)]


def test_groups_are_those_of_the_data_the_router_was_trained_on(outcome_data):
    known = pd.read_parquet(outcome_data / "prompts.parquet", columns=["text", "group", "source"]).sample(
        3000, random_state=0
    )
    assert (known["text"].map(group_of) == known["group"]).mean() > 0.999
