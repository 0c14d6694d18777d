"""Runs on the machine with a venv's Python, from stdin: does all that is installed there fit it?

Prints JSON: {"wheels": number, "extensions": number of compiled modules, "problems": [sentences]}.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

NOT_FOR_USERS = {"test", "tests", "doc", "docs", "example", "examples", "benchmarks"}


def misfit(tag: str, machine: str = "aarch64") -> bool:
    """Whether a wheel of this tag (PEP 425) is of another processor, or was compiled here.

    What an index offers is for manylinux or musllinux (PEP 600, 656); `linux` alone is what a
    build on the machine itself gets.
    """
    platform = tag.rsplit("-", 1)[-1]
    published = platform.startswith(("manylinux", "musllinux"))
    return platform != "any" and not (published and platform.endswith(f"_{machine}"))


def tags(wheel: str) -> list[str]:
    """Return the tags that a WHEEL file names."""
    return [line.removeprefix("Tag: ") for line in wheel.splitlines() if line.startswith("Tag: ")]


def extension(path: PurePosixPath) -> str:
    """Return the name of the module that a file is when it is a compiled one; else nothing."""
    for suffix in EXTENSION_SUFFIXES:
        if path.name.endswith(suffix):
            name = ".".join([*path.parts[:-1], path.name.removesuffix(suffix)])
            return name if all(part.isidentifier() for part in name.split(".")) else ""
    return ""


def packages(files: list[PurePosixPath]) -> list[str]:
    """Return the packages and modules at the top of a distribution."""
    names = {
        path.parts[0].removesuffix(".py")
        for path in files
        if (len(path.parts) == 1 and path.suffix == ".py")
        or (len(path.parts) == 2 and path.name == "__init__.py")
    }
    return sorted(name for name in names if name.isidentifier() and name not in NOT_FOR_USERS)


def attempt(module: str, otherwise: Callable[[], object] | None = None) -> str:
    """Import a module; what is wrong with it, in words. It may want what is optional.

    A compiled module that can't be imported by itself is at least loaded, by `otherwise`.
    """
    try:
        with redirect_stdout(sys.stderr):
            importlib.import_module(module)
    except BaseException as error:  # a module that ends the program is none that imports
        wanted = error.name if isinstance(error, ModuleNotFoundError) else None
        if otherwise is None:
            optional = wanted and wanted.partition(".")[0] != module
            return "" if optional else f"{module}: {error!r}"
        try:
            otherwise()
        except OSError as broken:
            return f"{module}: {broken}"
    return ""


def judge(one: Distribution, site: Path, compiled: list[str]) -> Iterator[str]:
    """Say what is wrong with one distribution; the compiled modules are added to the list."""
    files = [PurePosixPath(str(path)) for path in one.files or ()]
    yield from (
        f"{one.name} {one.version} is a wheel for {tag}"
        for tag in tags(one.read_text("WHEEL") or "")
        if misfit(tag)
    )
    for module in packages(files):
        yield attempt(module)
    for path in files:
        if module := extension(path):
            compiled.append(module)
            yield attempt(module, lambda path=path: ctypes.CDLL(str(site / path)))  # type: ignore[misc]


def main() -> None:
    """Judge what is in this venv itself, not what it sees of the system's."""
    site = Path(sysconfig.get_path("platlib"))
    compiled: list[str] = []
    installed = list(distributions(path=[str(site)]))
    problems = [words for one in installed for words in judge(one, site, compiled) if words]
    told = {"wheels": len(installed), "extensions": len(compiled), "problems": problems}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
