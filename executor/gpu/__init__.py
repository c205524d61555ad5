"""NVIDIA GPUs: what they hold, who may take how much, and how they are shared."""
