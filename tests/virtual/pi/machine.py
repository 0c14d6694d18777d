"""One virtual Pi: make it, reach it over ssh, remove it."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from tests.virtual.pi import image, residue
from tests.virtual.pi.checkout import CACHE, IDENTITY, ROOT, STATE, Failure, only_one
from tests.virtual.pi.command import output, succeeds
from tests.virtual.pi.podman import LABEL, answers, podman

SSH = STATE / "ssh"
SSH_CONFIG = SSH / "config"
KEY = SSH / "id_ed25519"
SOCKETS = CACHE / "ssh"  # a socket's path is short, or refused
CACHES = CACHE / "pi"  # apt's, uv's and pip's downloads, shared by every Pi on this machine
APT_REPOSITORY = STATE / "apt"  # see packages.py
ADDRESS_LABEL = "smartcore-hems.address"
HOST = 10  # its address in its own network
BOOT_TIMEOUT = 60.0  # seconds
# The first process, with the Pi's ssh key. Of a kept Pi's image a file that is mapped for reading
# shows nothing of what is written to it afterwards (overlayfs copies it then), and InfluxDB maps
# its list of series before it writes to it: its answers would lack every new series until its next
# start. Opened for writing once, a file is this Pi's own.
START = """
if [ -d /var/lib/influxdb ]; then
  find /var/lib/influxdb -type f -exec sh -c 'for file; do : >>"$file"; done' sh {} +
fi
exec /usr/local/sbin/virtual-pi-init "$1"
"""
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")


@dataclass(frozen=True)
class Pi:
    """A virtual Pi by its short name; `hems-<name>` is its ssh alias and Ansible address."""

    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise Failure(
                f"'{self.name}' can't be a virtual Pi's name: take up to 30 of a-z, 0-9 and - "
                "(it becomes a host name and a container's)"
            )

    @property
    def alias(self) -> str:
        """The name that ssh knows it by, with `ssh -F SSH_CONFIG`."""
        return f"hems-{self.name}"

    @property
    def container(self) -> str:
        """The container's and its network's name, which other checkouts don't use."""
        return f"hems-{self.name}-{IDENTITY}"

    def state(self) -> str:
        """Return `absent`, or podman's word for it, such as created, running or exited."""
        if not answers("container", "exists", self.container):
            return "absent"
        form = "{{.State.Status}}"
        return podman("inspect", "--format", form, self.container, doing="look at the Pi").strip()

    def address(self) -> str:
        """Its IPv4 address, which lasts as long as the Pi."""
        form = f'{{{{index .Config.Labels "{ADDRESS_LABEL}"}}}}'
        return podman("inspect", "--format", form, self.container, doing="look at the Pi").strip()

    def create(
        self,
        publish: dict[int, int] | None = None,
        base: str | None = None,
        hostname: str = "raspberrypi",
    ) -> None:
        """Bring it up: made if absent, started if stopped; nothing happens to a running one.

        `publish` maps ports of 127.0.0.1 to ports of a new Pi, `base` is another image for it than
        that of a freshly prepared Raspberry Pi.
        """
        make_key()
        base = base or image.build()
        with only_one("containers"):
            state = self.state()
            if state in ("created", "configured", "initialized"):  # an interrupted `create`
                self._remove()
                state = "absent"
            if state == "absent":
                self._run(base, hostname, publish or {})
            elif state != "running":
                podman("start", self.container, doing=f"start {self.container}")
        self._wait_until_booted()
        self._write_ssh_configuration()

    def _run(self, base: str, hostname: str, publish: dict[int, int]) -> None:
        for directory in ("apt", "uv", "pip"):
            (CACHES / directory).mkdir(parents=True, exist_ok=True)
        APT_REPOSITORY.mkdir(parents=True, exist_ok=True)
        address = self._make_network()
        podman(
            *("run", "--detach", "--name", self.container, "--hostname", hostname),
            *("--label", f"{LABEL}={ROOT}", "--label", f"{ADDRESS_LABEL}={address}"),
            *("--privileged", "--systemd=always", "--runtime", "runc"),
            *("--restart", "always"),  # a reboot ends the container; podman starts it again
            *("--stop-signal", "SIGRTMIN+3", "--log-driver", "k8s-file"),
            *("--network", f"{self.container}:ip={address}"),
            *("--volume", f"{CACHES}:/var/cache/virtual-pi"),
            *("--volume", f"{APT_REPOSITORY}:/srv/apt-repository:ro"),
            *(f"--publish=127.0.0.1:{ours}:{its}" for ours, its in publish.items()),
            *(base, "/bin/sh", "-c", START, "sh", KEY.with_suffix(".pub").read_text().strip()),
            doing=f"start the container {self.container}",
        )

    def _make_network(self) -> str:
        """Give it a network of its own, like a home: so all Pis may have the same host name."""
        if not answers("network", "exists", self.container):
            podman("network", "create", self.container, doing="make the Pi's network")
        described = podman("network", "inspect", self.container, doing="look at the network")
        subnet = ipaddress.ip_network(json.loads(described)[0]["subnets"][0]["subnet"])
        return str(subnet[HOST])

    def _wait_until_booted(self) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT
        arguments = ("exec", self.container, "systemctl", "is-system-running", "--wait")
        while not answers(*arguments):  # degraded also exits 1
            if time.monotonic() > deadline:
                failed = ("exec", self.container, "systemctl", "--failed", "--plain", "--no-legend")
                units = podman(*failed, doing=f"ask {self.container} for its failed units")
                if units.strip():
                    return  # it booted; what failed is the play's or the tests' to judge
                raise Failure(f"{self.container} did not boot: see `podman logs {self.container}`")
            time.sleep(0.3)

    def _write_ssh_configuration(self) -> None:
        read = ("exec", self.container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
        host_key = podman(*read, doing="read the Pi's host key").split()
        known = SSH / f"{self.name}.known_hosts"
        _write(known, f"{self.alias} {host_key[0]} {host_key[1]}\n")
        self.write_ssh_entry({"HostName": self.address()})

    def write_ssh_entry(self, own: dict[str, str]) -> None:
        """Have ssh know it by its alias; `own` has its HostName, and what else is its own."""
        known = SSH / f"{self.name}.known_hosts"
        lines = {
            "HostKeyAlias": self.alias,
            "User": "pi",
            "IdentityFile": f'"{KEY}"',
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": f'"{known}"',
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": "5",
            "ServerAliveInterval": "5",
            "ControlMaster": "auto",
            "ControlPersist": "60",
            "ControlPath": f'"{SOCKETS}/%C"',
            "LogLevel": "ERROR",
            **own,
        }
        SOCKETS.mkdir(parents=True, exist_ok=True, mode=0o700)
        entry = "".join(f"  {key} {value}\n" for key, value in lines.items())
        _write(SSH / f"{self.name}.host", f"Host {self.alias}\n{entry}")
        _write(SSH_CONFIG, f'Include "{SSH}/*.host"\n')

    def ssh(self, line: str | None = None, *, terminal: bool = False) -> list[str]:
        """The command line that runs a shell line as root, or root's log-in shell."""
        flags = ["-t"] if terminal else []
        remote = f"sudo -- bash -c {shlex.quote(line)}" if line else "sudo -i"
        return ["ssh", "-F", str(SSH_CONFIG), *flags, self.alias, remote]

    def reachable(self) -> bool:
        """Whether it answers over ssh: for that nobody needs root here."""
        return (SSH / f"{self.name}.host").exists() and succeeds(self.ssh("true"))

    def run(self, *command: str, doing: str, text: str | None = None) -> str:
        """Run a command on the Pi as root, `text` on its stdin, and return what it printed."""
        return output(self.ssh(shlex.join(command)), doing=doing, text=text)

    def destroy(self) -> None:
        """Remove it with everything on it."""
        if (SSH / f"{self.name}.host").exists():  # the next Pi at its address is another one
            succeeds(["ssh", "-F", str(SSH_CONFIG), "-O", "exit", self.alias])
        with only_one("containers"):
            self._remove()
        tidy()
        for path in (SSH / f"{self.name}.host", SSH / f"{self.name}.known_hosts"):
            path.unlink(missing_ok=True)

    def _remove(self) -> None:
        command = ("rm", "--force", "--time", "0", "--ignore", self.container)
        if not answers(*command):  # podman waits only seconds for its processes to be gone
            podman(*command, doing="remove the Pi")
        answers("network", "rm", self.container)


def _write(path: Path, text: str) -> None:
    """Replace a file at once: an ssh to another Pi may read it at this moment."""
    whole = path.with_name(f".{path.name}.{os.getpid()}")
    whole.write_text(text, encoding="utf-8")
    whole.replace(path)


def tidy() -> None:
    """Remove networks of this checkout and podman's traces on the host, if nobody needs them."""
    with only_one("containers"):
        for name in podman("network", "ls", "--format", "{{.Name}}", doing="list networks").split():
            if name.startswith("hems-") and name.endswith(f"-{IDENTITY}"):
                answers("network", "rm", name)  # refused while a Pi is on it
        residue.remove()


def make_key() -> None:
    """This checkout's own ssh key, made once."""
    SSH.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not KEY.exists():
        comment = "the virtual Pi's test bed"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(KEY)]
        output(command, doing="make an ssh key")


def all_pis() -> list[Pi]:
    """Every Pi of this checkout, also half-made ones."""
    form = "{{.Names}}"
    names = podman(
        *("ps", "--all", "--filter", f"label={LABEL}={ROOT}", "--format", form), doing="list Pis"
    )
    return [Pi(name[len("hems-") : -len(IDENTITY) - 1]) for name in names.split()]


def any_exist() -> bool:
    """Whether there is a Pi of any checkout on this machine."""
    return bool(podman("ps", "--all", "--quiet", "--filter", f"label={LABEL}", doing="list Pis"))
