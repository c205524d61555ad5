"""Measures what functions cost, in the format that the replay reads."""
