"""The codes that a site's variables may have are the ones that Home Assistant takes."""

from __future__ import annotations

import json
from typing import Any

from playbooks.preflight.codes import CURRENCIES, LANGUAGES, countries

PROGRAM = """
import json
from homeassistant.generated import countries, currencies, languages
found = (currencies.ACTIVE_CURRENCIES, languages.LANGUAGES, countries.COUNTRIES)
print(json.dumps([sorted(codes) for codes in found]))
"""


def test_the_codes_are_home_assistants(pi: Any, site: dict[str, Any]) -> None:
    python = f"{site['hems_path_home_assistant']}/current/bin/python"
    answer = pi.check_output("%s -I -c %s", python, PROGRAM)
    assert json.loads(answer) == [sorted(CURRENCIES), sorted(LANGUAGES), sorted(countries())]
