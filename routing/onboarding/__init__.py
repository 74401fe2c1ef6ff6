"""A new expert from few outcomes.

What experts differ in is learned from the known ones; where the new one stands, from probes or published figures.
"""
