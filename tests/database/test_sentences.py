"""What people read of a set-up: statements that can be run as they are, and lists that say how much
they leave out.
"""

import pytest

from chalicelib.database.errors import LoginResult, login_error
from chalicelib.database.names import quote_identifier
from chalicelib.database.restored_database import Endpoint
from chalicelib.database.verification import UNTRIED_MAX, Verification
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.text_limits import first_few
from tests.database.postgres_server import Server

NAMES = ["shop", "_a1", "Shop", "my shop", 'o"brien', "user", "order", "1st", "naïve", "", "a-b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_quoted_where_sql_needs_it(server: Server, name: str) -> None:
    """PostgreSQL writes an identifier that people can run in the same way."""
    ((written,),) = server.query(f"SELECT quote_ident($name${name}$name$)")

    assert written == quote_identifier(name)


def test_a_word_that_is_no_name_without_quotes_is_quoted(server: Server) -> None:
    """PostgreSQL itself says which keywords cannot name a database: the reserved ones, and those of
    functions and types.
    """
    words = server.query("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    unquoted = [word for (word,) in words if quote_identifier(word) == word]

    assert len(words) > 90
    assert [] == unquoted


def test_a_statement_in_a_remedy_names_roles_and_databases_in_quotes() -> None:
    """A database called "my shop" is granted as it is spelt, and one called shop stays readable."""
    endpoint = Endpoint("staging", 5432)
    denied = LoginResult("42501", password_requested=True)
    remedies = [
        error.remedy
        for user, database in (('o"brien', "my shop"), ("reporter", "shop"))
        if isinstance(error := login_error(denied, endpoint, user, database), RefusedError)
    ]
    expected = [
        'In production, run GRANT CONNECT ON DATABASE "my shop" TO "o""brien".',
        "In production, run GRANT CONNECT ON DATABASE shop TO reporter.",
    ]

    assert expected == remedies


def test_a_short_list_is_complete_and_a_long_one_is_counted() -> None:
    """A list that is cut says how many more there are."""
    names = [f"role{number}" for number in range(7)]

    assert "role0, role1" == first_few(names[:2])
    assert "role0, role1, role2, role3, role4 and 2 more" == first_few(names)


@pytest.mark.parametrize(
    ("count", "end"), [(UNTRIED_MAX, "not tried: database 4"), (8, "not tried either: 3 more")]
)
def test_untried_checks_are_listed_or_counted(count: int, end: str) -> None:
    """The trail has the first few sentences and the number of the others."""
    untried = tuple(f"database {number}." for number in range(count))
    summary = Verification(("app_user logs in.",), untried).summary

    assert summary.startswith("1 proof of what the users may do; not tried: database 0; ")
    assert summary.endswith(end)
