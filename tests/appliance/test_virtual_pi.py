"""The fence around the virtual Pi: nothing that runs on it can reach the machine outside."""

from __future__ import annotations

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


def test_the_caches_outlive_the_pi(pi: Any) -> None:
    assert pi.mount_point("/var/cache/virtual-pi").exists
