"""Drivers deliver events to the controller and carry out its actions."""
