"""A client that queries the target all the time, as an application does that people use.

Each query has a connection of its own: to the address that the application secret has then, or
else to the one that the target's endpoint had before the night. It tells the data of an earlier
night from the snapshot's by one statement.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import psycopg2
from psycopg2 import sql

from demo.databases import DatabaseLogin, TableContent, connect
from demo.inspection import STALE_TABLE

QUERY_SECONDS: Final = 0.2
CONNECT_SECONDS_MAX: Final = 2
_OF_TABLE: Final = """
SELECT EXISTS (SELECT FROM pg_class WHERE relkind = 'r' AND relname = {marker}),
       count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text
  FROM {table} t
"""
_WITHOUT_TABLE: Final = """
SELECT EXISTS (SELECT FROM pg_class WHERE relkind = 'r' AND relname = {marker}), 0, ''
"""


@dataclass(frozen=True)
class Answer:
    """What a query sees: whether the mark of an earlier night is there, and a table's content."""

    is_stale: bool
    content: TableContent


@dataclass(frozen=True)
class Question:
    """What the client asks, and the two answers that are whole: yesterday's and the snapshot's."""

    database: str
    table: tuple[str, str] | None  # schema and name; None where no table is in both clusters
    stale: Answer
    fresh: Answer

    @property
    def statement(self) -> sql.Composed:
        """Write it as SQL."""
        text = _OF_TABLE if self.table else _WITHOUT_TABLE
        table = sql.Identifier(*(self.table or (STALE_TABLE,)))
        return sql.SQL(text).format(marker=sql.Literal(STALE_TABLE), table=table)


@dataclass(frozen=True)
class Reading:
    """An answer, and when it came."""

    at: datetime
    answer: Answer


def choose_question(
    database: str, source: Mapping[str, TableContent], target: Mapping[str, TableContent]
) -> Question:
    """Ask for the smallest table of both clusters, and for one that differs, where there is one."""
    both = [
        key
        for key, content in source.items()
        if key.startswith(f"{database}.")
        and key in target
        and content.is_whole
        and target[key].is_whole
    ]
    both.sort(key=lambda key: (source[key] == target[key], source[key].rows))
    if not both:
        nothing = TableContent(0, "")
        return Question(database, None, Answer(True, nothing), Answer(False, nothing))
    _, schema, name = both[0].split(".", 2)
    stale, fresh = Answer(True, target[both[0]]), Answer(False, source[both[0]])
    return Question(database, (schema, name), stale, fresh)


class SteadyClient:
    """A client at work in the background: a context manager."""

    def __init__(self, login: Callable[[], DatabaseLogin], question: Question) -> None:
        """Take what is read before each connection, and what is asked."""
        self._login, self._question = login, question
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.asked = 0
        self.readings: list[Reading] = []
        self.began = self.ended = datetime.now(UTC)

    def __enter__(self) -> Self:
        """Begin to query."""
        self.began = datetime.now(UTC)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop after the query that is under way."""
        self._stop.set()
        self._thread.join()
        self.ended = datetime.now(UTC)

    def _work(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + QUERY_SECONDS
            self._ask()

    def _ask(self) -> None:
        self.asked += 1
        database = self._question.database
        try:
            with (
                connect(self._login(), database, CONNECT_SECONDS_MAX) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(self._question.statement)
                is_stale, rows, checksum = cursor.fetchone()
        except psycopg2.Error:
            return
        answer = Answer(is_stale, TableContent(rows, checksum))
        self.readings.append(Reading(datetime.now(UTC), answer))
