"""A simulated eeSmart D2L dongle on a simulated Linky meter.

It speaks the real protocol over TCP, encrypted, as the dongle does: the appliance can't tell. The
meter counts what the house draws (tests/virtual/meter). Frames are made by the product's own codec,
which recorded frames hold to the protocol (tests/unit/test_d2l_frame.py).
"""
