"""The large exact method: price calls and GPU memory, solve each block exactly, search to match."""

from solver.methods.decomposed.method import Decomposed

__all__ = ["Decomposed"]
