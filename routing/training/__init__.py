"""Fit a router on measured outcomes and export it as one ONNX graph.

Networks, form b and the methods beside the graph need torch; everything else does without.
"""

from routing.training.train import train

__all__ = ["train"]
