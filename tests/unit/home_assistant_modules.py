"""The role's shared code, imported as its modules import it on the Pi."""

from __future__ import annotations

import ansible.module_utils

from tests.unit.modules import ROOT, load_module

# A role's module_utils join this package when Ansible runs one of its modules.
ansible.module_utils.__path__.append(str(ROOT / "roles/home_assistant/module_utils"))

from ansible.module_utils import (  # noqa: E402
    home_assistant_dashboard,
    home_assistant_files,
    home_assistant_lock,
    home_assistant_log_in,
    home_assistant_plan,
    home_assistant_session,
    home_assistant_storage,
)

log_in, files, lock = home_assistant_log_in, home_assistant_files, home_assistant_lock
dashboard = home_assistant_dashboard
plan, session, storage = home_assistant_plan, home_assistant_session, home_assistant_storage
config = load_module("roles/home_assistant/library/home_assistant_config.py")
