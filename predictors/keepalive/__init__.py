"""Keep-alive policies: when instances are created and when they expire."""
