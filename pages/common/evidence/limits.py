"""Unfamiliar tasks, controls, and what limits the routers."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.common.evidence import exhibit
from pages.common.evidence.exhibit import View
from routing.figures.evidence import controls as control
from routing.figures.evidence import heldout
from routing.predictors import DEFAULT


def held_out(view: View) -> None:
    """Held-in beside held-out, then GLIDER's alpha."""
    protocol = st.segmented_control(
        "Left out", list(heldout.PROTOCOLS), default="tasks", key="evidence_protocol", required=True,
        format_func=lambda p: heldout.PROTOCOLS[p],
    )  # fmt: skip
    kept = [r for r in view.evidence.held_out or () if r.get("protocol") == protocol and r.get("pool") == view.pool]
    frame = heldout.held_out(kept, view.titles, view.systems)
    exhibit.head(
        "What is lost on tasks that were never seen?",
        "Mean score when only quality counts, with the prompt's task in training (held-in, hollow) and after refitting "
        "without it (held-out, filled) (protocol of GLIDER, arXiv:2410.07172).",
    )
    drawn = frame[frame["_router"].isin(list(view.looks))] if not frame.empty else frame
    if frame.empty:
        exhibit.nothing()
    elif drawn.empty:
        exhibit.nothing("Not measured for these routers on this pool. Choose others above.")
    else:
        exhibit.chart(heldout.held_out_figure(frame, view.looks), "held_out")
        against = ["Best single", "Against best single", "Low", "High"]
        lost = frame.drop(columns=against)
        exhibit.table(lost, f"held_out_{protocol}", columns=exhibit.numbers(lost, Prompts="localized"))
        exhibit.head(
            "Is the router ever worse than the best single expert?",
            "Held-out mean score minus the best single expert's with its 95 % bootstrap interval; the band is the 0.01 "
            "that the default router may lose at most, since it must know when it does not know.",
        )
        exhibit.chart(heldout.against_best_figure(frame, view.looks), "against_best")
        gain = frame[["_router", "Router", *against]]
        columns = exhibit.numbers(gain, "%+.3f", Best_single="%.3f")
        exhibit.table(gain, f"against_best_{protocol}", columns=columns)
        units(kept, view)
        view.about("held_out")
    alpha(view)


def units(rows: Sequence[Mapping[str, Any]], view: View) -> None:
    """What the default router loses, task by task or source by source."""
    own = next((row for row in rows if row["router"] == DEFAULT), None)
    if own is None or not own.get("units"):
        return
    exhibit.head(
        "Where does leaving out hurt?",
        "The default router's mean score minus the best single expert's on each task or source that was left out "
        "(filled, with its 95 % interval), and on the same prompts when it was not (hollow) (protocol of GLIDER, "
        "arXiv:2410.07172).",
    )
    frame = heldout.units(own["units"])
    exhibit.chart(heldout.units_figure(frame), "units")
    exhibit.table(frame, f"units_{own['protocol']}", columns=exhibit.numbers(frame, "%+.3f", Prompts="localized"))
    if own.get("unknown"):
        known = f"{own['n_known']} of the pool's {own['n_members']} experts"
        st.caption(f"Judged on {known}: the others were measured nowhere else.")


def alpha(view: View) -> None:
    """The alpha curve of the GLIDER-style router on both suites."""
    stored = view.evidence.alpha or {}
    exhibit.head(
        "Instructions or tokens?",
        "Mean score of the GLIDER-style router as alpha moves weight from its local score (tokens, 0) to its global "
        "one (instruction cards), on familiar tasks and on tasks left out (GLIDER, arXiv:2410.07172, which routes "
        "tokens to adapters where ours routes prompts to experts).",
    )
    frame = heldout.alpha(stored)
    if frame.empty:
        exhibit.nothing()
        return
    exhibit.chart(heldout.alpha_figure(frame, stored.get("fitted") or {}), "alpha")
    exhibit.table(frame, "alpha", columns=exhibit.numbers(frame, Alpha="%.2f"))
    view.about("alpha")


def controls(view: View) -> None:
    """Shuffled labels, the learning curve, and contamination."""
    shuffled(view)
    learning(view)
    contamination(view)


def shuffled(view: View) -> None:
    """Routers trained on shuffled labels."""
    frame = control.shuffled(view.evidence.controls or {}, view.titles, view.pools)
    leaks = 0 if frame.empty else int((frame["Verdict"] != "closes no gap").sum())
    filled = "; filled where it is above zero by more than chance, which would be a leak in the protocol"
    exhibit.head(
        "Do shuffled labels close no gap?",
        "Share of the gap to the oracle closed after training on labels shuffled within each source, counted from "
        f"the expert that is best in the prompt's source{filled if leaks else ''}.",
    )
    if frame.empty:
        exhibit.nothing()
        return
    exhibit.chart(control.shuffled_figure(frame), "shuffled")
    st.caption(
        f"{len(frame) - leaks} of {len(frame)} shuffled routers close no gap."
        + (f" About {len(frame) * 0.025:.0f} would seem to by chance alone." if leaks else "")
    )
    exhibit.table(frame, "shuffled", columns=exhibit.numbers(frame, "%+.3f", Gap_closed="percent"))
    view.about("controls")


def learning(view: View) -> None:
    """AIQ over the size of the training set."""
    exhibit.head(
        "Would more data help?",
        "AIQ, the mean height of the cost-quality curve, above that of the static mix after training on so many "
        "prompts (learning curve asked for by Multiple Minds, arXiv:2405.00467).",
    )
    stored = view.evidence.learning or {}
    frame = control.learning(stored, view.pool, view.routers, view.titles)
    if frame.empty:
        exhibit.nothing(*(["Not measured for these routers on this pool. Choose others above."] if stored else []))
        return
    exhibit.chart(control.learning_figure(frame, view.looks), "learning")
    exhibit.table(frame, "learning", columns=exhibit.numbers(frame, "%.4f", Training_prompts="localized"))
    view.about("learning")


def contamination(view: View) -> None:
    """Experts that do better on training prompts than on test prompts."""
    exhibit.head(
        "May an expert have seen the questions?",
        "Mean score of an expert on training prompts minus test prompts of the same source with its 95 % interval: "
        "one tuned on a benchmark's training half fools a router (Multiple Minds, arXiv:2405.00467).",
    )
    frame = control.contamination(view.evidence.contamination or (), view.experts)
    if frame.empty:
        exhibit.nothing()
        return
    warned = int((frame["Warning"] != "").sum())
    if warned:
        st.warning(
            f"{warned} gaps stay above zero even after allowing for how many were looked at: a router trained on these "
            "outcomes may trust these experts too much.",
            icon=":material/warning:",
        )
    else:
        st.caption("None of these gaps stays above zero once it is allowed for how many were looked at.")
    exhibit.chart(control.contamination_figure(frame), "contamination")
    exhibit.table(frame, "contamination", columns=exhibit.numbers(frame, Gap="%+.3f", Low="%+.3f", High="%+.3f"))
    view.about("contamination")
