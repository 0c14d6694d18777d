"""A simulated USB-TIC adapter on a simulated Linky meter: a pseudo-terminal with an adapter's path.

The meter counts what the house draws (tests/virtual/meter) and says it in either mode. Who opens
the terminal at another speed than the meter's gets rubbish, as from a real line.
"""
