"""Builds the stand-in's package on any Debian or Ubuntu; cached by what it is made of.

`python3 -m tests.virtual.influxdb2_standin.build` prints where it is. Standard library only.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from tests.virtual.influxdb2_standin import engine, packaging
from tests.virtual.influxdb2_standin.server import VERSION
from tests.virtual.pi.checkout import CACHE, INVENTORY, Failure, only_one
from tests.virtual.pi.command import output

HERE = Path(__file__).parent
PORT_NAME = "hems_port_influxdb"
CLI_VERSION_NAME = "hems_version_influxdb_cli"


def variable(file: str, name: str) -> str:
    """Return a variable of the inventory from the one place where it stands."""
    text = (INVENTORY / "group_vars/all" / file).read_text(encoding="utf-8")
    lines = [line.split("#")[0].split(":") for line in text.splitlines()]
    return next(line[1].strip().strip("'\"") for line in lines if line[0] == name)


def port() -> str:
    """InfluxDB's port."""
    return variable("ports.yml", PORT_NAME)


def package_version() -> str:
    """The package's version, Debian revision included."""
    return f"{VERSION.removeprefix('v')}-{packaging.REVISION}"


def build(architecture: str) -> Path:
    """Return the package, made unless it is cached. Raises Failure."""
    influxd = engine.binary(architecture)
    sources = sorted([*HERE.glob("*.py"), *HERE.glob("server/*.py")])
    digest = hashlib.sha256(f"{architecture} {port()}".encode() + influxd.read_bytes())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    directory = CACHE / "influxdb2-standin" / digest.hexdigest()[:12]
    package = directory / f"influxdb2_{package_version()}_{architecture}.deb"
    if not package.exists():
        with only_one("influxdb2-standin"), tempfile.TemporaryDirectory() as tree:
            _lay_out(Path(tree), architecture, influxd)
            _pack(Path(tree), package)
    return package


def build_command(architecture: str) -> Path:
    """Return the package of the command influx, made unless it is cached. Raises Failure."""
    control = packaging.CLI_CONTROL.format(
        version=variable("versions.yml", CLI_VERSION_NAME),
        revision=packaging.REVISION,
        architecture=architecture,
        size=1,
    )
    digest = hashlib.sha256(f"{control}{packaging.CLI}".encode()).hexdigest()
    package = CACHE / "influxdb2-standin" / digest[:12] / "influxdb2-cli.deb"
    if not package.exists():
        with only_one("influxdb2-standin"), tempfile.TemporaryDirectory() as tree:
            Path(tree).chmod(0o755)
            _write(Path(tree, "usr/bin/influx"), packaging.CLI, 0o755)
            _write(Path(tree, "DEBIAN/control"), control, 0o644)
            _pack(Path(tree), package)
    return package


def _pack(tree: Path, package: Path) -> None:
    package.parent.mkdir(parents=True, exist_ok=True)
    partial = package.with_suffix(".part")
    command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(partial)]
    output(command, doing="pack the InfluxDB stand-in")
    partial.rename(package)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _lay_out(tree: Path, architecture: str, influxd: Path) -> None:
    tree.chmod(0o755)
    for name, (mode, text) in packaging.FILES.items():
        _write(tree / name, text, mode)
    (tree / packaging.SERVER).mkdir(parents=True)
    for source in HERE.glob("server/*.py"):
        shutil.copy(source, tree / packaging.SERVER)
    shutil.copy(influxd, tree / packaging.ENGINE)
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
    control = packaging.CONTROL.format(
        version=VERSION.removeprefix("v"),
        revision=packaging.REVISION,
        architecture=architecture,
        size=size,
    )
    _write(tree / "DEBIAN/control", control, 0o644)
    for name, text in packaging.SCRIPTS.items():
        _write(tree / "DEBIAN" / name, text.replace("{port}", port()), 0o755)


if __name__ == "__main__":
    try:
        print(build(engine.architecture()))
    except Failure as problem:
        sys.exit(str(problem))
