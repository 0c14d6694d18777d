#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Let a box's WiFi radios send, as their country allows."""

from __future__ import annotations

import re
import time
from pathlib import Path

from ansible.module_utils import whole_output
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: wifi_radio
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Let a box's WiFi radios send, as their country allows
description:
  - Tells the running kernel the country, and switches the radios on where software has switched
    them off. Raspberry Pi OS ships them switched off, in NetworkManager and by rfkill, until a
    country is set.
  - The kernel forgets the country with a reboot; the argument C(cfg80211.ieee80211_regdom) is what
    tells it then. NetworkManager remembers that the radios are on, and unblocks them at each boot.
  - A box without a WiFi radio is left alone. A switch for a hand is named in a warning.
  - "Source: raspi-config's do_wifi_country, pi-gen's stage2/02-net-tweaks, rfkill.rst."
options:
  country:
    description: ISO 3166-1 alpha-2 code.
    type: str
    required: true
  switched_on:
    description: Whether the radios are switched on; if not, they are left as they are.
    type: bool
    default: true
  system:
    description: Where the kernel shows its devices.
    type: path
    default: /sys/class
"""

EXAMPLES = r"""
- name: Let the WiFi send as its country allows
  wifi_radio:
    country: IE
"""

RETURN = r"""
done:
  description: What was set, or would be in a check.
  type: list
  elements: str
  returned: always
"""

KERNEL_SECONDS = 5.0  # that it has to take a country, which it looks up by itself
# `iw reg get` has the country of all radios first, then what single radios make of it.
GLOBAL = re.compile(r"^global\ncountry (\w\w):", re.MULTILINE)
BOTH = "98"  # what our country allows and that of the router that the box is connected to


class Radios:
    """The box's WiFi radios."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._system = Path(module.params["system"])

    def there(self) -> bool:
        """Whether there are any."""
        return any(self._system.glob("ieee80211/*"))

    def country(self) -> str | None:
        """Return the kernel's country, 00 where it has none; None: there is no iw to ask."""
        shown = self._run("iw", "reg", "get")
        found = GLOBAL.search(shown) if shown is not None else None
        return found[1] if found else None

    def set_country(self, country: str) -> bool:
        """Tell the kernel the country; whether it has taken it."""
        self._run("iw", "reg", "set", country)
        deadline = time.monotonic() + KERNEL_SECONDS
        while self.country() not in (country, BOTH):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def switched_off(self) -> bool:
        """Whether NetworkManager has them off; not where it does not run."""
        return (self._run("nmcli", "radio", "wifi") or "").strip() == "disabled"

    def switch_on(self) -> None:
        """Have NetworkManager switch them on."""
        self._run("nmcli", "radio", "wifi", "on")

    def blocked(self, how: str) -> list[Path]:
        """Return the radios that rfkill blocks; ``how``: ``soft``, by software, or ``hard``."""
        switches = sorted(self._system.glob("rfkill/*"))
        return [
            one / how
            for one in switches
            if _text(one / "type") == "wlan" and _text(one / how) == "1"
        ]

    def _run(self, *words: str) -> str | None:
        """Return what a program prints, or None where it is not there or does not do it."""
        path = self._module.get_bin_path(words[0])
        if path is None:
            return None
        code, output, _ = whole_output.run([path, *words[1:]], environment={"LC_ALL": "C"})
        return output if code == 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:  # unplugged meanwhile
        return ""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "country": {"type": "str", "required": True},
            "switched_on": {"type": "bool", "default": True},
            "system": {"type": "path", "default": "/sys/class"},
        },
        supports_check_mode=True,
    )
    country, radios = module.params["country"], Radios(module)
    done: list[str] = []
    if not radios.there():
        module.exit_json(changed=False, done=done)
    if radios.country() not in (None, BOTH, country):
        if module.check_mode or radios.set_country(country):
            done.append(f"country {country}")
        else:
            module.warn(
                f"The kernel does not take the WiFi country {country}: 'journalctl -k' says why, at"
                " 'regulatory'. The WiFi keeps to what is allowed everywhere."
            )
    if module.params["switched_on"]:
        if radios.switched_off():
            done.append("switched on")
            if not module.check_mode:
                radios.switch_on()
        if left := radios.blocked("soft"):  # NetworkManager unblocks what it switches on
            done.append("unblocked")
            if not module.check_mode:
                for switch in left:
                    switch.write_text("0", encoding="ascii")
    if radios.blocked("hard"):
        module.warn("A switch on this box keeps its WiFi off: 'rfkill' shows which one.")
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
