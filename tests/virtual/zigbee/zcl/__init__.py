"""The Zigbee Cluster Library as a metering device serves it."""
