"""Small inputs from public files and bug reports, where the folder of them lies beside the project.

Every folder has its right value here, and one that has none fails; where they are absent, tests of the same kinds
stand elsewhere.
"""

import json
import os
import runpy
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml

from routing.answer import LiteLLM, answers
from routing.answer.client import Request, Settings
from routing.catalog import load_catalog
from routing.errors import AnswerError
from routing.keys import KeyRing
from routing.own import addresses, compatible, merged, versions
from routing.own.imported import read as read_model_list
from routing.own.model_list import model_list
from routing.registry import load_router
from routing.workshop import uploads
from routing.workshop.checking import check
from routing.workshop.columns import guess
from routing.workshop.reading import read_table
from routing.workshop.votes import as_outcomes
from tests import command_line

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("THALAMUS_CASES", ROOT.parent / "shared" / "cases"))
pytestmark = [
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no cases at {FOLDER}: set THALAMUS_CASES to a folder of them"),
    pytest.mark.filterwarnings("ignore"),
]
TODAY = date(2026, 12, 1)
SHIPPED = load_catalog(today=TODAY)


@pytest.fixture(scope="module")
def router():
    return load_router()


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The odd server, its address, and what it was asked."""
    log = tmp_path_factory.mktemp("odd") / "log.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, FOLDER / "odd.py", str(port), log]) as process:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1", log
        process.kill()


def asked(odd, mode, **settings):
    expert = replace(SHIPPED["gpt-4o-mini"], litellm=f"openai/{mode}")
    ring = KeyRing(environ={}, endpoints={expert.name: odd[0]})
    return answers([Request(expert, "What is the answer?", Settings(timeout_s=20, **settings))], keys=ring)[0]


def whole(odd, mode, text="The answer is 42."):
    found = asked(odd, mode)
    assert (found.text, found.error, found.is_complete) == (text, None, True), mode
    return found


def imported(case):
    return read_model_list((FOLDER / case / "config.yaml").read_text(), SHIPPED, {}, today=TODAY)


def called(found):
    catalog = merged(SHIPPED, found.experts)
    own = found.experts
    keys = {"AZURE_API_KEY": "k", "AZURE_API_BASE": "http://127.0.0.1:7"}
    ring = KeyRing(environ=keys, endpoints=addresses(own), compatible=compatible(own), versions=versions(own))
    return {one.name: ring.access(catalog[one.name]) for one in own}


def outcomes(case, name, scale="0 to 1"):
    sheet = read_table(FOLDER / case / name, uploads.kind_of(name))
    table, votes = as_outcomes(sheet.frame)
    columns = replace(guess(table), scale=scale)
    return sheet, columns, check(table, columns, first_row=sheet.first_row), votes


def flags_in_data(router, odd):
    for line in (FOLDER / "01-flags-in-data" / "prompts.jsonl").read_text().splitlines():
        prompt = json.loads(line)
        reading = router.read(prompt)
        assert (reading.prompt, reading.flags) == (prompt, ())


def token_count(router, odd):
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as made:
        runpy.run_path(str(FOLDER / "02-token-count" / "make.py"))
    prompts = made.getvalue().splitlines()
    for prompt, about in zip(prompts, (4_500, 2_800, 10_000), strict=True):
        assert about / 2 <= router.read(prompt).input_tokens <= 2 * about
    thai = prompts[1]
    vectors = router.encoder.encode([thai, "อาหารไทยจานนี้ทำอย่างไร" * 20]).vector
    assert float(np.abs(vectors[0] - vectors[1]).max()) > 1e-3


def served_name(router, odd):
    found = imported("03-served-name")
    access = called(found)
    assert access["mine"].model == "openai/org-x/Model-7B"
    assert access["nim"].model == "openai/org-y/model-8b"
    written = yaml.safe_load(
        model_list([e.expert for e in found.experts], {e.name: e for e in found.experts}, TODAY)[0]
    )
    models = {entry["model_name"]: entry["litellm_params"]["model"] for entry in written["model_list"]}
    assert models["mine"].endswith("org-x/Model-7B")
    assert models["nim"].endswith("org-y/model-8b")


def foreign_protocol(router, odd):
    access = called(imported("04-foreign-protocol"))
    assert access["loc"].model == "ollama_chat/tiny:3b"
    assert access["az"].model == "azure/dep-1"
    assert access["az"].settings["api_version"] == "2024-06-01"


def azure_env(router, odd):
    found = imported("05-azure-env")
    assert [(e.name, e.address) for e in found.experts] == [("az", None)]
    assert found.refused == ()


def not_chat(router, odd):
    found = imported("06-not-chat")
    assert found.experts == ()
    assert len(found.refused) == 3
    for name, mode in (("pic", "image"), ("emb", "embedding"), ("ear", "audio")):
        assert any(name in said and mode in said for said in found.refused)


def yaml_anchors(router, odd):
    assert [e.name for e in imported("07-yaml-anchors").experts] == ["one", "two", "three"]


def names_with_spaces(router, odd):
    found = imported("08-names-with-spaces")
    assert found.refused == ()
    assert {e.name for e in found.experts} == {"EU-GPT-new", "wide"}
    assert any("EU-GPT-new" in note for note in found.notes)


def nested_unused(router, odd):
    sheet, _, checked, _ = outcomes("09-nested-unused", "log.jsonl")
    assert checked.n_bad == 0
    assert len(checked.outcomes)
    assert any("'usage', 'tags'" in note for note in sheet.notes)


def lone_surrogate(router, odd):
    sheet, _, checked, _ = outcomes("10-lone-surrogate", "log.jsonl")
    assert checked.n_bad == 0
    assert any("lone surrogates" in note and "row 8" in note for note in sheet.notes)


def cost_columns(router, odd):
    _, columns, checked, _ = outcomes("11-cost-columns-as-experts", "log.csv")
    assert columns.wide == ("m-a", "m-b")
    assert checked.outcomes.groupby("expert")["cost_usd"].mean().round(8).to_dict() == {"m-a": 7.5e-05, "m-b": 1.4e-06}


def pairwise(router, odd):
    _, columns, checked, votes = outcomes("12-pairwise", "votes.csv")
    assert (columns.expert, columns.score) == ("expert", "score")
    assert set(checked.outcomes["score"]) == {0.0, 0.5, 1.0}
    assert "1 for the winner" in votes[0]


def optional_number(router, odd):
    _, _, checked, _ = outcomes("13-optional-number", "log.csv")
    assert checked.n_bad == 0
    assert set(checked.outcomes["output_tokens"]) == {2063.0}
    assert set(checked.outcomes["cost_usd"]) == {0.0012}


def sep_line(router, odd):
    sheet, _, checked, _ = outcomes("14-sep-line", "log.csv")
    assert list(sheet.frame.columns) == ["prompt", "model", "score"]
    assert checked.n_bad == 0


def cached_and_tiers(router, odd):
    found = asked(odd, "cached")
    assert (found.input_tokens, found.output_tokens) == (10_000, 100)
    from routing.answer.usage import Usage

    prices = {
        "input_cost_per_token": 2.5e-6, "cache_read_input_token_cost": 1.25e-6, "output_cost_per_token": 10e-6,
    }  # fmt: skip
    usage = Usage(10_000, 100, 9_500, 0, 60, None)
    assert LiteLLM().cost("openai/x", prices, usage, None) == pytest.approx(0.014125)


def refused_parameters(router, odd):
    for mode, said in (("nostreamoptions", "stream_options"), ("notemp", "temperature"), ("nomaxtokens", "max_tokens")):
        assert said in whole(odd, mode).note
    assert "max_completion_tokens" in asked(odd, "nomaxtokens").note


def plain_json(router, odd):
    found = whole(odd, "notstream")
    assert (found.input_tokens, found.output_tokens) == (11, 7)


def no_finish_reason(router, odd):
    assert whole(odd, "nofinish").finish_reason is None
    assert whole(odd, "nofinishusage").finish_reason is None
    assert isinstance(asked(odd, "nofinishnodone").error, AnswerError)


def content_parts(router, odd):
    whole(odd, "contentlist")


def split_emoji(router, odd):
    whole(odd, "emojisplit", "ok \U0001f600 \U0001f600 end")


def retry_after(router, odd):
    assert whole(odd, "retryafter").retries == 1


def refusal_text(router, odd):
    assert "refused" in whole(odd, "refusal", "I can't help with that.").note
    assert "wanted to call a tool ('look_up')" in str(asked(odd, "tools").error)


def cli_bytes(router, odd):
    told = command_line.run("answer", os.fsdecode(b"bad \xe9 byte"), "--experts", "gpt-4o-mini")
    assert "codec" not in told.stdout + told.stderr
    assert "HTTP 500" not in told.stdout + told.stderr


CASES = {
    "01": flags_in_data, "02": token_count, "03": served_name, "04": foreign_protocol, "05": azure_env,
    "06": not_chat, "07": yaml_anchors, "08": names_with_spaces, "09": nested_unused, "10": lone_surrogate,
    "11": cost_columns, "12": pairwise, "13": optional_number, "14": sep_line, "15": cached_and_tiers,
    "16": refused_parameters, "17": plain_json, "18": no_finish_reason, "19": content_parts, "20": split_emoji,
    "21": retry_after, "22": refusal_text, "23": cli_bytes,
}  # fmt: skip
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if FOLDER.is_dir() else []


@pytest.mark.parametrize("case", NAMES or ["none"])
def test_a_case_has_its_right_value(case, router, odd):
    CASES[case.split("-")[0]](router, odd)
