"""The devices in the simulated network, each after a named product."""
