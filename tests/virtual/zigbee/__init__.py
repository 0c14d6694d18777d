"""A simulated Zigbee coordinator (EZSP network co-processor) and the meters in its network.

The host - bellows in Home Assistant, or zigbee-herdsman - is unmodified: it opens a serial device
or a TCP port and speaks ASH and EZSP v13 as with a Sonoff ZBDongle-E. Standard library only.
"""
