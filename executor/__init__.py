"""Time, state and the world: the controller, its drivers and the runtimes."""
