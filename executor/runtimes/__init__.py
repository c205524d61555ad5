"""Runtimes carry out actions on instances: simulated, process, Docker."""
