"""The first steps of training: a file, and what its columns mean."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from pages.common import person, show
from pages.common.workshop.train_wait import waiting
from routing.errors import RoutingError
from routing.workshop import uploads
from routing.workshop.bounds import FEWEST_OUTCOMES, FEWEST_PROMPTS, MOST_EXPERTS, MOST_UPLOAD_MB
from routing.workshop.columns import NUMBERS, SCALES, TEXTS, Columns, guess, likely_scale, numbers_beside
from routing.workshop.example import FILE, example
from routing.workshop.joining import KEY
from routing.workshop.uploads import Upload

LONG, WIDE = "A row per prompt and expert", "A column per expert"
NONE: Final = ""
PREVIEW: Final = 5
LONGEST_CELL: Final = 200
LABELS: Final = {
    name: name.replace("_usd", " in $").replace("_s", " in s").replace("_", " ").capitalize()
    for name in (*TEXTS, *NUMBERS)
}
ABOUT: Final = {
    "source": "Where prompts come from; each source is fitted by itself.",
    "group": "Prompts of one group never lie on both sides of a split. Without it, prompts that differ only in "
    "letter case, spaces and punctuation are kept together.",
    "split": "train, validation or test. Without it, groups are split by hash.",
}


def upload() -> Upload | None:
    """The table that is worked on; asks for one where there is none."""
    st.markdown("#### 1. Outcomes")
    turn = st.session_state.setdefault("train_turn", 0)
    given = st.file_uploader(
        "A table of outcomes", type=list(uploads.KINDS), max_upload_size=MOST_UPLOAD_MB, key=f"train_file_{turn}",
        label_visibility="collapsed", accept_multiple_files=True,
    )  # fmt: skip
    if given:
        with st.spinner("Reading the file"):
            try:
                files = [(one.name, one.getvalue()) for one in given]
                uploads.keep(person.owner(), *files, tell=waiting(*(name for name, _ in files)))
            except RoutingError as problem:
                st.session_state["train_refused"] = str(problem)
            else:
                st.session_state.pop("train_refused", None)
        # The next choice of files takes the place of this one instead of joining it.
        st.session_state["train_turn"] = turn + 1
        st.rerun()
    if refused := st.session_state.get("train_refused"):
        st.error(show.escape(refused), icon=":material/block:")
    found = uploads.load(person.owner())
    if found is None:
        expected()
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f":material/table: {show.escape(found.name)}: {found.n_rows:,} rows, {len(found.columns)} columns",
            width="content",
        )
        st.button("Remove", key="train_forget", type="tertiary", icon=":material/delete:", on_click=_forget)
    for note in found.notes:
        st.caption(f":material/info: {show.escape(note)}")
    head = found.head(PREVIEW).map(lambda cell: str(cell)[:LONGEST_CELL])
    st.dataframe(head, hide_index=True, key="train_preview", height="content")
    return found


def expected() -> None:
    """What a table holds, and one to look at."""
    with st.expander("What the table looks like", icon=":material/help:", key="train_expected"):
        st.markdown(
            f"""
| column | holds |
|---|---|
| `prompt` | the text that was asked |
| `expert` | who answered; or give every expert a column of scores, named after it |
| `score` | how good the answer was: 0 to 1, yes or no, stars, 0 to 10 or 0 to 100 |
| `output_tokens`, `cost_usd`, `latency_s` | of the answer, optional; one of the first two says what answers cost |
| `model_a`, `model_b`, `winner` | or votes, in the place of experts and scores |
| `task`, `source`, `domain`, `group`, `split` | optional; you say below what each column means |

At least {FEWEST_PROMPTS} prompts and two experts, each with {FEWEST_OUTCOMES} outcomes to learn from. Columns may be
called otherwise.
"""
        )
        st.download_button(
            "Download an example", example, FILE, "text/csv", icon=":material/download:", on_click="ignore",
            key="train_example", help="176 prompts of this project, three experts; its scores are made up.",
        )  # fmt: skip


def _forget() -> None:
    uploads.forget(person.owner())
    st.session_state.pop("train_refused", None)


def columns_of(upload: Upload) -> Columns | None:
    """What the columns mean, guessed and then chosen; None while something is missing."""
    st.markdown("#### 2. What the columns mean")
    head = upload.head()
    guessed = guess(head)
    if not guessed.prompt and KEY in upload.columns:
        st.caption(
            f":material/info: It names prompts by their {KEY}. Upload the table of prompts together with it, both at "
            "once."
        )
    layout = st.segmented_control(
        "Layout", [LONG, WIDE], default=WIDE if guessed.wide else LONG, key=f"train_layout_{upload.stamp}",
        required=True, help="Wide: every expert has a column of scores, named after it.",
    )  # fmt: skip

    def choose(label: str, value: str, key: str, *, about: str | None = None, is_needed: bool = False) -> str:
        options = [*([] if is_needed and value else [NONE]), *upload.columns]
        return st.selectbox(
            label, options, index=options.index(value) if value in options else 0, help=about,
            key=f"train_{key}_{upload.stamp}", format_func=lambda name: show.escape(name) or "none",
        )  # fmt: skip

    first, second, third = st.columns(3)
    with first:
        prompt = choose("Prompt", guessed.prompt, "prompt", is_needed=True)
    found = replace(guessed, prompt=prompt, expert="", score="", wide=(), optional={}, beside={})
    if layout == WIDE:
        with second:
            wide = _wide(upload, guessed, prompt)
        found = replace(found, wide=wide, beside=numbers_beside(upload.columns, wide))
        _say_beside(found)
    else:
        with second:
            found = replace(found, expert=choose("Expert", guessed.expert, "expert", is_needed=True))
        with third:
            found = replace(found, score=choose("Score", guessed.score, "score", is_needed=True))
    found = replace(found, optional=_optional(guessed, choose, is_wide=layout == WIDE))
    return _complete(upload, found)


def _wide(upload: Upload, guessed: Columns, prompt: str) -> tuple[str, ...]:
    return tuple(
        st.multiselect(
            "Experts", [name for name in upload.columns if name != prompt],
            default=[name for name in guessed.wide if name != prompt][:MOST_EXPERTS],
            key=f"train_wide_{upload.stamp}", max_selections=MOST_EXPERTS, placeholder="Choose two or more",
        )
    )  # fmt: skip


def _say_beside(found: Columns) -> None:
    """Which columns of numbers stand beside an expert's scores."""
    if found.beside:
        told = [f"{LABELS[name].lower()} from {', '.join(columns.values())}" for name, columns in found.beside.items()]
        st.caption(f":material/info: Beside scores: {show.escape('; '.join(told))}.")


def _optional(guessed: Columns, choose: Callable[..., str], *, is_wide: bool) -> dict[str, str]:
    """The columns that may be there; a wide table has no tokens and costs by expert."""
    names = TEXTS if is_wide else (*TEXTS, *NUMBERS)
    chosen = len([name for name in names if name in guessed.optional])
    with st.expander(f"Optional columns ({chosen} found)"):
        places = st.columns(3)
        found = {}
        for i, name in enumerate(names):
            with places[i % 3]:
                found[name] = choose(LABELS[name], guessed.optional.get(name, NONE), name, about=ABOUT.get(name))
    return {name: column for name, column in found.items() if column}


def _complete(upload: Upload, found: Columns) -> Columns | None:
    """The columns with the scale of their scores; None, and what to do, while something is missing or twice."""
    named = found.used
    if not found.prompt or not found.score_columns or (not found.wide and not found.expert):
        st.caption("Choose the columns of prompts, experts and scores.")
        return None
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        st.warning(f"The column {show.escape(twice)} is chosen for two things. Choose another for one of them.")
        return None
    chosen = _scale(upload, found.score_columns)
    return None if chosen is None else replace(found, scale=chosen)


def _scale(upload: Upload, score_columns: Sequence[str]) -> str | None:
    """The scale of scores: proposed from what is there, applied when it is plain or chosen."""
    key = f"train_likely_{upload.stamp}"
    kept: tuple[tuple[str, ...], str] | None = st.session_state.get(key)
    if kept is None or kept[0] != tuple(score_columns):
        kept = tuple(score_columns), likely_scale(upload.read([name])[name] for name in score_columns)
        st.session_state[key] = kept
    likely = kept[1]
    is_plain = likely in {"0 to 1", "yes or no"}  # the only ones that leave numbers as they are
    chosen = st.selectbox(
        "Scores run from", list(SCALES), index=list(SCALES).index(likely) if is_plain else None,
        key=f"train_scale_{upload.stamp}_{'_'.join(score_columns)[:80]}", placeholder="Choose the scale", width=320,
        help="Scores are brought to 0 to 1, worst to best.",
    )  # fmt: skip
    if chosen is None:
        hint = (
            f"They look like {likely}." if likely else "They fit none of these scales; rows that do not are left out."
        )
        st.caption(f":material/straighten: {hint} Choose the scale to go on: scores are never rescaled silently.")
    return chosen
