"""What a cluster does by itself, and the foreign tables through which it reads other servers.

The catalogs tell the first; the second is tried, since only a read shows that a way is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from demo.databases import DatabaseLogin, connect, databases

_COUNTS: Final = """
SELECT 'prepared-transactions', count(*) FROM pg_prepared_xacts WHERE database = current_database()
UNION ALL
SELECT 'event-triggers', count(*) FROM pg_event_trigger WHERE evtenabled <> 'D'
UNION ALL
SELECT 'subscriptions', count(*) FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid
 WHERE datname = current_database()
UNION ALL
SELECT 'user-mappings', count(*) FROM pg_user_mappings
UNION ALL
SELECT 'foreign-servers', count(*) FROM pg_foreign_server CROSS JOIN pg_options_to_table(srvoptions)
 WHERE option_name = 'host' AND option_value NOT LIKE '/%'
"""
_FOREIGN_TABLES: Final = """
SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE relkind = 'f' ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Activity:
    """What a cluster does by itself, counted by kind, and the foreign tables that can be read."""

    counts: dict[str, int] = field(default_factory=dict)
    read: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """List the counts: `1 event trigger, 2 user mappings`."""
        kinds = (f"{count} {kind_in_words(kind, count)}" for kind, count in self.counts.items())
        return ", ".join(kinds)


def kind_in_words(kind: str, count: int) -> str:
    """Spell a kind as people read it, for one and for several."""
    words = kind.replace("-", " ")
    return words.removesuffix("s") if count == 1 else words


def observe_activity(logins: Sequence[DatabaseLogin], database: str) -> Activity:
    """Read every database's catalogs by the first login, and its foreign tables by each."""
    counts: dict[str, int] = {}
    read: list[str] = []
    for name in databases(logins[0], database):
        for kind, count in _query(logins[0], name, _COUNTS):
            if count:
                counts[kind] = counts.get(kind, 0) + count
        tables = _query(logins[0], name, _FOREIGN_TABLES)
        read += [
            f"{name}.{'.'.join(table)}"
            for table in tables
            if any(_reads(login, name, table) for login in logins)
        ]
    return Activity(counts, tuple(read))


def _query(login: DatabaseLogin, database: str, query: str) -> list[tuple[Any, ...]]:
    with connect(login, database) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _reads(login: DatabaseLogin, database: str, table: tuple[str, ...]) -> bool:
    """Try to read one row through a foreign table."""
    query = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(*table))
    try:
        with connect(login, database) as connection, connection.cursor() as cursor:
            cursor.execute(query)
    except psycopg2.Error:
        return False
    return True
