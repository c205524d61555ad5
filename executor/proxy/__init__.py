"""The intra-container manager; standard library only."""
