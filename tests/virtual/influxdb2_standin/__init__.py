"""The offline stand-in for the package influxdb2; `build.py` makes it, `server/` is what runs."""
