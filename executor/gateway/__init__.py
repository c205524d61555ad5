"""HTTP: the Open Inference Protocol, metrics and the admin API."""
