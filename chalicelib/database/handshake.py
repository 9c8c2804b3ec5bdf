"""A login in PostgreSQL's own protocol, to learn the server's error code.

libpq gives a failed connection no SQLSTATE, only a text in the server's language (psycopg2:
`pgcode` is None, seen with libpq 17), and so cannot tell "starting up" from "wrong password". The
server does say the code, in the answer to the first messages of protocol 3.0 (PostgreSQL
documentation, "Message Flow" and "Message Formats"). So a login is proven here, and a connection
that psycopg2 cannot make is asked for again here, to know why.
"""

import base64
import hashlib
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from chalicelib.database import scram
from chalicelib.database.encoding import decode, encode
from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.errors import (
    SUCCESSFUL_COMPLETION,
    AuthenticationMethodError,
    CertificateNameError,
    DatabaseUnavailableError,
    LoginResult,
)
from chalicelib.flow.errors import RefusedError

PROTOCOL_3_0 = 196608
SSL_REQUEST = 80877103
MESSAGE_BYTES_MAX = 65_536  # no message before the first query is longer
OK, MD5, SASL, SASL_CONTINUE, SASL_FINAL = 0, 5, 10, 11, 12  # authentication requests we answer
# X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH (OpenSSL, X509_STORE_CTX_get_error).
OTHER_NAME = (62, 64)
LENGTH_BYTES = 4  # a message's length counts itself
# No route, no answer in time; hung up; a message that is none of PostgreSQL's.
_NO_ANSWER = (OSError, EOFError, ValueError, struct.error)


def attempt_login(endpoint: Endpoint, login: Login, database: str) -> LoginResult:
    """Try to log in and leave again.

    DatabaseUnavailableError when nobody answers, RefusedError when the answer does not prove who
    gives it.
    """
    with _channel(endpoint) as channel:
        return LoginExchange(channel, endpoint, login).log_in(database)


def reach(endpoint: Endpoint) -> None:
    """Connect, have the server prove its identity where TLS is on, and leave without a login.

    Raises as `attempt_login`.
    """
    with _channel(endpoint):
        return


@contextmanager
def _channel(endpoint: Endpoint) -> Iterator[socket.socket]:
    try:
        address = endpoint.host, endpoint.port
        with (
            socket.create_connection(address, endpoint.connect_timeout_seconds) as plain,
            _secured(plain, endpoint) as channel,
        ):
            yield channel
    except ssl.SSLCertVerificationError as error:
        kind = CertificateNameError if error.verify_code in OTHER_NAME else RefusedError
        raise kind(
            f"The certificate of {endpoint} does not prove that it is {endpoint.host}: "
            f"{error.verify_message.rstrip('.')}.",
            "Refresh chalicelib/rds-ca-bundle.pem (make refresh-roots), deploy, and connect to the "
            "cluster's own endpoint name.",
        ) from error
    except socket.gaierror as error:
        raise DatabaseUnavailableError(f"The name {endpoint.host} has no address.") from error
    except _NO_ANSWER as error:
        raise DatabaseUnavailableError(
            f"PostgreSQL at {endpoint} does not answer ({type(error).__name__})."
        ) from error


def _secured(plain: socket.socket, endpoint: Endpoint) -> socket.socket:
    """Return `plain` itself, or TLS on it, verified as the endpoint has it."""
    if endpoint.tls == "off":
        return plain
    plain.sendall(struct.pack("!ii", 8, SSL_REQUEST))
    if _exactly(plain, 1) != b"S":
        raise RefusedError(
            f"PostgreSQL at {endpoint} speaks no TLS, so nothing proves who it is.",
            "Connect to the cluster's own endpoint; only a stage on one machine may set TLS off.",
        )
    # Not create_default_context: its strict flag (Python 3.13) refuses chains that libpq accepts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(endpoint.roots)
    context.check_hostname = endpoint.tls == "verify-full"
    return context.wrap_socket(plain, server_hostname=endpoint.host)


class LoginExchange:
    """One login over an open socket."""

    def __init__(self, channel: socket.socket, endpoint: Endpoint, login: Login) -> None:
        self._channel, self._endpoint, self._login = channel, endpoint, login
        self._password_requested = self._password_verified = False
        self._client_first = f"n=,r={base64.b64encode(os.urandom(18)).decode()}"
        self._server_signature = ""

    def log_in(self, database: str) -> LoginResult:
        """Send the startup message and answer the server's requests until it decides."""
        parameters = ("user", self._login.username, "database", database)
        texts = b"".join(encode(text) + b"\0" for text in parameters)
        self._send(b"", struct.pack("!i", PROTOCOL_3_0) + texts + b"\0")
        while True:
            kind, body = self._receive()
            if kind == b"E":  # ErrorResponse
                return self._result(_sqlstate(body))
            if kind == b"Z":  # ReadyForQuery
                with suppress(OSError):  # whether the server gets the Terminate does not matter
                    self._send(b"X", b"")
                return self._result(SUCCESSFUL_COMPLETION)
            if kind == b"R":  # one of the Authentication messages
                self._reply(struct.unpack("!i", body[:4])[0], body[4:])

    def _result(self, sqlstate: str) -> LoginResult:
        return LoginResult(sqlstate, self._password_requested, self._password_verified)

    def _reply(self, request: int, body: bytes) -> None:
        """Answer an authentication request.

        RefusedError for one that would prove nothing or give the password away.
        """
        if request == OK:
            self._refuse_unless(
                self._password_requested,
                "lets anybody in without a password",
                "Demand SCRAM in pg_hba.conf.",
            )
        elif request == MD5:
            self._send(b"p", _md5(self._login, body[:4]) + b"\0")
        elif request == SASL:
            first = f"n,,{self._client_first}".encode()
            self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif request == SASL_CONTINUE:
            self._prove(body.decode())
        elif request == SASL_FINAL:
            known = body.decode() == f"v={self._server_signature}"
            self._refuse_unless(
                known, "does not know the password's verifier", "Check which server answers there."
            )
        else:  # RDS asks members of rds_iam and rds_ad for a token in clear text
            raise AuthenticationMethodError(
                f"PostgreSQL at {self._endpoint} asks user {self._login.username} for another "
                "proof than a password.",
                f"Take {self._login.username} out of rds_iam and rds_ad, or name another user.",
            )
        self._password_requested = self._password_requested or request != OK
        self._password_verified = request == OK

    def _prove(self, server_first: str) -> None:
        shown = scram.proof(
            self._login.secret, client_first=self._client_first, server_first=server_first
        )
        self._server_signature = shown.server_signature
        self._send(b"p", shown.message.encode())

    def _refuse_unless(self, condition: bool, what: str, remedy: str) -> None:
        if not condition:
            raise RefusedError(f"PostgreSQL at {self._endpoint} {what}.", remedy)

    def _send(self, kind: bytes, body: bytes) -> None:
        self._channel.sendall(kind + struct.pack("!i", len(body) + LENGTH_BYTES) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        kind, length = struct.unpack("!ci", _exactly(self._channel, 5))
        if not LENGTH_BYTES <= length <= MESSAGE_BYTES_MAX:
            raise ValueError("The server's message has an impossible length.")
        return kind, _exactly(self._channel, length - LENGTH_BYTES)


def _exactly(channel: socket.socket, count: int) -> bytes:
    """Read `count` bytes; EOFError when the server hangs up before."""
    received = b""
    while len(received) < count:
        piece = channel.recv(count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received


def _sqlstate(body: bytes) -> str:
    """Take the field C out of an ErrorResponse."""
    fields = {field[:1]: decode(field[1:]) for field in body.split(b"\0") if field}
    return fields.get(b"C", "XX000")


def _md5(login: Login, salt: bytes) -> bytes:
    """Answer the older challenge, which a server sends for a password that it stores as MD5."""
    stored = _md5_hex(login.secret.encode() + encode(login.username))
    return b"md5" + _md5_hex(stored + salt)


def _md5_hex(raw: bytes) -> bytes:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest().encode()
