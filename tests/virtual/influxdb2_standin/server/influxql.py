"""InfluxQL: splits a query into statements and sorts out those that InfluxDB 2 does not have."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Words, and what may hide a word or a semicolon: strings, identifiers, comments.
_TOKEN = re.compile(
    r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|--[^\n]*|/\*.*?\*/|[A-Za-z_]\w*|\S", re.DOTALL
)

# v1/coordinator: statements that are parsed and then refused, by their first words.
_REFUSED = {
    "ALTER RETENTION POLICY": "ALTER RETENTION POLICY",
    "CREATE CONTINUOUS QUERY": "CREATE CONTINUOUS QUERY",
    "CREATE DATABASE": "CREATE DATABASE",
    "CREATE RETENTION POLICY": "CREATE RETENTION POLICY",
    "CREATE SUBSCRIPTION": "CREATE SUBSCRIPTION",
    "CREATE USER": "CREATE USER",
    "DROP CONTINUOUS QUERY": "DROP CONTINUOUS QUERY",
    "DROP DATABASE": "DROP DATABASE",
    "DROP RETENTION POLICY": "DROP RETENTION POLICY",
    "DROP SERIES": "DROP SERIES",
    "DROP SHARD": "DROP SHARD",
    "DROP SUBSCRIPTION": "DROP SUBSCRIPTION",
    "DROP USER": "DROP USER",
    "GRANT": "GRANT",
    "KILL QUERY": "SHOW QUERIES",
    "REVOKE": "REVOKE",
    "SET PASSWORD": "SET PASSWORD",
    "SHOW CONTINUOUS QUERIES": "SHOW CONTINUOUS QUERIES",
    "SHOW DIAGNOSTICS": "SHOW DIAGNOSTICS",
    "SHOW GRANTS": "SHOW GRANTS",
    "SHOW MEASUREMENT CARDINALITY": "SHOW MEASUREMENT CARDINALITY",
    "SHOW MEASUREMENT EXACT": "SHOW MEASUREMENT CARDINALITY",
    "SHOW QUERIES": "SHOW QUERIES",
    "SHOW SERIES CARDINALITY": "SHOW SERIES CARDINALITY",
    "SHOW SERIES EXACT": "SHOW SERIES CARDINALITY",
    "SHOW SHARD GROUPS": "SHOW SHARD GROUPS",
    "SHOW SHARDS": "SHOW SHARDS",
    "SHOW STATS": "SHOW STATS",
    "SHOW SUBSCRIPTIONS": "SHOW SUBSCRIPTIONS",
    "SHOW USERS": "SHOW USERS",
}
_DELETING = ("DELETE", "DROP MEASUREMENT")


@dataclass(frozen=True)
class Statement:
    """One statement: its text and its words in upper case (quoted ones excepted)."""

    text: str
    words: tuple[str, ...]

    def begins(self, phrase: str) -> bool:
        """Tell whether the statement begins with these words."""
        wanted = tuple(phrase.split())
        return self.words[: len(wanted)] == wanted

    @property
    def refused(self) -> str | None:
        """Return what InfluxDB 2 calls the statement when it has none such, None when it has."""
        if self.words[:1] == ("SELECT",) and "INTO" in self.words:
            return "SELECT INTO"
        for phrase, name in _REFUSED.items():
            if self.begins(phrase):
                everything = phrase in ("GRANT", "REVOKE") and "ON" not in self.words
                return f"{name} ALL" if everything else name
        return None

    @property
    def deletes(self) -> bool:
        """Tell whether the statement deletes points."""
        return any(self.begins(phrase) for phrase in _DELETING)

    @property
    def names_a_database(self) -> bool:
        """Tell whether a measurement may be qualified with a database."""
        return "." in self.words


def split(query: str) -> list[Statement]:
    """Return the query's statements; empty ones are left out."""
    statements = []
    start, words = 0, list[str]()
    for token in [*_TOKEN.finditer(query), None]:
        if token is not None and token[0] != ";":
            text = token[0]
            if not text.startswith(("'", '"', "--", "/*")):
                words.append(text.upper())
            continue
        end = token.start() if token else len(query)
        if words or query[start:end].strip():
            statements.append(Statement(query[start:end].strip(), tuple(words)))
        start, words = (token.end() if token else end), []
    return statements
