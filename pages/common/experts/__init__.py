"""The parts of the Experts page."""
