#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Prove that InfluxDB keeps a point and gives it back."""

from __future__ import annotations

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.influxdb_api import (
    InfluxdbProblem,
    Request,
    Transport,
    http_transport,
    need_secret,
    token,
    wait_until_ready,
)

DOCUMENTATION = r"""
module: influxdb_probe
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Prove that InfluxDB keeps a point and gives it back
description:
  - Writes one point of measurement C(converge) and reads it back by InfluxQL, with the appliance's
    own token.
  - The health page of InfluxDB answers as soon as it listens; only this shows that it works.
  - Changes nothing that a play manages. Does nothing in check mode.
options:
  url:
    description: Where the server listens.
    type: str
    required: true
  bucket:
    description: A bucket with a short retention that the token may read and write.
    type: str
    required: true
  token_file:
    description: Holds the token.
    type: path
    required: true
  timeout:
    description: Seconds to wait until the server answers.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Prove that InfluxDB keeps a point and gives it back
  influxdb_probe:
    url: "http://127.0.0.1:{{ influxdb_port }}"
    bucket: hems_probe
    token_file: /etc/hems/secrets/influxdb_token_hems
"""

RETURN = r"""
milliseconds:
  description: Time from the write to the read.
  type: int
  returned: when the probe ran
"""


def probe(send: Transport, authorization: str, bucket: str, at: int) -> None:
    """Write a point at ``at`` (ns since 1970) and read it back. Raises InfluxdbProblem."""
    written = send(
        Request(
            "POST",
            "/write",
            {"db": bucket, "precision": "ns"},
            f"converge value={at % 1000}i {at}\n",
            authorization,
        )
    )
    if written.status != 204:
        raise _problem(bucket, f"the write got {written.status}: {written.message}")
    question = f'SELECT value FROM "converge" WHERE time = {at}'
    found = send(
        Request(
            "GET",
            "/query",
            {"db": bucket, "epoch": "ns", "q": question},
            authorization=authorization,
        )
    )
    try:
        values = found.body["results"][0]["series"][0]["values"]
    except (KeyError, IndexError, TypeError):
        values = None
    if values != [[at, at % 1000]]:
        raise _problem(bucket, f"the query got {found.status}: {str(found.body)[:200]}")


def _problem(bucket: str, what: str) -> InfluxdbProblem:
    return InfluxdbProblem(
        f"InfluxDB does not keep a point in bucket {bucket} and give it back ({what}): "
        "'journalctl -u influxdb' and 'df -h' on the Pi say why; cure that and run the play again."
    )


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "bucket": {"type": "str", "required": True},
            "token_file": {"type": "path", "required": True, "no_log": False},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False)
    send = http_transport(module.params["url"])
    started = time.monotonic()
    try:
        wait_until_ready(send, module.params["url"], module.params["timeout"])
        authorization = token(need_secret(Path(module.params["token_file"])))
        probe(send, authorization, module.params["bucket"], time.time_ns())
    except InfluxdbProblem as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=False, milliseconds=round((time.monotonic() - started) * 1000))


if __name__ == "__main__":
    main()
