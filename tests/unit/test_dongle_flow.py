"""ZHA's config flow is answered so that nothing is ever erased."""

from __future__ import annotations

from typing import Any

import pytest
from hems.zigbee.flow import Answer, Done, FlowError, Wait, answer

DEVICE = "/dev/serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_1-if00"
FORM = {"type": "form", "flow_id": "f1", "step_id": "choose_serial_port"}
MENU = {"type": "menu", "flow_id": "f1"}
SETUP = {**MENU, "step_id": "choose_setup_strategy"}
PROGRESS = {"type": "progress", "flow_id": "f1", "step_id": "form_new_network"}
CREATED = {"type": "create_entry", "flow_id": "f1", "result": {"state": "loaded", "reason": None}}


def formation(*options: str) -> dict[str, Any]:
    return {**MENU, "step_id": "choose_formation_strategy", "menu_options": list(options)}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (FORM, {"path": DEVICE}),
        (SETUP, {"next_step_id": "setup_strategy_advanced"}),
        (
            formation("choose_automatic_backup", "reuse_settings", "form_new_network"),
            {"next_step_id": "reuse_settings"},
        ),
        (
            formation("choose_automatic_backup", "upload_manual_backup", "form_initial_network"),
            {"next_step_id": "choose_automatic_backup"},
        ),
        (
            formation("upload_manual_backup", "form_initial_network"),
            {"next_step_id": "form_initial_network"},
        ),
        (
            {
                **FORM,
                "step_id": "choose_automatic_backup",
                "data_schema": [{"name": "choose_automatic_backup", "default": "newest"}],
            },
            {"choose_automatic_backup": "newest"},
        ),
        (
            {**FORM, "step_id": "confirm_ezsp_ieee_overwrite"},
            {"overwrite_coordinator_ieee": True},
        ),
    ],
)
def test_a_step_is_answered_so_that_most_is_kept(
    step: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert answer(step, DEVICE) == Answer(expected)


def test_progress_is_waited_for_and_the_entry_is_the_end() -> None:
    assert answer(PROGRESS, DEVICE) == Wait()
    assert answer(CREATED, DEVICE) == Done("loaded", "")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (formation("upload_manual_backup", "form_new_network"), "no way to use"),
        ({**FORM, "step_id": "manual_pick_radio_type"}, "does not answer as a Zigbee dongle"),
        ({**FORM, "step_id": "choose_migration_strategy"}, "has a Zigbee dongle already"),
        ({**FORM, "step_id": "verify_radio"}, "asks for 'verify_radio'"),
        ({"type": "abort", "reason": "wrong_firmware_installed"}, "it has no Zigbee firmware"),
        (
            {
                "type": "abort",
                "reason": "cannot_form_network",
                "description_placeholders": {"error": "no channel."},
            },
            "it can't form a network: no channel",
        ),
        ({"type": "abort", "reason": "unheard_of"}, "(unheard_of)"),
    ],
)
def test_what_can_t_be_answered_is_one_sentence(step: dict[str, Any], said: str) -> None:
    with pytest.raises(FlowError) as caught:
        answer(step, DEVICE)
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
