"""A command's output is had whole, however long it takes and whatever it says."""

from __future__ import annotations

from tests.unit.modules import load_module

module = load_module("playbooks/module_utils/whole_output.py")


def test_code_output_and_error_are_had() -> None:
    assert module.run(["sh", "-c", "echo one; echo two >&2; exit 3"]) == (3, "one\n", "two\n")


def test_what_comes_after_a_silent_second_is_had() -> None:
    # AnsibleModule.run_command may lose it.
    assert module.run(["sh", "-c", "sleep 1.1; echo late"]) == (0, "late\n", "")


def test_a_variable_is_added_and_a_directory_is_gone_to() -> None:
    words = ["sh", "-c", "echo $ONE $(pwd) ${PATH:+path}"]
    _, output, _ = module.run(words, environment={"ONE": "1"}, cwd="/usr")
    assert output == "1 /usr path\n"


def test_a_command_that_is_not_there_fails_in_words() -> None:
    code, _, error = module.run(["/no/such/command"])
    assert code == 127 and error == "/no/such/command can't be run (No such file or directory)."


def test_bytes_go_in_and_come_out_as_they_are() -> None:
    assert module.run_bytes(["cat"], b"\xff\0") == (0, b"\xff\0", b"")


def test_it_asks_for_nothing() -> None:
    assert module.run(["cat"]) == (0, "", "")
