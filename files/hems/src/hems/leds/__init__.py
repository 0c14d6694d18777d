"""Three LEDs on the box: Home Assistant answers, the internet is reachable, something is wrong."""
