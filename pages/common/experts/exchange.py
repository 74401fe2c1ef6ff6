"""Experts out of and into a file in the form of LiteLLM's proxy."""

from typing import Final

import pandas as pd
import streamlit as st

from pages.common import keys, own, show
from pages.common.experts import acts
from routing.errors import RoutingError
from routing.own import OwnExpert
from routing.own.imported import Imported, read
from routing.own.model_list import model_list
from routing.plain_yaml import decoded
from routing.store.experts import OwnExperts

MINE, ALL = "Mine", "All that take part"
MEBIBYTES: Final = 1


def exchange() -> None:
    """Both ways, one beside the other."""
    acts.back()
    st.markdown("#### Import or export")
    st.caption("A file in the form of LiteLLM's proxy (`model_list` in config.yaml). Keys are never written or read.")
    left, right = st.columns(2, gap="large")
    with left:
        out()
    with right:
        into()


def out() -> None:
    """A download."""
    st.markdown("##### Export")
    mine = own.mine()
    which = st.radio("Which experts", [MINE, ALL], key="export_which", horizontal=True)
    named = mine.by_name
    experts = [e for e in mine.catalog.experts if which == ALL or e.name in named]
    if not experts:
        st.caption("None of the experts is yours yet, nor changed by you. Add one, or export all.")
        return
    text, left_out = model_list(experts, named, mine.everyone.today)
    st.download_button(
        f"Download {len(experts) - len(left_out)} experts", text, "model_list.yaml", "application/yaml",
        icon=":material/download:", on_click="ignore", key="export_download",
        disabled=len(left_out) == len(experts),
    )  # fmt: skip
    if left_out:
        names = ", ".join(show.escape(mine.titles[n]) for n in left_out[:6])
        more = f" and {len(left_out) - 6} more" if len(left_out) > 6 else ""
        st.caption(
            f"Left out: {names}{more}. They run on this machine only, or no address and no LiteLLM name is known."
        )
    if len(experts) == len(left_out):
        return
    with st.expander("See the file", icon=":material/code:"):
        st.code(text, language="yaml", height=360)


def into() -> None:
    """An upload, what it would change, and a button that keeps it."""
    st.markdown("##### Import")
    file = st.file_uploader(
        "A YAML or JSON file with a model_list", ["yaml", "yml", "json"], key="import_file", max_upload_size=MEBIBYTES
    )
    if file is None:
        return
    mine = own.mine()
    try:
        text = decoded(file.getvalue())
    except ValueError as problem:
        st.warning(f"The file cannot be read: {problem}.", icon=":material/error:")
        return
    try:
        found = read(
            text, mine.everyone, mine.by_name, today=mine.everyone.today, allow_private=keys.private_allowed_here()
        )
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/error:")
        return
    preview(found)


def preview(found: Imported) -> None:
    """What would be kept, what not, and why."""
    known = own.mine().everyone.names
    if found.experts:
        frame = pd.DataFrame(
            {
                "Expert": one.name,
                "Becomes": "changed" if one.name in known else "added",
                "LiteLLM name": one.expert.litellm,
                "Own address": one.address,
            }
            for one in found.experts
        )
        st.dataframe(frame, hide_index=True, placeholder="", height="auto", key="import_preview")
    n = len(found.experts)
    st.button(
        f"Keep {n} expert{'s' if n != 1 else ''}", key="import_keep", type="primary", icon=":material/check:",
        disabled=n == 0, on_click=_keep, args=(found.experts,),
    )  # fmt: skip
    if found.same:
        st.caption(f"{len(found.same)} are here already, as the file has them.")
    for sentence in found.refused[:20]:
        st.caption(f":material/block: {show.escape(sentence)}")
    if len(found.refused) > 20:
        st.caption(f"And {len(found.refused) - 20} more that cannot be used.")
    for sentence in found.notes:
        st.caption(f":material/info: {show.escape(sentence)}")


def _keep(found: tuple[OwnExpert, ...]) -> None:
    def write(experts: OwnExperts, owner: str) -> None:
        for one in found:
            experts.save(one, owner)

    if acts.keep(write, f"{len(found)} kept."):
        acts.go(acts.LIST)
