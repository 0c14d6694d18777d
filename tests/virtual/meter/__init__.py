"""A simulated electricity meter that speaks MQTT, as a device in the house's network would.

A load profile (W) becomes pulses of the meter's LED at 1000 imp/kWh, the pulses become readings
(power in W, energy in kWh), and the readings travel over TLS to the appliance's broker.
"""
