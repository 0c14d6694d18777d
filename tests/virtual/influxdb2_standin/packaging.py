"""What the stand-in's package holds beside the server: the real package's names, in our words."""

from __future__ import annotations

REVISION = "0standin1"  # below any revision of a real package of the same version

CONTROL = """\
Package: influxdb2
Version: {version}-{revision}
Architecture: {architecture}
Maintainer: SmartCORE HEMS test bed <root@localhost>
Depends: python3 (>= 3.11), curl, libc6
Conflicts: influxdb
Section: database
Priority: optional
Installed-Size: {size}
Description: stand-in for InfluxDB 2, for tests only
 The HTTP API of InfluxDB 2, as far as the appliance uses it, in front of the engine of Debian's
 InfluxDB 1.6. For a test bed that can't reach InfluxData's repository; no site should run it.
"""

CLI_CONTROL = """\
Package: influxdb2-cli
Version: {version}-{revision}
Architecture: {architecture}
Maintainer: SmartCORE HEMS test bed <root@localhost>
Section: database
Priority: optional
Installed-Size: {size}
Description: stand-in for the command influx, for tests only
 The stand-in for InfluxDB 2 has nothing to back up from.
"""

CLI = """\
#!/bin/sh
echo "influx: this is the test bed's stand-in, which can't back up or restore" >&2
exit 1
"""

PREINST = """\
#!/bin/sh
set -e
id influxdb >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --shell /bin/false \\
    --home-dir /var/lib/influxdb influxdb
"""

# Like the real one: our configuration stays when there is one, the unit is enabled and not started.
POSTINST = """\
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
mkdir -p /var/lib/influxdb /var/log/influxdb /etc/influxdb
chown -R influxdb:influxdb /var/lib/influxdb /var/log/influxdb
[ -s /etc/default/influxdb2 ] ||
  echo 'INFLUXD_CONFIG_PATH=/etc/influxdb/config.toml' >/etc/default/influxdb2
config=/etc/influxdb/config.toml
[ ! -s "$config" ] || config=$config.defaults
cat >"$config" <<'TOML'
bolt-path = "/var/lib/influxdb/influxd.bolt"
engine-path = "/var/lib/influxdb/engine"
http-bind-address = ":{port}"
TOML
systemctl daemon-reload || true
systemctl enable influxdb || true
"""

PRERM = """\
#!/bin/sh
set -e
[ "$1" != remove ] || systemctl stop influxdb || true
"""

POSTRM = """\
#!/bin/sh
set -e
[ "$1" != remove ] || systemctl disable influxdb || true
"""

# Type, PID file, user and directories are the real unit's: drop-ins and daemons rely on them.
UNIT = """\
[Unit]
Description=InfluxDB 2 stand-in (HTTP API of InfluxDB 2 on the engine of InfluxDB 1.6)
Wants=network-online.target
After=network-online.target

[Service]
Type=forking
ExecStart=/usr/lib/influxdb/scripts/influxd-systemd-start.sh
PIDFile=/var/lib/influxdb/influxd.pid
EnvironmentFile=-/etc/default/influxdb2
User=influxdb
StateDirectory=influxdb
LogsDirectory=influxdb
UMask=0027
Restart=on-failure
TimeoutStartSec=infinity

[Install]
Alias=influxd.service
WantedBy=multi-user.target
"""

START = """\
#!/bin/sh
# Starts influxd, and returns once it answers: the unit is of type forking.
set -eu
influxd &
echo $! >/var/lib/influxdb/influxd.pid
address=$(influxd print-config --key-name http-bind-address)
host=${address%:*}
url="http://${host:-localhost}:${address##*:}/ready"
until curl --silent --fail --noproxy '*' --output /dev/null "$url"; do
  kill -0 $! || exit 1
  sleep 0.3
done
"""

LAUNCHER = """\
#!/bin/sh
export PYTHONPATH=/usr/lib/influxdb2-standin PYTHONDONTWRITEBYTECODE=1
exec python3 -m server "$@"
"""

SERVER = "usr/lib/influxdb2-standin/server"
ENGINE = "usr/lib/influxdb2-standin/influxd-1.6"

# Path in the package: mode and text.
FILES = {
    "usr/bin/influxd": (0o755, LAUNCHER),
    "usr/lib/influxdb/scripts/influxd-systemd-start.sh": (0o755, START),
    "usr/lib/systemd/system/influxdb.service": (0o644, UNIT),
}
SCRIPTS = {"preinst": PREINST, "postinst": POSTINST, "prerm": PRERM, "postrm": POSTRM}
