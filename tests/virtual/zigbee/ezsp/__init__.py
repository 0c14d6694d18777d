"""EZSP v13: the commands that a host gives a network co-processor, and its callbacks."""
