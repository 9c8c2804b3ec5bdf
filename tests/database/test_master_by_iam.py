"""A master user that Aurora lets in with a token of IAM only."""

import pytest
from localaws.postgres import PostgresData
from pydantic import SecretStr
from tests.postgres.client import MASTER, PASSWORD
from tests.postgres.conftest import cluster, data

from chalicelib.database.errors import AuthenticationMethodError
from chalicelib.database.restored_database import Database, Endpoint, Login

__all__ = ["cluster", "data"]


def test_a_master_that_logs_in_by_iam_is_asked_for_a_token(
    data: PostgresData, cluster: str
) -> None:
    """No password opens a cluster whose master logs in by IAM until the master is switched back to
    one.
    """
    place, master = Endpoint(*data.endpoint(cluster), tls="off"), Login(MASTER, SecretStr(PASSWORD))
    data.set_master_authentication(cluster, MASTER, by_iam=True)
    with pytest.raises(AuthenticationMethodError, match="another proof than a password"):
        Database(place, master, "shop").try_login(master)
    data.set_master_authentication(cluster, MASTER, by_iam=False)

    assert Database(place, master, "shop").try_login(master)
