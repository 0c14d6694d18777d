"""The fleet's server as a machine of its own, beside the box: made by its own playbook."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt

from tests.virtual.pi import play
from tests.virtual.pi.checkout import ROOT
from tests.virtual.pi.machine import SSH_CONFIG, Pi

NAME = "fleet.example.org"
OPERATOR = "password-of-the-operator"
PASSWORDS = {"pi": "password-of-the-box", "cork_01": "password-of-cork"}  # by site
PLAYBOOK = "playbooks/fleet_server.yml"
ADDRESS = "git@{}:/srv/fleet/fleet.git"


@dataclass
class Client:
    """One account's connection, and what the broker answered."""

    link: mqtt.Client
    said: list[str] = field(default_factory=list)  # to each publication, in its order
    got: dict[str, bytes] = field(default_factory=dict)  # topic: retained message

    def publish(self, topic: str, text: bytes) -> str:
        """Publish a retained message; return the broker's answer."""
        before = len(self.said)
        self.link.publish(topic, text, qos=1, retain=True)
        _until(lambda: len(self.said) > before)
        return self.said[-1]

    def retained(self, topic: str, seconds: float = 2) -> dict[str, bytes]:
        """Return what retained messages the account is shown."""
        self.link.subscribe(topic, qos=1)
        time.sleep(seconds)  # what is refused is never said
        return dict(self.got)


def _until(what: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the broker does not answer"
        time.sleep(0.05)


@dataclass
class Receiver:
    """The machine; ``directory`` has its inventory and the operators' keys."""

    pi: Pi
    directory: Path

    def begin(self) -> None:
        """Make the machine, and the keys of an operator and of the sites."""
        self.pi.create()
        for name in ("operator", "site"):
            words = [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                f"{self.directory}/{name}",
            ]
            subprocess.run(words, check=True)
        keys = {name: (self.directory / f"{name}.pub").read_text() for name in ("operator", "site")}
        server = {
            "ansible_host": self.pi.alias,
            "ansible_user": "pi",
            "ansible_ssh_common_args": f"-F {SSH_CONFIG}",
            "hems_fleet_server": NAME,
            "hems_secret_fleet_operator_password": OPERATOR,
            "hems_operator_keys": [keys["operator"].strip()],
            "hems_fleet_deploy_keys": [keys["site"].strip()],
        }
        sites = {
            name: {"hems_secret_receipt_password": password} for name, password in PASSWORDS.items()
        }
        groups = {
            "hems": {"hosts": {**sites, "galway_01": {}}},
            "fleet_server": {"hosts": {"fleet_01": server}},
        }
        (self.directory / "hosts.yml").write_text(json.dumps(groups), encoding="utf-8")
        (self.directory / "group_vars").symlink_to(ROOT / "inventory/virtual/group_vars")

    def play(self) -> str:
        """Run its playbook; return Ansible's last line, the recap."""
        words = [play.command("")[0], "-i", str(self.directory / "hosts.yml"), PLAYBOOK]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=play.environment(self.pi),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout.strip().splitlines()[-1]

    def check(self, line: str) -> str:
        """Run a shell line as root on it; return what it printed."""
        return self.pi.run("sh", "-c", line, doing=f"run {line}")

    @property
    def authority(self) -> str:
        """Its CA, in PEM."""
        return self.check("cat /etc/hems/tls/ca.crt")

    def client(self, account: str, password: str) -> tuple[Client, str]:
        """Log in; return the connection, and what the broker said to it."""
        context = ssl.create_default_context(cadata=self.authority)
        context.check_hostname = False  # its name is in no DNS
        link = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        link.tls_set_context(context)
        link.username_pw_set(account, password)
        made, answers = Client(link), []
        link.on_connect = lambda _c, _u, _f, reason, _p: answers.append(str(reason))
        link.on_publish = lambda _c, _u, _m, reason, _p: made.said.append(str(reason))
        link.on_message = lambda _c, _u, one: made.got.update({one.topic: bytes(one.payload)})
        link.connect(self.pi.address(), 8883)
        link.loop_start()
        _until(lambda: answers)
        return made, answers[0]

    def git(self, key: str, *words: str, where: Path | None = None) -> tuple[int, str]:
        """Run git with a key, in a directory; return its exit code and what it said."""
        known = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        command = f"ssh -i {self.directory / key} -o IdentitiesOnly=yes {known}"
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
            cwd=where or self.directory,
            env={**os.environ, "GIT_SSH_COMMAND": command},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def url(self) -> str:
        """The address of the repository."""
        return ADDRESS.format(self.pi.address())
