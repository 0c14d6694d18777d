"""The test bed's own logic: what it reads out of Ansible, locks and reports."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any, cast

import pytest

from tests.virtual.influxdb2_standin.server.pages import Pages
from tests.virtual.pi import (
    converged,
    home,
    inventory,
    job,
    network,
    play,
    report,
    substitutes,
    suite,
    tooling,
)
from tests.virtual.pi.checkout import Failure
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.play import Story

FAILED_PLAY = """
TASK [base : Install the packages] *****************
ok: [pi]

TASK [base : Set the time zone] ********************
changed: [pi]

TASK [influxdb : Check the site's variables] *******
[ERROR]: Task failed: Action failed: hems_ring must be one of canary, early, stable.
Origin: /somewhere/site.yml:8:7
fatal: [pi]: FAILED! =>
    msg: hems_ring must be one of canary, early, stable.

TASK [Give the lock back] **************************
ok: [pi]
"""


def test_a_play_is_told_by_its_roles_and_its_error() -> None:
    story = Story()
    roles = [role for line in FAILED_PLAY.splitlines() if (role := story.read(line))]
    assert roles == ["base", "influxdb"]
    assert story.error == (
        "in 'influxdb : Check the site's variables': "
        "hems_ring must be one of canary, early, stable."
    )


def test_a_command_that_failed_is_told_by_its_stderr() -> None:
    story = Story()
    for line in (
        "TASK [tls : Keep the certificates] ****",
        "[ERROR]: Task failed: Module failed: non-zero return code",
        "fatal: [pi]: FAILED! => ",
        "    rc: 1",
        "    stderr: 'hems-tls: no such file: ''/etc/x'': see ''journalctl",
        "        -u hems-tls''.'",
        "    stderr_lines: <omitted>",
        "    stdout: ''",
    ):
        story.read(line)
    assert story.error == (
        "in 'tls : Keep the certificates': hems-tls: no such file: '/etc/x': "
        "see 'journalctl -u hems-tls'."
    )


def test_a_play_that_never_began_has_an_error_too() -> None:
    story = Story()
    story.read("[ERROR]: couldn't resolve module/action 'nonsense'.")
    assert story.error == "at its start: couldn't resolve module/action 'nonsense'."


def test_the_inventory_is_read_without_a_yaml_parser() -> None:
    assert inventory.port("mqtts") == 8883  # the protocol's own number (IANA secure-mqtt)
    assert inventory.value("hems_path_secrets").startswith("/")
    assert inventory.value("hems_meter_energy") == "sensor.meter_summation_delivered"
    assert inventory.value("hems_site_name") == "Virtual Pi", "testbed.yml stands over site.yml"
    with pytest.raises(Failure, match="gives no hems_nonsense"):
        inventory.value("hems_nonsense")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one role, as the hash of a kept Pi sees it."""
    monkeypatch.setattr(play, "ROOT", tmp_path)
    monkeypatch.setattr(substitutes, "GENERATED", tmp_path / "generated.yml")
    monkeypatch.setattr(substitutes, "APT_REPOSITORY", tmp_path / "apt")
    monkeypatch.setattr(converged.image, "tag", lambda: "base:1")
    for name in ("roles/base/tasks/main.yml", "roles/base/README.md", "tests/test_x.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one\n")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["roles/base/README.md", "tests/test_x.py", "roles/base/__pycache__/x.pyc"]
)
def test_what_no_play_reads_leaves_a_kept_pi_as_it_is(checkout: Path, name: str) -> None:
    before = converged.tag()
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("two\n")
    assert converged.tag() == before


@pytest.mark.parametrize(
    "name",
    ["roles/base/tasks/main.yml", "roles/base/files/new", "inventory/virtual/group_vars/all/x.yml"],
)
def test_what_a_play_reads_makes_another_kept_pi(checkout: Path, name: str) -> None:
    before = converged.tag()
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text("two\n")
    assert converged.tag() != before


def test_a_file_that_becomes_a_program_makes_another_kept_pi(checkout: Path) -> None:
    before = converged.tag()
    (checkout / "roles/base/tasks/main.yml").chmod(0o755)
    assert converged.tag() != before


def test_another_package_or_simulator_or_base_makes_another_kept_pi(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {converged.tag()}
    (checkout / "apt").mkdir()
    (checkout / "apt" / "made-of").write_text("influxdb2 2.9.1")
    tags.add(converged.tag())
    assert len(tags) == 1, "a repository that no Pi is told of is of no account"
    (checkout / "generated.yml").write_text(f'influxdb_apt_uri: "file:{substitutes.ON_THE_PI}"')
    tags.add(converged.tag())
    monkeypatch.setattr(converged.image, "tag", lambda: "base:2")
    tags.add(converged.tag())
    monkeypatch.setattr(converged.on_pi, "stamp", lambda: "another simulator")
    tags.add(converged.tag())
    assert len(tags) == 4


def test_a_load_without_a_pi_is_told_how_to_get_one() -> None:
    with pytest.raises(Failure, match="no virtual Pi runs: `make up` starts one"):
        home.draw(Pi("nobody"), "2100")


def test_the_lock_gives_one_package_with_its_hashes() -> None:
    lines = tooling.locked("uv").splitlines()
    assert lines[0].startswith("uv==")
    assert all("--hash=sha256:" in line for line in lines[1:])
    assert not lines[-1].endswith("\\")
    assert len(lines) > 2


def test_the_last_line_counts_each_test_by_its_last_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def report_of(name: str, **children: str) -> Path:
        cases = (
            f'<testcase classname="tests.appliance.test_a" name="{test}">{child}</testcase>'
            for test, child in children.items()
        )
        path = tmp_path / name
        path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
        return path

    first = report_of(
        "a.xml", right="", flaky="<failure/>", wrong="<error/>", not_here="<skipped/>"
    )
    second = report_of("b.xml", flaky="", wrong="<failure/>")
    assert report.closing_line([first]) == "1 passed, 2 failed, 1 skipped"
    assert report.closing_line([first, second]) == "2 passed, 1 failed, 1 skipped"
    assert report.few_failed(second) == ["tests/appliance/test_a.py::wrong"]
    many = report_of("c.xml", **{f"t{number}": "<failure/>" for number in range(6)})
    assert report.few_failed(many) == []
    assert report.few_failed(tmp_path / "pytest_was_killed.xml") == []
    report.print_second_tries([first, second])
    assert capsys.readouterr().out.splitlines()[2:] == ["  appliance/test_a::flaky"]


def test_the_slowest_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    form = '<testcase classname="tests.appliance.test_{}" name="test_{}" time="{}"/>'
    cases = [form.format("a", "quick", 1), form.format("b", "slow", 30), form.format("a", "x", 40)]
    (tmp_path / "a.xml").write_text(
        f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    )
    report.print_slowest([tmp_path / "a.xml"])
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Slowest files:",
        "    41.0 s  appliance/test_a",
        "    30.0 s  appliance/test_b",
        "",
        "",
        "Slowest tests:",
        "    40.0 s  appliance/test_a::test_x",
        "    30.0 s  appliance/test_b::test_slow",
        "     1.0 s  appliance/test_a::test_quick",
        "",
    ]


def test_a_scenarios_figures_are_told_whatever_comes_of_it() -> None:
    said = "FIGURE power cuts: CUTS=1 SEED=7\ntests/fleet/x.py::test FIGURE no line of its own\n\n"
    assert job.figures(said) == ["FIGURE power cuts: CUTS=1 SEED=7"]


def test_a_part_is_what_its_files_are_called() -> None:
    plain, on_a_pi, with_radios = suite.chosen("zigbee_pairing")
    assert with_radios == []
    assert plain == ["tests/unit/test_zigbee_pairing_play.py"]
    assert "tests/appliance/test_zigbee_pairing_pulses.py" in on_a_pi
    assert suite.chosen("test_tls.py") == ([], ["tests/appliance/test_tls.py"], [])
    assert suite.chosen("test_tls_c*e.py") == (["tests/unit/test_tls_core.py"], [], [])
    assert suite.chosen(None)[1:] == (["tests/appliance"], ["tests/wifi"])
    assert suite.chosen("test_ports.py") == ([], [], ["tests/wifi/test_ports.py"])
    assert "tests/wifi/test_onboarding.py" in suite.chosen("wifi")[2]
    assert "tests/appliance/security/test_limits.py" in suite.chosen("security")[1]
    with pytest.raises(Failure, match="no test file's name has 'nonsense' in it"):
        suite.chosen("nonsense")


def test_without_qemu_the_wifi_scenario_is_skipped_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def install(_packages: object) -> None:
        raise Failure("could not install qemu-utils")

    monkeypatch.setattr(suite.up, "install_packages", install)
    monkeypatch.setattr(suite.radios.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(suite.radios.shutil, "which", lambda _program: None)
    suite._provide_qemu()
    assert suite._begin_image() == []
    said = capsys.readouterr().out
    assert "could not install qemu-utils" in said
    assert "The WiFi scenario is skipped: not installed here: qemu-system-x86" in said


def test_several_workers_are_told_by_tenths_and_by_what_fails() -> None:
    progress = job.Progress()
    lines = (
        "tests/appliance/test_tls.py::test_keys_are_closed",
        "[gw1] [  4%] PASSED tests/appliance/test_tls.py::test_keys_are_closed",
        "[gw0] [  9%] FAILED tests/appliance/test_door.py::test_old_tls_is_refused ",
        "[gw1] [ 12%] PASSED tests/appliance/test_tls.py::test_the_timer_looks_after_it",
        "[gw0] [ 19%] SKIPPED tests/appliance/test_door.py::test_x",
    )
    assert [words for line in lines if (words := progress.read(line))] == [
        "FAILED tests/appliance/test_door.py::test_old_tls_is_refused",
        "12 %",
    ]


def test_a_job_is_told_in_one_piece_and_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "log_path", lambda name: tmp_path / name)
    good = job.Job("good", ["sh", "-c", "echo a; echo '== 2 passed =='; echo"])
    bad = job.Job("bad", ["sh", "-c", "echo a; echo '== FAILURES =='; echo why; exit 3"])
    assert good.finish() and not bad.finish()
    good.tell_if_ended()
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(f"good: right ({tmp_path / 'good'})") and said[1] == "2 passed"
    assert said[2].endswith(f"bad: FAILED ({tmp_path / 'bad'})")
    assert said[3:] == ["== FAILURES ==", "why"]
    running = job.Job("running", ["sh", "-c", "sleep 600 & echo $!; wait"])
    while not (lines := running.new_lines()):
        time.sleep(0.05)
    running.end()
    assert running.ended()
    while Path(f"/proc/{lines[0]}").exists():
        time.sleep(0.05)


def test_a_port_that_is_taken_is_said_with_a_cure() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(Failure, match=rf"port {port} .* is taken: .*HTTPS_PORT={port + 1}"):
            network.require_free(port)
    network.require_free(port)


def test_the_database_is_told_by_what_it_says_of_itself() -> None:
    body = json.loads(Pages(cast(Any, None)).health().body)
    assert "STAND-IN" in substitutes.runs(body["commit"])
    assert substitutes.runs("d644d25e3b") == "a real server"
