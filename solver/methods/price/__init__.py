"""Price-guided heuristic: Lagrangian prices, exact refills of instances, ruin and recreate."""

from solver.methods.price.method import Price

__all__ = ["Price"]
