"""Import an Ansible module or a script by its path: they live in roles, not in a package."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import ansible.module_utils

ROOT = Path(__file__).resolve().parents[2]

# What modules share joins this package when Ansible runs one of them.
ansible.module_utils.__path__.append(str(ROOT / "playbooks/module_utils"))


def load_module(relative_path: str) -> ModuleType:
    """Return the Python file at ``relative_path`` (from the repository's top) as a module."""
    path = ROOT / relative_path
    name = "repo_" + relative_path.replace("/", "_").replace("-", "_").removesuffix(".py")
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        raise ImportError(relative_path)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name while it is being executed.
    sys.modules[name] = module
    loader.exec_module(module)
    return module
