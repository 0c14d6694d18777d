"""The system itself: names, limits, secrets."""

from __future__ import annotations

from typing import Any


def test_the_host_has_its_name(pi: Any, site: dict[str, Any]) -> None:
    assert pi.check_output("hostname") == site["hems_hostname"]
    assert pi.run("getent hosts %s", site["hems_hostname"]).rc == 0


def test_avahi_announces_the_name(pi: Any, site: dict[str, Any]) -> None:
    assert pi.service("avahi-daemon").is_running
    assert pi.run("getent ahostsv4 %s.local", site["hems_hostname"]).rc == 0


def test_the_time_zone_is_the_sites(pi: Any, site: dict[str, Any]) -> None:
    assert pi.file("/etc/localtime").linked_to == f"/usr/share/zoneinfo/{site['hems_time_zone']}"


def test_the_journal_is_persistent_and_limited(pi: Any) -> None:
    assert pi.file("/var/log/journal").is_directory
    configuration = pi.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert "SystemMaxUse=" in configuration


def test_secrets_are_for_root_alone(pi: Any, site: dict[str, Any]) -> None:
    directory = pi.file(site["hems_path_secrets"])
    assert (directory.user, directory.mode) == ("root", 0o700)
    listing = pi.check_output(
        "find %s -type f -printf '%%u %%m %%s %%f\\n'", site["hems_path_secrets"]
    )
    rows = [line.split() for line in listing.splitlines()]
    assert len(rows) >= 8
    assert [
        name for user, mode, size, name in rows if (user, mode) != ("root", "600") or int(size) < 9
    ] == []


def test_boot_firmware_is_set_where_there_is_one(pi: Any, run_module: Any) -> None:
    # On a copy of a Pi's boot files, as the container has no boot partition.
    pi.check_output(
        "mkdir -p /tmp/boot && echo 'root=/dev/mmcblk0p2 rootwait' >/tmp/boot/cmdline.txt"
    )
    pi.check_output("printf '[cm4]\\notg_mode=1\\n' >/tmp/boot/config.txt")
    arguments = {
        "directory": "/tmp/boot",
        "arguments": ["cgroup_enable=memory"],
        "settings": {"cfg80211.ieee80211_regdom": "IE"},
        "config": ["dtparam=watchdog=on"],
    }
    first = run_module("boot_firmware", arguments)
    assert first["changed"] and first["reboot_needed"]
    assert pi.file("/tmp/boot/cmdline.txt").content_string == (
        "root=/dev/mmcblk0p2 rootwait cfg80211.ieee80211_regdom=IE cgroup_enable=memory\n"
    )
    second = run_module("boot_firmware", arguments)
    assert not second["changed"]
    assert second["reboot_needed"], "the kernel that runs still lacks the settings"
    booted = run_module("boot_firmware", arguments | {"running": "/tmp/boot/cmdline.txt"})
    assert not booted["reboot_needed"]
    pi.check_output("rm -r /tmp/boot")
