"""Price-guided heuristic: Lagrangian prices, exact refills of instances, ruin and recreate."""

from solver.methods.price.method import Price, warm_up

__all__ = ["Price", "warm_up"]
