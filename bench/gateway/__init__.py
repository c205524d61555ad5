"""What the gateway itself costs: requests a second and latency over a backend that does nothing."""
