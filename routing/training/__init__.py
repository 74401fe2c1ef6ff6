"""Fit a router on measured outcomes and export it as one ONNX graph. Needs torch; nothing else in routing does."""

from routing.training.train import train

__all__ = ["train"]
