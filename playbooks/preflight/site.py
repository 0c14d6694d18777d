# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Find what can't work in a site's variables, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from jinja2 import Undefined

from playbooks.preflight.fleet import RING_GROUPS
from playbooks.preflight.names import Product
from playbooks.preflight.places import place_problem
from playbooks.preflight.sources import Definition
from playbooks.preflight.variables import OPTIONAL, REQUIRED, ROLES, SECRET, check_of

# So many missing at once are one mistake, not as many.
WRONG_INVENTORY = 4
HOST_VARS = "set it in the site's host_vars"
CURES = {"hems_ring": f"list the site in one of {', '.join(RING_GROUPS)} in hosts.yml"}
TYPES = {
    "bool": "true or false",
    "dict": "a mapping",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}


@dataclass(frozen=True)
class Site:
    """One host's variables with where they stand."""

    variables: Mapping[str, Any]
    definitions: Mapping[str, Definition]
    product: Product

    def __getitem__(self, name: str) -> Any:
        return self.variables[name]

    def _definition(self, name: str) -> Definition | None:
        """Return the variable's place in the files, unless its value comes from elsewhere (-e)."""
        definition = self.definitions.get(name)
        if definition is None or name not in self.variables:
            return definition
        value = self.variables[name]
        same = definition.value is None or isinstance(value, Undefined)
        return definition if same or definition.value == value else None

    def named(self, name: str) -> str:
        """Return a variable's name with its place."""
        definition = self._definition(name)
        return f"{name} ({definition.where})" if definition else name

    def problems(self) -> Iterator[str]:
        """Yield one sentence a mistake."""
        unreadable = {name: why for name in self._ours() if (why := _unreadable(self[name]))}
        yield from self._grouped(unreadable)
        missing = [name for name in REQUIRED if name not in self.variables]
        if len(missing) >= WRONG_INVENTORY:
            yield (
                f"{len(missing)} variables are missing ({missing[0]}, {missing[1]} …): "
                "inventory/pilot has them in group_vars/all; does -i name the right inventory?"
            )
        else:
            yield from (f"{name} is missing: {CURES.get(name, HOST_VARS)}." for name in missing)
        wrong = {}
        for name in self._ours():
            if name not in unreadable and (problem := self._problem(name)):
                wrong[name] = problem
                yield f"{self.named(name)} {problem}{'' if problem.endswith('?') else '.'}"
        position = ("hems_country", "hems_latitude", "hems_longitude")
        readable = self.variables.keys() - wrong.keys() - unreadable.keys()
        if readable >= set(position) and (
            problem := place_problem(*map(self.__getitem__, position))
        ):
            yield problem
        if readable >= {"hems_mqtt_devices", "hems_secret_mqtt_passwords"}:
            yield from self._strange_devices()
        yield from self._role_problems(readable)
        yield from self._double_ports(readable)

    def _ours(self) -> list[str]:
        """Return the names to judge: the product's, and what may be a slip of one."""
        return [name for name in self.variables if not name.startswith(("ansible_", "__"))]

    def _problem(self, name: str) -> str | None:
        value = self[name]
        if problem := next(self.product.name_problems(name), None):
            return problem
        if (check := check_of(name)) is not None:
            problem = check(value)
        elif option := self.product.role_options.get(name):
            problem = _type_problem(name, value, option)
        else:
            return None
        return problem or self._cut_problem(name)

    def _cut_problem(self, name: str) -> str | None:
        """Tell a value that ' #' has cut from one with a comment."""
        definition = self._definition(name)
        if definition is None or not definition.comment:
            return None
        # Beside a password nobody needs a comment; elsewhere one begins with a space after the '#'.
        if name.startswith(SECRET) or not definition.comment.startswith(("# ", "##")):
            return (
                "may be cut short, as YAML takes ' #' for the start of a comment: put it in quotes"
            )
        return None

    def _grouped(self, unreadable: Mapping[str, str]) -> Iterator[str]:
        for why in dict.fromkeys(unreadable.values()):
            names = [name for name, reason in unreadable.items() if reason == why]
            yield f"{', '.join(map(self.named, names))} can't be read: {why}."

    def _role_problems(self, readable: set[str]) -> Iterator[str]:
        right = {name: self[name] for name in readable}
        # An optional one that is there and wrong is None: a role must not take it for left out.
        wrong = {name: None for name in OPTIONAL if name in self.variables and name not in right}
        for role in ROLES:
            yield from role.problems(right | wrong)

    def _strange_devices(self) -> Iterator[str]:
        for device in self["hems_secret_mqtt_passwords"]:
            if device not in self["hems_mqtt_devices"]:
                yield (
                    f"{self.named('hems_secret_mqtt_passwords')} names '{device}', "
                    "which is not in hems_mqtt_devices: add it there, or remove it here."
                )

    def _double_ports(self, readable: set[str]) -> Iterator[str]:
        owners: dict[int, str] = {}
        for name in sorted(readable):
            if name.startswith("hems_port_"):
                port = self[name]
                if port in owners:
                    yield f"{name} and {owners[port]} are both {port}: give each its own port."
                owners.setdefault(port, name)


def _unreadable(value: Any) -> str | None:
    """Return why Ansible can't give a variable's value, or None."""
    if not isinstance(value, Undefined):
        return None
    try:
        str(value)
    except Exception as error:
        reason = f"{error} {error.__cause__ or ''}"
    else:
        reason = ""
    if "no vault secrets found" in reason:
        return "give the Vault's password (--ask-vault-pass)"
    if "vault" in reason.lower():
        return "it was encrypted with another Vault password: give that one"
    return f"define the variable it refers to ({reason.strip()})"


def _type_problem(name: str, value: Any, option: Mapping[str, Any]) -> str | None:
    """Return what a role would say of a variable, before any role has begun."""
    if not ArgumentSpecValidator({name: dict(option)}).validate({name: value}).error_messages:
        return None
    if choices := option.get("choices"):
        return f"must be one of {', '.join(choices)}"
    form = TYPES.get(str(option.get("type")), "as its role's argument_specs.yml says")
    return f"must be {form}" + (
        " as its role's argument_specs.yml says" if "options" in option else ""
    )


def site_problems(
    variables: Mapping[str, Any], definitions: Mapping[str, Definition], product: Product
) -> list[str]:
    """Return one sentence for each variable that can't work; no secret is ever repeated.

    ``variables`` is everything the inventory says of one host, as in ``hostvars[host]``.
    """
    return list(Site(variables, definitions, product).problems())
