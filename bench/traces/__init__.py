"""Invocation traces: reading them, and placing their counts in time."""
