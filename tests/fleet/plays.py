"""Plays of releases that do only what a test wants of them, in place of the whole one."""

from __future__ import annotations

SITE = "playbooks/site.yml"
HEAD = """\
- name: Do a part
  hosts: hems
  become: true
  gather_facts: false
  tasks:
"""
ROLE = """\
    - name: Bring a role
      ansible.builtin.import_role:
        name: {name}
"""
LINE = """\
    - name: Do it
      ansible.builtin.shell: |
        {line}
"""
PACKAGE_ALONE = "        tasks_from: install\n"
# The updater that runs the play is gone, as after a crash: nothing boots.
KILL = "systemctl kill --signal=KILL --kill-whom=all hems-update.service"
LOCK = """\
    - name: Hold the lock as the whole playbook does
      appliance_lock:
        path: "{{ hems_path_lock }}"
        inside: "{{ hems_lock_inside | default('') }}"
"""
