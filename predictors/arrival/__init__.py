"""Arrival predictors: the chance of at least j calls within a horizon."""
