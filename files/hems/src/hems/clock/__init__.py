"""Readings that were dated by a wrong clock: which ones, and how their dates are put right."""
