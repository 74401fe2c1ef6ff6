"""Sign-in: nothing is shown before it where it is configured, and nothing of it where it is not."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from tests.browser import free_port, open_browser, serve, window
from tests.oidc import EMAIL, Provider

ROOT = Path(__file__).resolve().parent.parent


def test_nothing_is_shown_before_signing_in():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.secrets["auth"] = {"client_id": "x"}
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.text_area
    app.switch_page("pages/evidence/history.py").run()
    assert [button.label for button in app.button] == ["Sign in"]


def test_nobody_signs_in_where_nothing_is_configured():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert app.text_area
    assert not [button for button in app.button if "Sign" in button.label]


@pytest.mark.browser
def test_a_person_signs_in_and_out_in_a_browser(tmp_path):
    port = free_port()
    with Provider() as provider, open_browser() as browser:
        secrets = tmp_path / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir()
        secrets.write_text(provider.secrets(f"http://127.0.0.1:{port}"), encoding="utf-8")
        environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
        with serve(port=port, environ=environ) as address:
            page = window(browser)
            page.goto(f"{address}/history")
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            expect(page.locator("h3")).to_have_text("Thalamus")
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_text(EMAIL)).to_be_visible()
            expect(page.get_by_label("Prompt", exact=True)).to_be_visible()
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
