"""Measurements: solver quality, replay, live runs and their reports."""
