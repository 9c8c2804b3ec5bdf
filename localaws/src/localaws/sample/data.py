"""What production's two databases hold, put there through SQL.

Everything is done as the master user, who is no superuser on RDS: it grants itself an owner's role
while it acts as one.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from psycopg2.sql import SQL, Composed, Literal

from localaws.sample.passwords import ProductionPasswords
from localaws.sample.sql_client import SqlClient

LEDGER: Final = "ledger"  # production's other database
_FOLDER: Final = Path(__file__).parent
_READER: Final = "reporting"  # who may read the other database
_LOADER: Final = "etl"


def make_logins(master: SqlClient, passwords: ProductionPasswords) -> None:
    """Give production its login roles."""
    for name, password in passwords.logins.items():
        master.ensure_login(name, password)


def fill(master: SqlClient) -> None:
    """Fill production's two databases as they were on the earlier night."""
    master.create_database(LEDGER)
    master.run((_FOLDER / "production.sql").read_text())
    master.run((_FOLDER / "ledger.sql").read_text(), LEDGER)


def add_newer_rows(master: SqlClient) -> None:
    """Write what production has got since the earlier night."""
    master.run((_FOLDER / "production_since.sql").read_text())


def outward_connections(master: SqlClient, passwords: ProductionPasswords) -> Composed:
    """Write the SQL by which production acts by itself and reaches out, here to its other database.

    The copy must not do the same: these are what a restore has to stop.
    """
    login = {"username": _READER, "password": passwords.logins[_READER]}
    place = {"host": master.host, "port": str(master.port), "database": LEDGER}
    publisher = (
        f"host={master.host} port={master.port} dbname={LEDGER} "
        f"user={_READER} password={login['password']}"
    )
    values = {**place, **login, "publisher": publisher}
    literals = {name: Literal(value) for name, value in values.items()}
    return SQL((_FOLDER / "production_reach.sql").read_text()).format(**literals)


def prepare_transaction(master: SqlClient, passwords: ProductionPasswords) -> None:
    """Leave a transaction prepared, as a load that somebody interrupted does."""
    loader = replace(master, username=_LOADER, password=passwords.logins[_LOADER])
    loader.run_autocommit(
        "BEGIN; INSERT INTO catalog.products (sku, title, price) "
        "VALUES ('SKU-LOADING', 'Not there yet', 1); "
        "PREPARE TRANSACTION 'load-of-the-night'"
    )
