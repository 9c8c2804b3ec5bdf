"""SCRAM verifiers and which passwords may become one."""

import pytest

from chalicelib.database import scram
from chalicelib.database.names import check_password
from chalicelib.database.restored_database import Login
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import Server, login

# The example conversation of RFC 7677, section 3.
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
CLIENT_FIRST = "n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = f"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s={SALT},i=4096"


def test_the_scram_proof_is_the_one_of_the_standard() -> None:
    """The example of RFC 7677 gives the proof and the server's signature that it prints."""
    shown = scram.proof("pencil", client_first=CLIENT_FIRST, server_first=SERVER_FIRST)

    assert shown.message.endswith(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert shown.server_signature == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_challenge_to_somebody_else_is_not_answered() -> None:
    """A server nonce that does not begin with ours is an error, not an answer."""
    with pytest.raises(ValueError, match="does not answer"):
        scram.proof("pencil", client_first="n=,r=other", server_first=SERVER_FIRST)


def test_every_verifier_has_its_own_salt() -> None:
    """The same password is never stored as the same text twice."""
    assert scram.verifier("pencil") != scram.verifier("pencil")


def test_postgresql_takes_the_verifier_for_the_password(server: Server) -> None:
    """A role that was given the verifier logs in with the password."""
    server.query(f"CREATE ROLE writer LOGIN PASSWORD '{scram.verifier('Correct horse ~1')}'")
    found = server.query("SELECT current_user", as_user=login("writer", "Correct horse ~1"))

    assert [("writer",)] == found


@pytest.mark.parametrize("password", ["", "pässword", "tab\there", "nul\0"])
def test_passwords_that_drivers_prepare_differently_are_refused(password: str) -> None:
    """Only printable ASCII goes through every driver unchanged.

    The sentence says so and hides the password.
    """
    with pytest.raises(RefusedError, match="printable ASCII") as refusal:
        check_password(login("app", password))

    assert not password or password not in str(refusal.value)


def test_a_login_does_not_show_its_password() -> None:
    """What ends up in a log line by accident holds no password."""
    assert "Secret-1" not in repr(login("app", "Secret-1"))
    assert isinstance(login("app", "Secret-1"), Login)
