"""One machine with simulated radios: its image, made once, and its run."""

from __future__ import annotations

import hashlib
import platform
import shutil
import socket
import subprocess
import tarfile
import time
from io import BytesIO
from pathlib import Path

from tests.virtual.pi import network
from tests.virtual.pi.checkout import CACHE, ROOT, Failure, log_path, only_one
from tests.virtual.pi.command import logged, privileged
from tests.virtual.pi.image import SHARED
from tests.virtual.pi.machine import KEY, make_key

RECIPE = Path(__file__).parent / "recipe"
REQUIREMENTS = ROOT / "files/hems/requirements.txt"
SOURCE = ROOT / "files/hems/src/hems"
QEMU = "qemu-system-x86_64"
PROGRAMS = {QEMU: "qemu-system-x86", "qemu-img": "qemu-utils", "mmdebstrap": "mmdebstrap"}
BOOT_SECONDS = (
    240.0  # emulated, so that it is the same on every machine: 30 s where nothing else runs
)


def reason_to_skip() -> str:
    """Say what this machine lacks for it; empty: nothing."""
    if platform.machine() != "x86_64":
        return f"the machine with radios is an amd64 one, and this is {platform.machine()}"
    packages = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"not installed here: {', '.join(packages)} (apt install)" if packages else ""


def image() -> Path:
    """Return the directory with vmlinuz, initrd and disk.qcow2; made where it is not there yet."""
    parts = [SHARED, *sorted(RECIPE.glob("[bc]*.sh")), REQUIREMENTS]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()[:12]
    directory = CACHE / "wifi" / digest
    with only_one("wifi-image"):
        if not (directory / "complete").exists():
            for older in (CACHE / "wifi").glob("*"):
                shutil.rmtree(older, ignore_errors=True)
            directory.mkdir(parents=True)
            build = privileged(
                str(RECIPE / "build.sh"), network.MIRROR, str(directory), str(REQUIREMENTS)
            )
            logged(
                build, log_path("wifi-image"), doing="build the image of the machine with radios"
            )
            (directory / "complete").touch()
    return directory


class Machine:
    """The machine, from start() to stop(). ``directory``: for what only this run needs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Boot it with this checkout's hems package and the routers. Raises Failure."""
        made, disk = image(), self._directory / "disk.qcow2"
        make_key()
        new = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]
        subprocess.run([*new, str(made / "disk.qcow2"), str(disk)], check=True)
        key = KEY.with_suffix(".pub").read_text().strip()
        self._process = subprocess.Popen(
            [
                *(QEMU, "-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "2", "-m", "768"),
                *("-display", "none", "-no-reboot", "-monitor", "none"),
                *("-kernel", str(made / "vmlinuz"), "-initrd", str(made / "initrd")),
                *("-append", "root=LABEL=root rw console=ttyS0 quiet"),
                *("-drive", f"file={disk},if=virtio,cache=unsafe"),
                *("-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{self._port}-:22"),
                *("-smbios", f"type=11,value=io.systemd.credential:ssh.authorized_keys.root={key}"),
                *("-serial", f"file:{self._directory / 'console.log'}"),
            ]
        )
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("true").returncode:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise Failure(f"the machine did not boot: see {self._directory / 'console.log'}")
            time.sleep(2)
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.add(SOURCE, "hems")
            tar.add(RECIPE / "routers.sh", "routers.sh")
        self.check("mkdir -p /opt/src && tar -C /opt/src -xf -", packed.getvalue())
        self.check("sh /opt/src/routers.sh run")

    def run(
        self, line: str, given: bytes = b"", seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell line as root, ``given`` on its stdin; a timeout is exit code 255."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        ssh = ["ssh", "-i", str(KEY), "-p", str(self._port), "-o", "ConnectTimeout=5"]
        ssh += [word for option in options for word in ("-o", option)]
        try:
            done = subprocess.run(
                [*ssh, "root@127.0.0.1", line],
                input=given,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(line, 255, "", "no answer")
        return subprocess.CompletedProcess(
            line, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def check(self, line: str, given: bytes = b"") -> str:
        """Run a line that must work, and return what it printed. Raises Failure."""
        done = self.run(line, given)
        if done.returncode:
            raise Failure(f"'{line}' failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def stop(self) -> None:
        """End it at once; nothing of it is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
