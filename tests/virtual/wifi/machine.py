"""One machine with simulated radios: its image, made once, and its run."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from tests.virtual.pi import network
from tests.virtual.pi.checkout import CACHE, ROOT, Failure, log_path, only_one
from tests.virtual.pi.command import logged, output, privileged
from tests.virtual.pi.image import BOOTABLE, SHARED

RECIPE = Path(__file__).parent / "recipe"
REQUIREMENTS = ROOT / "files/hems/requirements.txt"
SOURCE = ROOT / "files/hems/src/hems"
QEMU = "qemu-system-x86_64"
ARCHITECTURE = "x86_64"
PROGRAMS = {QEMU: "qemu-system-x86", "qemu-img": "qemu-utils", "mmdebstrap": "mmdebstrap"}
BOOT_SECONDS = 900.0  # 30 s where nothing else runs
KEY = "key"
COUNTRY = "UZ"  # with 21 channels; to look at all 76 of nowhere takes eight seconds each time
PATIENT = "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900"
# Emulated: so it is the same on every machine.
HARDWARE = (
    *("-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "2", "-m", "768"),
    *("-append", f"root=LABEL=root rw console=ttyS0 quiet panic=-1 mitigations=off {PATIENT}"),
)
# QEMU's router would announce itself by IPv6, and the box would rightly think that it is online.
NO_WAY_OUT = "ipv6=off"


def packages() -> list[str]:
    """Return the Debian packages that it needs here; none where it can't run."""
    return list(PROGRAMS.values()) if platform.machine() == ARCHITECTURE else []


def reason_to_skip() -> str:
    """Say what this machine lacks for it; empty: nothing."""
    if platform.machine() != ARCHITECTURE:
        return f"the machine with radios is an amd64 one, and this is {platform.machine()}"
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"not installed here: {', '.join(missing)} (apt install)" if missing else ""


def image() -> Path:
    """Return the directory with vmlinuz, initrd, disk.qcow2, memory and key; made if absent.

    ``memory`` is the machine's after its boot, with the routers around it, so that a run goes on
    from there: an emulated boot takes minutes where the machine outside is busy.
    """
    parts = [SHARED, BOOTABLE, *sorted(RECIPE.glob("*.sh")), REQUIREMENTS]
    version = subprocess.run([QEMU, "--version"], check=True, capture_output=True).stdout
    known = version + repr(HARDWARE).encode() + b"".join(path.read_bytes() for path in parts)
    directory = CACHE / "wifi" / hashlib.sha256(known).hexdigest()[:12]
    with only_one("wifi-image"):
        if not (directory / "complete").exists():
            for older in (CACHE / "wifi").glob("*"):
                shutil.rmtree(older, ignore_errors=True)
            directory.mkdir(parents=True)
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / KEY)]
            output(make, doing="make an ssh key")
            build = privileged(
                str(RECIPE / "build.sh"), network.MIRROR, str(directory), str(REQUIREMENTS)
            )
            logged(
                build, log_path("wifi-image"), doing="build the image of the machine with radios"
            )
            _boot(directory)
            (directory / "complete").touch()
    return directory


def _boot(directory: Path) -> None:
    """Boot the new image once, and keep the memory of the machine that is up. Raises Failure."""
    one = Machine(directory)
    try:
        one.run_from(directory, directory / "disk.qcow2")
        one.wait()
        one.bring({"/opt/src/routers.sh": RECIPE / "routers.sh"})
        one.check("sh /opt/src/routers.sh run")
        one.keep(directory / "memory")
    finally:
        one.stop()


class Machine:
    """The machine, from start() to stop(). ``directory``: for what only this run needs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.key = directory / KEY
        self._process: subprocess.Popen[bytes] | None = None
        self._line: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have it up with this checkout's hems package and the routers. Raises Failure."""
        made, disk = image(), self._directory / "disk.qcow2"
        new = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]
        subprocess.run([*new, str(made / "disk.qcow2"), str(disk)], check=True)
        self.run_from(made, disk, "-incoming", f"exec:cat {shlex.quote(str(made / 'memory'))}")
        self.wait()
        self.bring({"/opt/src/hems": SOURCE})
        self.check(f"iw reg set {COUNTRY}")

    def run_from(self, made: Path, disk: Path, *options: str) -> None:
        """Switch it on."""
        self.key = made / KEY
        key = self.key.with_suffix(".pub").read_text().strip()
        outside = f"tcp:127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [
                *(QEMU, *HARDWARE),
                *("-display", "none", "-no-reboot", "-monitor", "none"),
                *("-kernel", str(made / "vmlinuz"), "-initrd", str(made / "initrd")),
                *("-drive", f"file={disk},if=virtio,cache=unsafe"),
                *("-nic", f"user,model=virtio-net-pci,{NO_WAY_OUT},hostfwd={outside}-:22"),
                *("-smbios", f"type=11,value=io.systemd.credential:ssh.authorized_keys.root={key}"),
                *("-serial", f"file:{self._directory / 'console.log'}"),
                *("-qmp", f"unix:{self._directory / 'qmp'},server=on,wait=off"),
                *options,
            ]
        )

    def wait(self) -> None:
        """Wait until it answers. Raises Failure."""
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("true").returncode:
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise Failure(f"the machine did not boot: see {self._directory / 'console.log'}")
            time.sleep(2)
        # One connection for all that follows: opening one takes seconds where all is emulated.
        self._line = subprocess.Popen(self._ssh("-M", "-N"))

    def keep(self, memory: Path) -> None:
        """Write its memory to a file, with which it can go on elsewhere; it stands still then."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._directory / "qmp"))
            lines = control.makefile("rw", encoding="utf-8")
            lines.readline()  # QEMU's greeting

            def order(name: str, **arguments: str) -> dict[str, str]:
                lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                lines.flush()
                while "event" in (said := json.loads(lines.readline())):
                    pass
                if "error" in said:
                    raise Failure(f"QEMU refuses {name}: {said['error']['desc']}")
                return dict(said["return"])

            order("qmp_capabilities")
            order("migrate", uri=f"exec:cat >{shlex.quote(str(memory))}")
            while (state := order("query-migrate")["status"]) != "completed":
                if state in ("failed", "cancelled"):
                    raise Failure(f"QEMU can't write the machine's memory: {state}")
                time.sleep(1)

    def bring(self, files: Mapping[str, Path]) -> None:
        """Copy files and directories of this checkout onto it, by their paths there."""
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path, source in files.items():
                tar.add(source, path, filter=_without_bytecode)
        self.check("tar -C / -xf -", packed.getvalue())

    def _ssh(self, *words: str) -> list[str]:
        """Return the words of ssh to it."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["ConnectTimeout=60", f"ControlPath={self._directory / 'ssh'}"]
        options += [
            "KexAlgorithms=curve25519-sha256"
        ]  # the emulated one has little to compute with
        chosen = (word for option in options for word in ("-o", option))
        return [
            "ssh",
            "-i",
            str(self.key),
            "-p",
            str(self.port),
            *chosen,
            *words,
            "root@127.0.0.1",
        ]

    def run(
        self, line: str, given: bytes = b"", seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell line as root, ``given`` on its stdin; a timeout is exit code 255."""
        try:
            done = subprocess.run(
                [*self._ssh(), line],
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
        for process in (self._line, self._process):
            if process is not None:
                process.kill()
                process.wait()


def _without_bytecode(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member
