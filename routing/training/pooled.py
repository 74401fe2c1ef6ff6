"""The sentence encoder as a torch module with its pooled layers, exported to ONNX and quantised per channel."""

import tempfile
from pathlib import Path
from typing import Final

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from routing.training.graph import ENCODER_OUTPUTS, WIDTH
from routing.training.heads import OPSET

MIDDLE: Final = 3  # the layer whose mean state is kept beside the sentence vector; chosen by cross-validation


class PooledEncoder(torch.nn.Module):  # type: ignore[misc]
    """A BERT-class encoder whose outputs are its sentence vector, mean states of two layers, and its token states.

    The mean of a lower layer is closer to a bag of word pieces and says more about a prompt's form than the sentence
    vector does; it costs nothing, since the states exist anyway. The mean over tokens of the normalised last states is
    what a gate vector per expert is applied to (GLIDER's local score, arXiv:2410.07172).

    Args:
        bert: A model that returns ``hidden_states``.
    """

    def __init__(self, bert: torch.nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Every output of ``ENCODER_OUTPUTS``: three of shape (batch, 384), and token states (batch, tokens, 384)."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True).hidden_states
        mask = attention_mask.unsqueeze(-1).to(states[0].dtype)
        count = mask.sum(dim=1).clamp(min=1.0)
        even = torch.nn.functional.layer_norm(states[-1], (WIDTH,))
        last, middle, local = ((layer * mask).sum(dim=1) / count for layer in (states[-1], states[MIDDLE], even))
        return torch.nn.functional.normalize(last, dim=1), middle, local, states[-1]


def export_encoder(bert: torch.nn.Module) -> onnx.ModelProto:
    """The encoder as an INT8 graph with the outputs ``ENCODER_OUTPUTS``.

    Quantised per channel: mean cosine to the 32-bit encoder .993, against .93 per tensor (stack.md).
    """
    ids = torch.ones(2, 16, dtype=torch.long)
    axes = {name: {0: "batch"} for name in ("input_ids", "attention_mask", *ENCODER_OUTPUTS)}
    for name in ("input_ids", "attention_mask", "token_states"):
        axes[name][1] = "tokens"
    with tempfile.TemporaryDirectory() as folder:
        plain, small = str(Path(folder, "plain.onnx")), str(Path(folder, "small.onnx"))
        torch.onnx.export(
            PooledEncoder(bert).eval(),
            (ids, ids),
            plain,
            input_names=["input_ids", "attention_mask"],
            output_names=list(ENCODER_OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=True)
        return onnx.load(small)
