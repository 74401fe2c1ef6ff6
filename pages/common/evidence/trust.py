"""Can the predictions be believed? Calibration, lengths and reading ease, difficulty and skills."""

import streamlit as st

from pages.common import look
from pages.common.evidence import exhibit
from pages.common.evidence.exhibit import View
from routing.figures.evidence import calibration as drawn
from routing.figures.evidence import items


def calibration(view: View) -> None:
    """Reliability curve with Brier scores, then readability and verbosity."""
    stored = (view.evidence.reliability or {}).get(view.pool) or {}
    exhibit.head(
        "Does a predicted score mean what it says?",
        "Measured against predicted mean score in ten bins of equal count, with the Brier score (mean squared error) "
        "beside that of always predicting each expert's own mean, the base rate (Brier 1950; as in Tryage, "
        "arXiv:2308.11601).",
    )
    frame = drawn.reliability(stored, view.routers, view.titles)
    if frame.empty:
        exhibit.nothing("None of these routers predicts a score on this pool. Choose others above.")
    else:
        exhibit.chart(drawn.reliability_figure(frame, view.looks), "reliability")
        exhibit.table(frame, "reliability", columns=exhibit.numbers(frame, Answers="localized"))
        brier = drawn.brier(stored, view.routers, view.titles)
        exhibit.open_table(brier, "brier", columns=exhibit.numbers(brier, Better_by="%+.3f"))
    lengths(view)


def lengths(view: View) -> None:
    """Readability and verbosity judged like scores."""
    exhibit.head(
        "Can reading ease and length be predicted?",
        "Root mean squared error of the prediction divided by that of always predicting the expert's own mean, on "
        "held-out prompts of familiar tasks and of tasks left out; where it is not below 1 the mean is used "
        "(constraints of Tryage, arXiv:2308.11601).",
    )
    frame = drawn.lengths(view.evidence.lengths or {})
    if frame.empty:
        exhibit.nothing()
        return
    exhibit.chart(drawn.lengths_figure(frame), "lengths")
    means = frame[frame["Used"] == "the expert's mean"]
    if not means.empty:
        listed = "; ".join(f"{of.lower()} on {on}" for of, on in zip(means["Of"], means["On"], strict=True))
        st.caption(f":material/info: The expert's mean stands in for the prediction: {listed}.")
    exhibit.table(frame, "lengths", columns=exhibit.numbers(frame, "%.2f"))
    view.about("lengths")


def difficulty(view: View) -> None:
    """What item response makes readable."""
    stored = view.evidence.mirt or {}
    exhibit.head(
        "What can each expert do?",
        "Ability of each of the pool's experts per skill in an item response model, in logits above the mean of the "
        "experts measured there; a skill is named after the domain that asks for it most (MIRT, arXiv:2506.01048).",
    )
    everyone = items.skills(stored, view.experts)
    if everyone.empty:
        exhibit.nothing()
        return
    members = {view.experts.get(name, name) for name in view.rows()[0].get("experts", ())}
    shown = everyone[everyone["Expert"].isin(members)].dropna(axis="columns", how="all")
    exhibit.chart(items.skills_figure(everyone if shown.empty else shown, is_dark=look.is_dark()), "skills")
    columns = exhibit.numbers(everyone, "%+.2f")
    exhibit.table(everyone, "skills", columns=columns, label="Table of every expert")
    hard = items.difficulty(stored)
    exhibit.head(
        "Which domains are hard?",
        "Mean difficulty of a domain's prompts in the same model: the logit with which an expert of mean ability "
        "fails, so that 0 is an even chance (MIRT, arXiv:2506.01048).",
    )
    if hard.empty:
        exhibit.nothing()
        return
    exhibit.chart(items.difficulty_figure(hard), "difficulty")
    exhibit.table(hard, "difficulty", columns=exhibit.numbers(hard, "%+.2f", Prompts="localized"))
    view.about("mirt")
