"""Predict how well every expert would answer a prompt, weigh that against constraints, and decide."""
