"""What a client knows of a cluster: endpoint, user and password."""

from contextlib import closing
from typing import Any

import psycopg2
from localaws.postgres import PostgresData

MASTER = "master"
PASSWORD = "Production-Master-1"
PORT = 15999


def make(data: PostgresData, resource_id: str) -> None:
    """Make an empty cluster with the database shop."""
    data.place(resource_id, name=resource_id, port=PORT)
    data.create_cluster(
        resource_id, master_username=MASTER, master_password=PASSWORD, database_name="shop"
    )


class Client:
    """Somebody who knows an endpoint, a user and a password."""

    def __init__(
        self, data: PostgresData, resource_id: str, user: str = MASTER, password: str = PASSWORD
    ) -> None:
        self._host, self._port = data.endpoint(resource_id)
        self._user, self._password = user, password

    def __call__(self, statement: str, database: str = "shop") -> list[Any]:
        """Run SQL in a session of its own; return its rows."""
        connection = psycopg2.connect(
            host=self._host,
            port=self._port,
            user=self._user,
            password=self._password,
            dbname=database,
        )
        with closing(connection), connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
