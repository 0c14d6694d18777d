"""How the box is, in named issues: what LEDs, watchdog, command and Home Assistant all show."""
