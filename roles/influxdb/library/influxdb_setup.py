#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Set InfluxDB 2 up without a click, and keep it so."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.influxdb_api import InfluxdbProblem, http_transport, wait_until_ready
from ansible.module_utils.influxdb_plan import Bucket, Token
from ansible.module_utils.influxdb_steps import Setup, Wanted
from ansible.module_utils.influxdb_tasks import Task

DOCUMENTATION = r"""
module: influxdb_setup
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Set InfluxDB 2 up without a click, and keep it so
description:
  - Onboards an empty server (user, organization, first bucket, the operator's token).
  - Makes the missing buckets, corrects their retention, and keeps the log-in's name and password.
  - Makes one token a use. The server shows a token once, so it goes into its file at once; a
    token whose file does not hold it, or that may do more or less than it should, is replaced, and
    the old one deleted.
  - Keeps the Flux tasks as their files say. An engineer's own tasks are left alone.
  - Deletes tasks whose name begins with O(owned), and that are not asked for any more.
  - Deletes tokens whose description begins with O(owned) and that are not asked for any more, and
    the files C(influxdb_token_*) that belong to none.
  - Finishes a set-up that was interrupted. Deletes no bucket, no point, no user, and no token of
    another description.
  - Fails in one sentence when the server was set up with an operator's token that the file does not
    hold.
  - Takes files in place of secrets, and returns none.
options:
  url:
    description: Where the server listens.
    type: str
    required: true
  timeout:
    description: Seconds to wait until the server answers.
    type: int
    default: 120
  organization:
    description: The one organization.
    type: str
    required: true
  username:
    description: The log-in to the web interface; the first user, renamed when it has another name.
    type: str
    required: true
  password_file:
    description: Holds the log-in's password.
    type: path
    required: true
  operator_token_file:
    description: Holds the token that may do everything.
    type: path
    required: true
  metadata:
    description: The server's metadata file, named in the cure for a lost operator's token.
    type: path
    required: true
  buckets:
    description:
      - Buckets with C(name) and C(retention) in seconds (0 for ever; without it, a new one is kept
        for ever, and one that is there as it is); the first is made at onboarding.
      - C(shard), the seconds that a file of a new bucket spans, is the server's choice when 0.
    type: list
    elements: dict
    required: true
  token_directory:
    description: Where the tokens' files are.
    type: path
    required: true
  tokens:
    description: Tokens with C(description), C(file), and the buckets they C(read) and C(write).
    type: list
    elements: dict
    required: true
  owned:
    description: >-
      What the descriptions of all our tokens and the names of all our tasks begin with. Those that
      are not asked for are deleted; empty, none is.
    type: str
    default: ''
  tasks:
    description: Flux tasks with the C(name) that their text gives them, and the C(file) of that.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Set up organization, buckets and tokens
  influxdb_setup:
    url: "http://127.0.0.1:{{ influxdb_port }}"
    organization: hems
    username: hems
    password_file: /etc/hems/secrets/influxdb_password
    operator_token_file: /etc/hems/secrets/influxdb_operator_token
    metadata: /var/lib/influxdb/influxd.bolt
    buckets: [{name: home_assistant, retention: 0}]
    token_directory: /etc/hems/secrets
    tokens:
      - description: hems:home_assistant
        file: influxdb_token_home_assistant
        write: [home_assistant]
"""

RETURN = r"""
did:
  description: What was done, in words.
  type: list
  elements: str
  returned: always
"""

BUCKET = {
    "name": {"type": "str", "required": True},
    "retention": {"type": "int"},
    "shard": {"type": "int", "default": 0},
}
TASK = {"name": {"type": "str", "required": True}, "file": {"type": "path", "required": True}}
TOKEN = {
    "description": {"type": "str", "required": True},
    "file": {"type": "str", "required": True},
    "read": {"type": "list", "elements": "str", "default": []},
    "write": {"type": "list", "elements": "str", "default": []},
}


def text(path: Path) -> str:
    """Return a file's text; empty in check mode before the first run has written it."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 120},
            "organization": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
            "operator_token_file": {"type": "path", "required": True, "no_log": False},
            "metadata": {"type": "path", "required": True},
            "buckets": {"type": "list", "elements": "dict", "required": True, "options": BUCKET},
            "token_directory": {"type": "path", "required": True, "no_log": False},
            "tokens": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": TOKEN,
                "no_log": False,
            },
            "owned": {"type": "str", "default": ""},
            "tasks": {"type": "list", "elements": "dict", "default": [], "options": TASK},
        },
        supports_check_mode=True,
    )
    given = module.params
    wanted = Wanted(
        organization=given["organization"],
        username=given["username"],
        password_file=Path(given["password_file"]),
        operator_token_file=Path(given["operator_token_file"]),
        metadata=Path(given["metadata"]),
        buckets=[Bucket(one["name"], one["retention"], one["shard"]) for one in given["buckets"]],
        token_directory=Path(given["token_directory"]),
        tokens=[
            Token(one["description"], one["file"], frozenset(one["read"]), frozenset(one["write"]))
            for one in given["tokens"]
        ],
        owned=given["owned"],
        tasks=[Task(one["name"], text(Path(one["file"]))) for one in given["tasks"]],
    )
    send = http_transport(given["url"])
    setup = Setup(send, wanted, module.check_mode)
    try:
        wait_until_ready(send, given["url"], given["timeout"])
        setup.run()
    except InfluxdbProblem as problem:
        module.fail_json(msg=str(problem), did=setup.did)
    module.exit_json(changed=bool(setup.did), did=setup.did)


if __name__ == "__main__":
    main()
