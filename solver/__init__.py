"""Pure mathematics of placement: which functions should be resident in which instance."""
