"""A serial adapter (USB-TIC) on a Linky meter's customer output."""
