"""How many functions fit in how little memory, and how soon they are there."""
