"""Raspberry Pi boot files: what is missing is added, everything else stays to the letter."""

from __future__ import annotations

import pytest

from tests.unit.modules import load_module

module = load_module("roles/base/library/boot_firmware.py")

# As a fresh Raspberry Pi OS trixie image has them.
CMDLINE = (
    "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 "
    "fsck.repair=yes rootwait quiet\n"
)
CONFIG = "# comment\ndtparam=audio=on\n\n[cm4]\notg_mode=1\n\n[all]\n"


def test_arguments_are_added_once_and_the_rest_stays() -> None:
    once = module.with_arguments(
        CMDLINE, ["cgroup_enable=memory"], {"cfg80211.ieee80211_regdom": "IE"}
    )
    assert once == CMDLINE.strip() + " cfg80211.ieee80211_regdom=IE cgroup_enable=memory"
    assert (
        module.with_arguments(once, ["cgroup_enable=memory"], {"cfg80211.ieee80211_regdom": "IE"})
        == once
    )


def test_a_setting_has_one_value() -> None:
    line = module.with_arguments(
        "quiet cfg80211.ieee80211_regdom=GB", [], {"cfg80211.ieee80211_regdom": "IE"}
    )
    assert line == "quiet cfg80211.ieee80211_regdom=IE"


def test_what_would_undo_an_argument_goes() -> None:
    assert (
        module.with_arguments("cgroup_disable=memory quiet", ["cgroup_enable=memory"], {})
        == "quiet cgroup_enable=memory"
    )


def test_a_line_in_a_models_section_does_not_count() -> None:
    config = "[cm4]\ndtparam=watchdog=on\n"
    assert (
        module.with_lines(config, ["dtparam=watchdog=on"])
        == config + "\n[all]\ndtparam=watchdog=on\n"
    )


def test_config_is_added_to_once() -> None:
    once = module.with_lines(CONFIG, ["dtparam=watchdog=on"])
    assert once.startswith(CONFIG)
    assert module.with_lines(once, ["dtparam=watchdog=on"]) == once


@pytest.mark.parametrize("config", ["", "dtparam=audio=on"])
def test_config_without_a_last_newline(config: str) -> None:
    assert module.with_lines(config, ["dtparam=watchdog=on"]).splitlines()[-2:] == [
        "[all]",
        "dtparam=watchdog=on",
    ]
