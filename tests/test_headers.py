"""Headers that keep a page to itself: every answer has them, and no page needs what they refuse."""

import urllib.request

import pytest

from pages.common.headers import content_security_policy
from tests.browser import drawn, serve, type_prompt, visit

PATHS = ("", "compare", "front", "policies", "routers", "experts", "history", "onboard", "train")


def test_the_policy_allows_what_streamlit_writes_into_its_page_by_hash_alone():
    policy = content_security_policy("<script>one()</script><script src='x'></script><script>two()</script>")
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert script.count("'sha256-") == 2
    assert "unsafe-inline" not in script
    assert "'unsafe-eval'" not in script
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_page_works_under_the_headers_that_every_answer_has(page, tmp_path):
    refused = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    with serve(environ={"XDG_DATA_HOME": str(tmp_path)}) as address:
        for path in ("/", "/_stcore/health", "/nowhere"):
            with urllib.request.urlopen(f"{address}{path}") as answer:  # noqa: S310 - loopback
                assert answer.headers["x-frame-options"] == "DENY", path
                assert answer.headers["content-security-policy"] == content_security_policy(), path
        visit(page, address)
        type_prompt(page, "What is 7 times 8?")
        for path in PATHS:
            visit(page, f"{address}/{path}")
            drawn(page)
            assert not refused, path
