"""Every parser of bytes from outside, given a great many that are wrong: `make fuzz`."""
