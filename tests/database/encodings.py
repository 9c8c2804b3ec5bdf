"""Databases in other encodings than UTF-8, and a role whose name is no text in UTF-8."""

from contextlib import closing, suppress

import psycopg2
import psycopg2.errors

from tests.database.postgres_server import MASTER, Server

CAFE = "café".encode("latin-1")
ROLE = b'"%s"' % CAFE
BOOKS = b'"%s"' % "bücher".encode("latin-1")
LOGIN = b"CREATE ROLE %s LOGIN PASSWORD 'Production-1'" % ROLE
OWNS = """
DO $$ BEGIN
  EXECUTE (SELECT format('CREATE SCHEMA theirs AUTHORIZATION %I', rolname)
             FROM pg_roles
            WHERE rolname ~ '^caf');
END $$
"""


def make_database(server: Server, encoding: str) -> str:
    """Have the master make a database beside the others; returns its name."""
    name = encoding.lower()
    create = (
        f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE "
        "template0"
    )
    server.query(create, as_user=MASTER)
    return name


def say(server: Server, statement: bytes, database: str) -> None:
    """Have the master say bytes in a database that takes them as they are."""
    where = {"host": server.address, "port": server.port, "dbname": database}
    who = {"user": MASTER.username, "password": MASTER.secret, "client_encoding": "SQL_ASCII"}
    with closing(psycopg2.connect(**where, **who)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def make_owner(server: Server, database: str) -> None:
    """Let a role whose name is said in another database own a schema in shop."""
    say(server, LOGIN, database)
    server.query(OWNS, database="shop")


def rename(server: Server, database: str) -> None:
    """Do what the remedy says, in the database where the role's name can be said."""
    with server.postgres.session(database) as cursor:
        cursor.execute(b"ALTER ROLE %s RENAME TO cafe" % ROLE)


def forget(server: Server, database: str) -> None:
    """Drop the other database.

    Give the role, where it is there, a name that can be said when everything is cleaned.
    """
    say(server, b"DROP DATABASE IF EXISTS %s" % BOOKS, database)
    with suppress(psycopg2.errors.UndefinedObject):
        rename(server, database)
