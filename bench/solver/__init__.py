"""Solver quality against latency."""
