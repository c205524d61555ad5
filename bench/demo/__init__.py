"""The main job: one real workload against real functions, without and with pre-loading."""
