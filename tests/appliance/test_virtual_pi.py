"""The fence around the virtual Pi: nothing that runs on it can reach the machine outside.

And its dongle, where a real one's would be.
"""

from __future__ import annotations

import tomllib
from typing import Any

CAP_SYS_MODULE, CAP_SYS_TIME = 1 << 16, 1 << 25  # capability(7)


def test_no_process_may_set_the_hosts_clock_or_load_modules(pi: Any) -> None:
    status = pi.file("/proc/1/status").content_string
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    assert not int(bounding.split()[1], 16) & (CAP_SYS_TIME | CAP_SYS_MODULE)
    assert pi.run("date --set '+0 seconds'").rc != 0


def test_the_hosts_watchdog_is_out_of_reach(pi: Any) -> None:
    assert pi.check_output("find /dev -name 'watchdog*'") == ""


def test_the_hosts_kernel_and_devices_cannot_be_set(pi: Any) -> None:
    assert pi.run("sysctl -q -w kernel.panic=$(sysctl -n kernel.panic)").rc != 0
    assert pi.run("touch /sys/kernel/uevent_helper").rc != 0
    pi.check_output("sysctl -q -w net.ipv4.ip_default_ttl=$(sysctl -n net.ipv4.ip_default_ttl)")


def test_the_uplink_is_networkmanagers_and_the_wire_to_the_host_is_not(
    pi: Any, site: dict[str, Any]
) -> None:
    listed = pi.check_output("nmcli --terse --fields DEVICE,STATE device").splitlines()
    states = dict(line.split(":", 1) for line in listed)
    assert (states["uplink0"], states["eth0"]) == ("connected", "unmanaged")
    settings = tomllib.loads(pi.file(f"{site['hems_path_etc']}/hems.toml").content_string)
    for target in settings["internet"]["targets"]:
        assert "dev uplink0" in pi.check_output(f"ip route get {target}")
    assert "dev eth0" in pi.check_output("ip route show default")


def test_the_caches_outlive_the_pi(pi: Any) -> None:
    assert pi.mount_point("/var/cache/virtual-pi").exists


def test_the_dongle_has_the_name_of_a_real_one(pi: Any) -> None:
    (name,) = pi.file("/dev/serial/by-id").listdir()
    assert name.startswith("usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_")
    assert pi.check_output("stat -Lc '%%F %%G %%a' /dev/serial/by-id/%s", name) == (
        "character special file dialout 660"
    )
