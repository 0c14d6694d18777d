"""What the appliance's own programs carry: figures, printed and never asserted in timed tests."""
