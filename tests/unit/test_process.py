"""What daemons share: their directories and credentials, signals, an end in one sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from hems import HemsError, async_process, process, settings
from hems.process import Stopped, Surroundings


def test_directories_come_from_systemd() -> None:
    assert Surroundings({}).settings == settings.DIRECTORY
    around = Surroundings(
        {"HEMS_SETTINGS": "/etc/x", "STATE_DIRECTORY": "/var/lib/x", "RUNTIME_DIRECTORY": "/run/x"}
    )
    assert (around.settings, around.state) == (Path("/etc/x"), Path("/var/lib/x"))
    assert around.runtime == Path("/run/x")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't be read (No such file or directory): run the whole playbook."),
        (b"\n", "is empty: run the whole playbook."),
        (b"\xff", "can't be read ('utf-8' codec"),
    ],
)
def test_a_credential_that_can_not_be_had_is_named(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    around = Surroundings({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    if content is not None:
        (tmp_path / "mqtt_hems").write_bytes(content)
    with pytest.raises(HemsError) as caught:
        around.credential("mqtt_hems")
    assert f"The credential mqtt_hems {words}" in str(caught.value)
    (tmp_path / "mqtt_hems").write_text("secret\n")
    assert around.credential("mqtt_hems") == "secret"
    with pytest.raises(HemsError):
        Surroundings({}).credential("mqtt_hems")


def test_an_error_is_one_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: Surroundings) -> None:
        raise HemsError("There is no /etc/hems/hems.toml: run the whole playbook.")

    assert process.run(broken) == process.FAILED
    assert capsys.readouterr().err == "There is no /etc/hems/hems.toml: run the whole playbook.\n"
    assert process.run(lambda _: None) == 0

    def taken(_: Surroundings) -> None:
        raise OSError(98, "Address already in use")

    assert process.run(taken) == process.FAILED
    assert capsys.readouterr().err == "[Errno 98] Address already in use\n"


@pytest.fixture
def signals(request: pytest.FixtureRequest) -> None:
    """Put the test's own signal handlers back."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        request.addfinalizer(partial(signal.signal, number, before))


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_what_waits(number: signal.Signals) -> None:
    process.raise_on_stop()
    with pytest.raises(Stopped):
        os.kill(os.getpid(), number)
        time.sleep(5)


@pytest.mark.usefixtures("signals")
def test_an_asyncio_daemon_beats_until_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(async_process.systemd, "notify", lambda *lines: told.extend(lines))

    def beat() -> None:
        told.append("beat")
        if told.count("beat") == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(async_process.until_stopped("3 dongles", 0.01, beat))
    assert told[:4] == ["READY=1", "STATUS=3 dongles", "beat", "WATCHDOG=1"]
    assert told.count("WATCHDOG=1") >= 3 and told[-1] == "STOPPING=1"
