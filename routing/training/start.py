"""The encoder that training starts from: the official weights where torch is there, else that of a shipped router."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from tokenizers import Tokenizer

from routing.encoder import GOLDEN_TOLERANCE, TOKENIZER_FILE, load
from routing.errors import GraphError
from routing.runtime import open_session, run_graph
from routing.training.graph import cut_encoder
from routing.training.weights import PACKAGE, WEIGHTS_SHA256, encoder_folder
from routing.word_pieces import WordPieceReader

QUANTISED: Final = "INT8, dynamic, per channel"


@dataclass(frozen=True, slots=True)
class Start:
    """What every prompt is encoded with.

    Args:
        graph: The quantised encoder.
        tokenizer_file: Where its tokenizer lies.
        facts: What the card says about it.
    """

    graph: onnx.ModelProto
    tokenizer_file: Path
    facts: Mapping[str, Any]

    def tokenizer(self) -> Tokenizer:
        """The tokenizer, read anew."""
        return Tokenizer.from_file(str(self.tokenizer_file))


def has_torch() -> bool:
    """Whether torch can be imported: with it networks are fitted and encoders tuned."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch)


def from_router(assets: Path) -> Start:
    """The encoder inside a router's graph, checked by the canonical sentence of its card.

    Raises:
        GraphError: The router is damaged, or what was cut out of it answers differently.
    """
    card = load(assets).card
    start = Start(cut_encoder(assets), assets / TOKENIZER_FILE, dict(card.raw.get("encoder", {})))
    golden = card.raw["golden"]
    ids = [row.ids for row in WordPieceReader(start.tokenizer()).read([str(golden["sentence"])])]
    vector = run_graph(open_session(start.graph.SerializeToString()), ids, ("vector",))["vector"][0]
    gap = float(np.abs(vector[: len(golden["vector"])] - np.array(golden["vector"])).max())
    if not gap <= GOLDEN_TOLERANCE:
        raise GraphError(
            f"The encoder cut out of {assets} answers the canonical sentence {gap:.3f} away from its card (allowed "
            f"{GOLDEN_TOLERANCE}); restore the files of one training run."
        )
    return start


def from_weights() -> Start:
    """The official encoder, exported and quantised; needs torch.

    Raises:
        WeightsError: The weights are missing or not the official ones.
    """
    from routing.training.pooled import export_encoder
    from routing.training.tuned import open_bert

    folder = encoder_folder()
    facts = {"weights": PACKAGE, "sha256": WEIGHTS_SHA256, "quantised": QUANTISED}
    return Start(export_encoder(open_bert()), folder / TOKENIZER_FILE, facts)
