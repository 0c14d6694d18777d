"""The emulated machine: switched on and off, reached over ssh as a virtual Pi is."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.virtual.pi.checkout import STATE, Failure, log_path
from tests.virtual.pi.command import output, succeeds
from tests.virtual.pi.machine import KEY, SSH, SSH_CONFIG, Pi, make_key

PI = Pi("arm64")
DIRECTORY = STATE / "arm64"
DISK = DIRECTORY / "disk.qcow2"  # what this checkout has changed of the kept disk
BASE = DIRECTORY / "base"  # names the kept disk that it belongs to
QEMU = "qemu-system-aarch64"
BOOT_SECONDS = 1200.0  # two minutes where nothing else runs
STOP_SECONDS = 300.0
# cortex-a72 is a Raspberry Pi 4's; `max` would have QEMU compute pointer authentication as well.
HARDWARE = (
    *("-machine", "virt", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi,tb-size=1024"),
    *("-smp", "2", "-m", "6144"),
)
PATIENT = "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900"
# The wire to the machine outside is eth0, as on the virtual Pi.
KERNEL = f"root=LABEL=root rw console=ttyAMA0 quiet net.ifnames=0 mitigations=off {PATIENT}"
LOCAL = "127.0.0.1"


def credential(key: str) -> str:
    """Return the kernel's words that give `pi` an ssh key: systemd-tmpfiles writes it at boot."""
    lines = (
        "d /home/pi/.ssh 0700 pi pi\n"
        f"f+~ /home/pi/.ssh/authorized_keys 0600 pi pi - {_base64(key)}\n"
    )
    return f"systemd.set_credential_binary=tmpfiles.extra:{_base64(lines)}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def command(kept: Path, port: int, key: str) -> list[str]:
    """The command line of QEMU, which ends with the process that runs it."""
    return [
        *("setpriv", "--pdeathsig", "TERM", QEMU, *HARDWARE),
        *("-nodefaults", "-display", "none"),
        *("-kernel", str(kept / "vmlinuz"), "-initrd", str(kept / "initrd")),
        *("-append", f"{KERNEL} {credential(key)}"),
        *("-drive", f"file={DISK},if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap"),
        *("-device", "virtio-blk-pci,drive=disk"),
        *("-netdev", f"user,id=net,ipv6=off,hostfwd=tcp:{LOCAL}:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=net,romfile="),
        *("-device", "virtio-rng-pci"),
        *("-serial", f"file:{log_path('arm64-console')}"),
    ]


class Machine:
    """The machine, from start() to stop(); its disk stays, so that the next run goes on from it."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have it up. Raises Failure."""
        make_key()
        lay_disk(self._kept)
        with socket.create_server((LOCAL, 0)) as free:
            port = free.getsockname()[1]
        key = KEY.with_suffix(".pub").read_text(encoding="ascii").strip()
        # Ctrl-C is for the run, which then shuts the machine down in order.
        self._process = subprocess.Popen(command(self._kept, port, key), process_group=0)
        PI.write_ssh_entry(
            {
                "HostName": LOCAL,
                "Port": str(port),
                "StrictHostKeyChecking": "accept-new",
                "ConnectTimeout": "120",
                "ServerAliveCountMax": "60",  # it may compute for minutes before it answers
            }
        )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers and has booted. Raises Failure."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not PI.reachable():
            if (
                time.monotonic() > deadline
                or self._process is None
                or self._process.poll() is not None
            ):
                raise Failure(f"the machine did not boot: see {log_path('arm64-console')}")
            time.sleep(3)
        booted = "systemctl is-system-running --wait"  # degraded exits 1, and is judged later
        subprocess.run(PI.ssh(booted), capture_output=True, check=False)

    def reboot(self) -> None:
        """Reboot it as its owner would. Raises Failure."""
        before = boot_id()
        disconnect()
        subprocess.run(PI.ssh("systemctl reboot"), capture_output=True, check=False)
        disconnect()
        deadline = time.monotonic() + BOOT_SECONDS
        while not PI.reachable() or boot_id() == before:
            if time.monotonic() > deadline:
                raise Failure(f"the machine did not reboot: see {log_path('arm64-console')}")
            time.sleep(3)
        self.wait()

    def stop(self) -> None:
        """Shut it down; cut its power if it does not."""
        if self._process is None:
            return
        if self._process.poll() is None and PI.reachable():
            subprocess.run(PI.ssh("systemctl poweroff"), capture_output=True, check=False)
            disconnect()
        else:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def boot_id() -> str:
    """Tell this boot from another."""
    path = "/proc/sys/kernel/random/boot_id"
    return subprocess.run(
        PI.ssh(f"cat {path}"), capture_output=True, text=True, check=False
    ).stdout.strip()


def disconnect() -> None:
    """End the ssh connection that is kept open: of a machine that goes down it would hang."""
    succeeds(["ssh", "-F", str(SSH_CONFIG), "-O", "exit", PI.alias])


def lay_disk(kept: Path) -> None:
    """Make this checkout's disk over the kept one, unless it is there."""
    if DISK.exists() and BASE.exists() and BASE.read_text(encoding="utf-8") == str(kept):
        return
    remove()
    DIRECTORY.mkdir(parents=True)
    new = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]
    output([*new, str(kept / "disk.qcow2"), str(DISK)], doing="make the machine's disk")
    BASE.write_text(str(kept), encoding="utf-8")


def remove() -> None:
    """Drop this checkout's machine with all that is on it."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    for path in (SSH / f"{PI.name}.host", SSH / f"{PI.name}.known_hosts"):
        path.unlink(missing_ok=True)
