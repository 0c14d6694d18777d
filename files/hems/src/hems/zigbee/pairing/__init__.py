"""Pair a device: open joining, watch the interview, name it, show that it reports."""
