"""Loads the modules of role influxdb under the names by which Ansible gives them to one another."""

from __future__ import annotations

import sys
from types import ModuleType

import ansible.module_utils

from tests.unit.modules import load_module

ROLE = "roles/influxdb"


def _utility(name: str) -> ModuleType:
    module = load_module(f"{ROLE}/module_utils/{name}.py")
    sys.modules[f"ansible.module_utils.{name}"] = module
    setattr(ansible.module_utils, name, module)
    return module


api = _utility("influxdb_api")
plan = _utility("influxdb_plan")
tasks = _utility("influxdb_tasks")
steps = _utility("influxdb_steps")
probe = load_module(f"{ROLE}/library/influxdb_probe.py")
signing_key = load_module(f"{ROLE}/library/apt_signing_key.py")
