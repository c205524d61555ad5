"""The trace replay: the live server's controller over a runtime in which only time passes."""
