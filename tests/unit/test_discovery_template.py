"""Which templates a device may bring along: those of meters pass, no other does."""

from __future__ import annotations

import time

import pytest
from hems.discovery.template import LONGEST, is_plain


@pytest.mark.parametrize(
    "template",
    [
        "{{ value }}",
        "{{value_json.power}}",
        "{{ value_json['ENERGY']['Power'] }}",
        "{{ value_json.ENERGY.Total[0] | float }}",
        "{{ value | float(0) }}",
        "{{ value_json.energy | float / 1000 }}",
        "{{ (value_json.energy | float / 1000) | round(3) }}",
        "{{ (value_json.energy | float(default=0) / 1000) | round(3) | float }}",
        "{{ value_json.power | int * 10 }}",
        "{{ value_json.power | default(0) | int }}",
        "{{ value_json.rssi | is_defined }}",
        "{{ 'ON' if value_json.relay else 'OFF' }}",
        "{{ 'ON' if value_json.relay == 1 else 'OFF' }}",
        '{{ "ON" if value | int > 0 else "OFF" }}',
    ],
)
def test_what_meters_say_passes(template: str) -> None:
    assert is_plain(template)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10**9) %}{% endfor %}",
        "{{ value }}{% for i in range(9) %}{{ i }}{% endfor %}",
        "{{ range(1000000000) | list }}",
        "{{ value * 1000000000 }}",
        "{{ value_json.x * 1000000000 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ (value | string) * 99999 }}",
        "{{ (value) * 99999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ value | float ** 99 }}",
        "{{ value | round(999999) }}",
        "{{ states('sensor.hems_power') }}",
        "{{ states.sensor | list }}",
        "{{ value.__class__ }}",
        "{{ value_json.__class__ }}",
        "{{ value_json['__class__'] }}",
        "{{ value_json._x }}",
        "{{ namespace(x=1) }}",
        "{{ value | regex_findall('(a+)+$') }}",
        "{{ value_json | tojson }}",
        "{{ value | float * value | float }}",
        "{{ value }} {{ value }}",
        "{{ lipsum(9999) }}",
        "{# #}{{ value }}",
        "text",
        "",
        "{{ value }}\n{% set x = 1 %}",
        "{{ " + "value_json" + ".a" * 200 + " }}",
    ],
)
def test_nothing_else_does(template: str) -> None:
    assert not is_plain(template)


def test_the_check_itself_costs_nothing() -> None:
    begun = time.perf_counter()
    for inside in ("value_json" + ".a" * 99, "value" + " | lower" * 30, "(" * 200, "1" * 250):
        assert not is_plain("{{ " + inside[: LONGEST - 8] + " ! }}")
    assert not is_plain("{{ value }}" + " " * 10_000_000)
    assert time.perf_counter() - begun < 1
