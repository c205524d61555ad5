"""Arrival predictors on traces: the walk-forward benchmark, and the network's training."""
