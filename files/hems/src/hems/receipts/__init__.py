"""Receipts: what a box tells the fleet's operator of itself, signed by its own key."""
