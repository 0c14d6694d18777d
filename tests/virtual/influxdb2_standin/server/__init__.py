"""InfluxDB 2's HTTP API, as far as the appliance uses it, in front of Debian's InfluxDB 1.6 engine.

For the test bed where InfluxData's repository can't be reached. Points are kept and queried by
InfluxDB 1.6; users, tokens and permissions are checked here, and by the engine's own accounts.
Standard library only.
"""

VERSION = "v2.9.1"
NOTICE = "stand-in for InfluxDB 2 on the engine of InfluxDB 1.6"
