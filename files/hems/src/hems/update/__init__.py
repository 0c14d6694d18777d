"""Releases of the fleet: what is signed, what a ring hands out, and what a box takes of it."""
