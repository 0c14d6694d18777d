"""A machine with simulated WiFi radios (mac80211_hwsim) in QEMU, and the routers around it."""
