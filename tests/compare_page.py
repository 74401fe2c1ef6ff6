"""What a person does on Compare in a real browser, for tests and benchmarks: choose experts, ask, look at a column."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from routing.catalog import load_catalog
from tests.browser import drawn, type_prompt, visit

ASK = ".st-key-compare_ask button"


def home(folder: Path, addresses: Mapping[str, str]) -> dict[str, str]:
    """An environment whose secrets put experts behind own addresses, and whose data folder is empty."""
    secrets = folder / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir(parents=True)
    lines = "\n".join(f'"{name}" = "{address}"' for name, address in addresses.items())
    secrets.write_text(f"[addresses]\n{lines}\n", encoding="utf-8")
    return {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}


def prepare(page: Page, address: str, experts: Sequence[str], prompt: str) -> None:
    """Open Compare, choose these experts at their unknown price, and leave only the click on Ask."""
    visit(page, f"{address}/compare?pool={','.join(experts)}")
    type_prompt(page, prompt)
    choose(page, experts)
    # While the page is drawn anew, Streamlit keeps the element of the run before, marked as stale.
    confirm = page.locator("[class*=st-key-unknown_][data-stale=false]")
    for name in experts:  # the tick belongs to the whole choice, so it is drawn anew when the choice changes
        expect(confirm).to_contain_text(load_catalog()[name].title)
    confirm.get_by_text("Ask at an unknown price").click()


def choose(page: Page, experts: Sequence[str]) -> None:
    """Add those experts that are not suggested already."""
    box = page.locator(".st-key-compare_experts input")
    tags = page.locator(".st-key-compare_experts [data-tag]")
    expect(tags).not_to_have_count(0)
    drawn(page)
    for name in experts:
        title = load_catalog()[name].title
        if not tags.filter(has_text=title).count():
            box.fill(title)
            box.press("Enter")
            expect(tags.filter(has_text=title)).to_have_count(1)
    page.keyboard.press("Escape")  # the open list would cover what stands below


def ask(page: Page) -> None:
    """Click Ask as soon as it may be clicked."""
    button = page.locator(ASK)
    expect(button).to_be_enabled()
    button.click()


def card(page: Page, expert: str) -> Locator:
    """The column of an expert."""
    title = page.get_by_text(load_catalog()[expert].title, exact=True)
    return page.locator(".st-key-answers [data-testid=stColumn]").filter(has=title)
