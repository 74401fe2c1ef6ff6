"""The only caches of the app. What they hold belongs to everyone; nothing of one person is ever in them."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pandas as pd
import streamlit as st

from pages.common import names
from routing.answer import prepare
from routing.catalog import ASSETS, Catalog, catalog_of, load_catalog
from routing.collecting.probe import ProbeSet, probe_set
from routing.encoder import OnnxEncoder, read_card
from routing.encoder import load as load_graph
from routing.errors import CatalogError, DataError, StoreError
from routing.evidence import Evidence
from routing.figures.evidence import latent as map_of
from routing.outcomes import read_pools
from routing.predictors import DEFAULT, glider_heat
from routing.predictors.glider_cards import CARDS_FILE, ExpertCards, load_cards
from routing.registry import load_router, load_routers, offered
from routing.router import Router
from routing.sample import SAMPLE_FILE, Sample, load_sample
from routing.store import Store, open_store

CHOOSER_FILE = "chooser.json"
AGAIN_S: Final = 15.0
_not_opened: dict[str, tuple[float, str]] = {}  # by URL: when, and why


@st.cache_resource(show_spinner="Reading the router", max_entries=6)
def router(name: str = DEFAULT, folder: Path | None = None) -> Router:
    """A router by name; the one that the app uses when none is named.

    ``folder`` is that of an own router, here and below: its name is made by the server, once, and its files never
    change. None is the shipped router.
    """
    if folder is not None:
        return load_routers([name], folder, catalog=catalog(folder))[name]
    return load_router() if name == DEFAULT else load_router(name=name)


@st.cache_resource(show_spinner="Reading every router", max_entries=3)
def routers(folder: Path | None = None) -> dict[str, Router]:
    """Every router that can be asked, around one graph."""
    wanted = [name for name in names.usable() if name in methods(folder)]
    return load_routers(wanted, folder or ASSETS, catalog=catalog(folder))


@st.cache_data(max_entries=100)
def methods(folder: Path | None = None) -> frozenset[str]:
    """Names of the methods and policies that a router has."""
    return frozenset(offered(read_card(folder or ASSETS)))


@st.cache_data
def cards() -> dict[str, ExpertCards]:
    """The instruction cards of every expert, as they are stored."""
    return load_cards(ASSETS / CARDS_FILE)


@st.cache_resource(show_spinner="Reading the probes", max_entries=3)
def probes(folder: Path | None = None) -> ProbeSet:
    """The project's probes, as the default router sees them."""
    return probe_set(router() if folder is None else router(DEFAULT, folder))


@st.cache_data
def onboarding_curves() -> dict[str, Any]:
    """How good onboarding was for known experts left out; empty where nothing readable is stored."""
    from routing.onboarding.study import stored_curves

    try:
        return stored_curves() or {}
    except DataError:
        return {}


@st.cache_resource(show_spinner=False)
def token_reader() -> OnnxEncoder:
    """The graph with the outputs that a heat map of tokens needs."""
    return load_graph(ASSETS, heads=glider_heat.HEADS)


@st.cache_resource(show_spinner=False, max_entries=100)
def catalog(folder: Path | None = None) -> Catalog:
    """Every expert that the router may choose from; pages that only show need not wait for the graph."""
    return load_catalog() if folder is None else catalog_of(folder)


@st.cache_data
def titles() -> dict[str, str]:
    """Name of each expert for people."""
    return {e.name: e.title for e in catalog().experts}


@st.cache_data
def examples() -> dict[str, list[str]]:
    """Example prompts by domain."""
    path = ASSETS / "examples.json"
    try:
        found: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CatalogError(f"{path.name} is missing or damaged ({problem}). Restore it with git.") from problem
    return found


@st.cache_data(max_entries=100)
def pools(folder: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Named sets of experts that were measured on the same prompts."""
    return read_pools(folder or ASSETS)


@st.cache_resource(show_spinner=False)
def warm_up() -> Thread:
    """Prepare in the background what the first answer needs, which takes seconds, before anything is asked."""
    thread = Thread(target=prepare, name="warm-up", daemon=True)
    thread.start()
    return thread


def card(folder: Path | None = None) -> Mapping[str, Any]:
    """The router card: what the router was trained on and how good it is."""
    return router().card if folder is None else router(DEFAULT, folder).card


@st.cache_resource(max_entries=6)
def sample(folder: Path | None = None) -> Sample:
    """Predictions and outcomes on held-out prompts, numbers only."""
    return load_sample((folder or ASSETS) / SAMPLE_FILE)


@st.cache_resource(show_spinner=False)
def store(url: str) -> Store:
    """The open database. It holds runs of everyone; whose they are is asked for with every query.

    Raises:
        StoreError: It cannot be used; it is tried again only after ``AGAIN_S``, since trying may take long.
    """
    if (failed := _not_opened.get(url)) is not None and time.monotonic() - failed[0] < AGAIN_S:
        raise StoreError(failed[1])
    try:
        opened = open_store(url)
    except StoreError as problem:
        _not_opened[url] = (time.monotonic(), str(problem))
        raise
    _not_opened.pop(url, None)
    return opened


@st.cache_resource(show_spinner=False)
def evidence() -> Evidence:
    """What was measured about the routers, as it is stored."""
    return Evidence.load()


@st.cache_data
def chooser() -> list[dict[str, Any]]:
    """What LLMs that were asked to choose reached; empty where none really ran, or its file cannot be read."""
    try:
        found = json.loads((ASSETS / CHOOSER_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


@st.cache_data(max_entries=8)
def latent(pool: str) -> pd.DataFrame | None:
    """The latent map of a pool; None where none is stored."""
    found, known = evidence().latent_map(pool), titles()
    return None if found is None else map_of.latent(found, [known.get(e, e) for e in found.experts])
