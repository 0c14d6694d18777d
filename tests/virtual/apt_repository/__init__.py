"""A signed apt repository with influxdb2, for machines that can't reach InfluxData's.

`python3 -m tests.virtual.apt_repository --output DIRECTORY` makes it.
Standard library only, and gpg.
"""
