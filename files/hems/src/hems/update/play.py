"""A verified release's own playbook, run on the box itself."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from hems.update.core import Refused
from hems.update.git import Repository
from hems.update.update_settings import Update

NO_HOST = "no_host"
INVENTORY_SECONDS = 300.0
END_SECONDS = 30.0  # that a play may take to end
CREDENTIALS = "CREDENTIALS_DIRECTORY"
VAULT = "vault_password"
VAULT_BEFORE = f"{VAULT}_before"  # releases that were encrypted with it may still come


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    own = {"HOME": "/root", "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    # Each module would log its arguments, whole files among them: megabytes of journal a release.
    return {**kept, **own, "ANSIBLE_NO_TARGET_SYSLOG": "1"}


def _vault() -> list[str]:
    """The Vault's passwords as systemd hands them over, by their paths; Ansible tries each."""
    directory = Path(os.environ.get(CREDENTIALS, "/nonexistent"))
    files = (directory / VAULT, directory / VAULT_BEFORE)
    return [
        f"--vault-password-file={file}"
        for file in files
        if file.is_file() and file.read_bytes().strip()
    ]


def export(repository: Repository, commit: str, to: Path, *paths: str) -> None:
    """Write a verified commit's files below ``to``, in one step. Raises GitError and OSError."""
    fresh = to.with_name(f".{to.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    packed = repository.git("archive", "--format=tar", commit, *paths)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(fresh, filter="data")
    shutil.rmtree(to, ignore_errors=True)
    fresh.rename(to)


def variables(repository: Repository, commit: str, settings: Update) -> dict[str, object]:
    """Return what a release's inventory says of this box, before anything else of it is written.

    Raises Refused.
    """
    with tempfile.TemporaryDirectory(dir=settings.directory) as directory:
        export(repository, commit, Path(directory, "look"), "inventory")
        words = ["ansible-inventory", f"--inventory=look/{settings.inventory}", "--list"]
        done = subprocess.run(
            [settings.ansible / words[0], *words[1:], *_vault()],
            cwd=directory,
            env=_environment(),
            capture_output=True,
            timeout=INVENTORY_SECONDS,
            check=False,
        )
    try:
        hosts = json.loads(done.stdout)["_meta"]["hostvars"] if done.returncode == 0 else {}
    except (ValueError, KeyError):
        hosts = {}
    if settings.site not in hosts:
        raise Refused(
            NO_HOST,
            f"The release's inventory ({settings.inventory}) does not have {settings.site}: list "
            "the site in hosts.yml, and make the next release.",
        )
    found: dict[str, object] = hosts[settings.site]
    return found


def play(settings: Update, checkout: Path, seconds: float, inside: str = "") -> str:
    """Run the playbook on this box; return why it failed, or an empty text.

    ``inside``: the work that holds the appliance's lock for it; empty: it takes the lock itself.
    """
    extra = {"ansible_connection": "local", "ansible_user": "root", "hems_lock_inside": inside}
    words = [f"--inventory={settings.inventory}", f"--limit={settings.site}", *_vault()]
    command = [str(settings.ansible / "ansible-playbook"), *words, "--extra-vars"]
    process = subprocess.Popen(
        [*command, json.dumps(extra), "playbooks/site.yml"],
        cwd=checkout,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return f"its playbook took more than {seconds / 60:.0f} min"
    except BaseException:
        _end(process)
        raise
    return f"its playbook failed ({code})" if code else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a play with the task that it is at, which is in a session of its own.

    Only ansible-playbook knows that one, and passes on what it is asked, not what kills it.
    """
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
