"""The watchdog: looks at everything every 30 s, heals what it can, and names what it can't."""
