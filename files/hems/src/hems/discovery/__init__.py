"""Home Assistant hears of MQTT devices only what a meter needs to say."""
