"""Who sees what, in real browsers: two people signed in at once see nothing of each other; whoever does not sign in
shares what is stored, and nothing of a browser session."""

import re
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import TimeoutError, expect

from routing.own import TYPED, OwnExpert
from routing.store import Person, Place, open_store
from routing.store.outcomes import Collected
from routing.workshop import places, state
from routing.workshop.state import State
from tests import compare_page
from tests.browser import drawn, free_port, serve, type_prompt, visit, window
from tests.loopback import Loopback
from tests.oidc import ADA, BOB, Provider
from tests.test_browser import move_slider
from tests.test_browser_policies import go
from tests.test_store import RUN, answer

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
EXPERTS = ("gpt-4o-mini", "o3-mini")
PATHS = ("", "compare", "front", "policies", "routers", "experts", "history", "onboard", "train")


@contextmanager
def serving(folder, *, provider=None, server=None):
    """The app on a data folder, with sign-in where there is a provider, and experts behind a loopback server."""
    port = free_port()
    environ = compare_page.home(folder, {} if server is None else dict.fromkeys(EXPERTS, server.url))
    if provider is not None:
        path = folder / ".streamlit" / "secrets.toml"
        path.write_text(provider.secrets(f"http://127.0.0.1:{port}") + path.read_text("utf-8"), encoding="utf-8")
    with serve(port=port, environ=environ) as address:
        yield address


def database(folder):
    return open_store(f"sqlite:///{folder}/data/thalamus/thalamus.db")


def owner(provider, claims):
    return Person(provider.url, claims["sub"]).owner


def seed(store, whose, mark):
    """What takes long to make by hand: an own expert that was asked probes, a router, and a training that failed."""
    day = date(2026, 11, 1)
    store.experts.save(
        OwnExpert(f"0-{mark}-expert", address="http://127.0.0.1:9/v1").with_facts(
            {"title": f"0 {mark} expert"}, TYPED, day
        ),
        whose,
    )
    store.outcomes.keep(whose, "onboarding", Collected(f"0-{mark}-expert", "p1", 1.0, answer=f"{mark} probe answer"))
    store.routers.add(whose, name=f"{mark} router", folder=f"{len(mark)}" * 16, graph_sha256=mark, measures={})
    job = places.home(whose) / places.JOB
    job.mkdir(parents=True)
    state.write(job, State("failed", f"{mark} job", "f" * 16, datetime.now(UTC), problem=f"{mark} problem"))


def sign_in(page, address, name):
    page.goto(f"{address}/history")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def work(page, address, mark):
    """A key, a weight and a comparison, a policy file and an upload, all with a mark."""
    visit(page, f"{address}/compare?pool={','.join(EXPERTS)}")
    page.get_by_text("Keys and own addresses").click()
    page.get_by_label("Key", exact=True).fill(f"sk-{mark}-0123456789abcdefghij")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_text(re.compile("Key set for")).first).to_be_visible()
    compare_page.prepare(page, address, EXPERTS, f"Repeat the word {mark}")
    compare_page.ask(page)
    expect(page.locator("table.facts")).to_have_count(len(EXPERTS))
    go(page, "Policies")
    page.get_by_label("Name", exact=True).fill(f"{mark} policy")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Save version").click()
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    go(page, "Train")
    drawn(page)
    told = page.get_by_text(f"{mark}.csv: 2 rows")
    for _ in range(4):  # a file that meets a redraw is lost
        page.locator("input[type=file]").first.set_input_files(
            {"name": f"{mark}.csv", "mimeType": "text/csv", "buffer": b"prompt,expert,score\nhi,a,1\nhi,b,0\n"}
        )
        with suppress(TimeoutError):
            told.wait_for(timeout=20_000)
            break
    expect(told).to_be_visible()


def seen(page, address):
    """Everything that every page holds, by page: text, fields, and the tables that are drawn on a canvas."""
    found = {}
    for path in PATHS:
        visit(page, f"{address}/{path}")
        drawn(page)
        if path == "experts":  # its table is drawn on a canvas, and beside it for those who do not see
            expect(page.locator("td", has_text=" expert").first).to_be_attached()
        page.wait_for_timeout(500)
        fields = "[...document.querySelectorAll('input, textarea')].map(one => one.value).join(' ')"
        found[path] = page.content() + page.evaluate(fields)
    return found


def test_two_people_signed_in_at_once_see_nothing_of_each_other(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with (
        Provider(ADA, BOB) as provider,
        Loopback() as server,
        serving(tmp_path, provider=provider, server=server) as address,
    ):
        store = database(tmp_path)
        pages = {}
        for mark, claims in (("adamark", ADA), ("bobmark", BOB)):
            seed(store, owner(provider, claims), mark)
            pages[mark] = window(browser, viewport={"width": 1360, "height": 1600})
            sign_in(pages[mark], address, str(claims["name"]))
        for mark, page in pages.items():
            work(page, address, mark)
        found = {mark: seen(page, address) for mark, page in pages.items()}
        for mark, other in (("adamark", "bobmark"), ("bobmark", "adamark")):
            for path, text in found[mark].items():
                assert other not in text, path
            theirs = found[mark]
            assert f"Repeat the word {mark}" in theirs["history"]
            assert f"{mark} policy" in theirs["policies"]
            assert f"{mark} expert" in theirs["experts"], [p for p in theirs if f"{mark} expert" in theirs[p]]
            for kind in ("router", "job", "problem"):
                assert f"{mark} {kind}" in theirs["train"], kind
            assert f"{mark}.csv" in theirs["train"]
        kept = {one: store.people.count(owner(provider, one_of)) for one, one_of in (("ada", ADA), ("bob", BOB))}
        assert set(kept.values()) == {7}  # a run, two lines of the ledger, an expert, an outcome, a router, a policy
        assert store.people.others(set()) == sorted(owner(provider, one) for one in (ADA, BOB))
        store.close()
        for page in pages.values():
            page.context.close()


def test_only_a_verified_address_reaches_what_it_kept(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    mail = str(ADA["email"])
    unsure = ADA | {"sub": "thief-3", "name": "Thief", "email_verified": False}
    silent = {k: v for k, v in ADA.items() if k != "email_verified"} | {"sub": "quiet-4", "name": "Quiet"}
    late = ADA | {"sub": "late-5", "name": "Late"}  # the address was given to somebody else
    with Provider(unsure, silent, ADA, late) as provider, serving(tmp_path, provider=provider) as address:
        store = database(tmp_path)
        run_id = store.runs.begin(RUN, Place(mail, "b"))
        store.runs.keep(run_id, answer())
        empty, there = "Ask experts on Compare; runs appear here.", RUN.prompt
        for name, text in (("Thief", empty), ("Quiet", empty), ("Ada", there), ("Late", empty), ("Ada", there)):
            page = window(browser)
            sign_in(page, address, name)
            go(page, "History")
            expect(page.get_by_text(text)).to_be_visible()
            page.context.close()
        assert store.people.count(mail) == 0
        assert [(one.subject, one.email) for one in reversed(store.people.all())] == [
            ("thief-3", ""), ("quiet-4", ""), ("late-5", mail), ("ada-1", mail)
        ]  # fmt: skip
        store.close()


def test_a_tab_that_stays_open_after_signing_out_reaches_nothing(browser, tmp_path):
    with Provider(ADA) as provider, serving(tmp_path, provider=provider) as address:
        store = database(tmp_path)
        store.runs.begin(RUN, Place("", "b"))  # of a time without sign-in
        page = window(browser)
        page.goto(address)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        other = page.context.new_page()
        visit(other, f"{address}/history")
        expect(other.get_by_text("Ask experts on Compare; runs appear here.")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        other.reload()
        expect(other.get_by_role("button", name="Sign in")).to_be_visible()
        expect(other.get_by_text(RUN.prompt)).to_have_count(0)
        assert store.runs.count("") == 1
        store.close()
        page.context.close()


def test_who_does_not_sign_in_shares_what_is_stored_and_nothing_of_a_session(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with Loopback() as server, serving(tmp_path, server=server) as address:
        store = database(tmp_path)
        seed(store, "", "shared")
        store.close()
        one, other = (window(browser, viewport={"width": 1360, "height": 1600}) for _ in range(2))
        visit(other, address)
        type_prompt(other, "What is the capital of othermark?")
        work(one, address, "onemark")
        go(other, "History")
        expect(other.get_by_role("button", name="Repeat the word onemark")).to_be_visible()
        go(other, "Policies")
        expect(other.get_by_role("combobox", name="Policy file")).to_have_value("onemark policy")
        go(other, "Train")
        expect(other.get_by_text("onemark.csv: 2 rows")).to_be_visible()
        expect(other.get_by_text("shared router")).to_be_visible()
        go(other, "Compare")
        expect(other.get_by_label("Prompt", exact=True)).to_have_value("What is the capital of othermark?")
        other.get_by_text("Keys and own addresses").click()
        expect(other.get_by_text(re.compile("Key set for"))).to_have_count(0)
        expect(other.get_by_text("$1.00 left")).to_be_visible()
        assert "onemark" not in other.content()
        for page in (one, other):
            page.context.close()


def cost_weight(page):
    slider = page.get_by_role("slider", name="Cost")
    expect(slider).to_be_visible()
    return slider.get_attribute("aria-valuetext")


def test_the_back_button_and_a_second_tab_keep_their_own_weights(browser, tmp_path):
    with serve(environ={"XDG_DATA_HOME": str(tmp_path)}) as address:
        page = window(browser)
        visit(page, address)
        type_prompt(page, "What is 7 times 8?")
        move_slider(page, "Cost", 3)
        drawn(page)
        mine = cost_weight(page)
        second = page.context.new_page()
        visit(second, address)
        type_prompt(second, "What is 9 times 6?")
        untouched = cost_weight(second)
        move_slider(second, "Cost", 14)
        drawn(second)
        theirs = cost_weight(second)
        assert len({mine, untouched, theirs}) == 3
        go(page, "Front")
        drawn(page)
        page.go_back()
        expect(page.locator("p.lead")).to_be_visible()
        assert cost_weight(page) == mine
        assert page.get_by_label("Prompt", exact=True).input_value() == "What is 7 times 8?"
        assert cost_weight(second) == theirs
        page.context.close()


def test_claims_without_a_subject_keep_nothing(browser, tmp_path):
    """A provider that breaks the standard signs nobody in: authlib refuses, or the page says why."""
    nobody = {"name": "Nobody", "email": "n@example.org", "email_verified": True}
    with Provider(nobody) as provider, serving(tmp_path, provider=provider) as address:
        page = window(browser)
        page.goto(address)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name=re.compile("Sign (in|out)"))).to_be_visible()
        drawn(page)
        assert not page.get_by_label("Prompt", exact=True).count()
        store = database(tmp_path)
        assert store.people.all() == []
        store.close()
        page.context.close()
