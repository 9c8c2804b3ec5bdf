"""A file of SQL is divided where psql divides it, and every piece together is the file."""

from pathlib import Path

import pytest
from localaws.postgres.dumps import survey
from localaws.postgres.statements import Piece, PieceKind, read_pieces


def pieces(tmp_path: Path, text: str | bytes) -> list[Piece]:
    """Read a file with this text."""
    file = tmp_path / "some.sql"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_pieces(file))


def statements(tmp_path: Path, text: str | bytes) -> list[str]:
    """Return the statements without the space around them."""
    found = [
        piece
        for piece in pieces(tmp_path, text)
        if piece.kind is PieceKind.STATEMENT and piece.tokens
    ]
    return [piece.raw.decode("utf-8", "replace").strip() for piece in found]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a;b' || 'it''s;' || E'\\';';",
        'SELECT "a;""b";',
        "SELECT $$;$$ || $_$ $$; $_$;",
        "SELECT 1 /* ; /* ; */ ; */ + 2;",
        "SELECT 1 -- ; '\n+ 2;",
        "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);",
        (
            "CREATE FUNCTION f() RETURNS int "
            "BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;"
        ),
        "INSERT INTO t VALUES ('a;', E'\\';', $$;$$, \"f\"(-1)) -- ;\n;",
        "SELECT U&'\\0061;' || U&\"b;\";",
        "SELECT 1 \\; SELECT 2;",
        "SELECT a$b$ FROM c$;",
    ],
)
def test_a_semicolon_ends_a_statement_only_where_psql_says(tmp_path: Path, statement: str) -> None:
    """A semicolon ends a statement only outside strings, names, comments, parentheses and function
    bodies.
    """
    assert [statement, "SELECT 'next';"] == statements(tmp_path, f"{statement}\nSELECT 'next';\n")


def test_an_insert_of_many_rows_is_one_statement(tmp_path: Path) -> None:
    """However many values a statement has, its parentheses and strings are followed to its end."""
    rows = ",\n".join(f"({number}, 'a;', f(\"q;\"), E'\\';')" for number in range(3_000))
    statement = f"INSERT INTO t VALUES {rows};"

    assert [statement, "SELECT 'next';"] == statements(tmp_path, f"{statement}\nSELECT 'next';\n")


def test_backslashes_escape_in_strings_once_a_dump_says_so(tmp_path: Path) -> None:
    """Dumps of servers with standard_conforming_strings off are written that way."""
    text = (
        "SET standard_conforming_strings = off;\nSELECT 'it\\';';\nINSERT INTO t VALUES ('\\';');\n"
    )

    assert text.splitlines() == statements(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "COPY t FROM stdin;\nno; \\x\n\\.\nSELECT 1;",
        "COPY t FROM stdin;\r\n1\r\n\\.\r\nSELECT 1;\r\n",
        "COPY t FROM stdin;\nwithout an end",
        "SELECT 'without an end;\n",
        "/* without an end",
        "SELECT $a$ without an end",
        "\\connect one\n\\!\n",
        b"SELECT '\xff\x00\xfe';",
        "INSERT INTO t VALUES ('without an end",
        "INSERT INTO t VALUES (e",
    ],
)
def test_all_pieces_together_are_the_file(tmp_path: Path, text: str | bytes) -> None:
    """All pieces together are the file, whatever is in it."""
    expected = text if isinstance(text, bytes) else text.encode()

    assert expected == b"".join(piece.raw for piece in pieces(tmp_path, text))


def test_rows_are_no_statements(tmp_path: Path) -> None:
    """Rows are no statements, and a line of rows that looks like a statement ends none."""
    text = "COPY public.t (a)\n  FROM stdin;\nGRANT x TO y;\n\\\\.\n\\.\n\\connect one\n"
    read = pieces(tmp_path, text)
    found = [piece.kind for piece in read if piece.raw.strip()]

    assert [PieceKind.STATEMENT, PieceKind.ROWS, PieceKind.COMMAND] == found
    assert 6 == next(piece.line for piece in read if piece.kind is PieceKind.COMMAND)


@pytest.mark.parametrize(
    ("statement", "roles"),
    [
        (
            'CREATE POLICY p ON t TO support, "Night Shift" USING (a SIMILAR TO b);',
            {"support", "Night Shift"},
        ),
        ("ALTER POLICY p ON t TO support;", {"support"}),
        ("ALTER POLICY p ON t RENAME TO q;", set()),
        (
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE a, b IN SCHEMA s GRANT SELECT ON TABLES TO c, "
                "PUBLIC;"
            ),
            {"a", "b", "c"},
        ),
        ("ALTER DEFAULT PRIVILEGES FOR USER a REVOKE ALL ON FUNCTIONS FROM b;", {"a", "b"}),
        ("CREATE USER MAPPING IF NOT EXISTS FOR a SERVER s OPTIONS (\"user\" 'b');", {"a"}),
        ("CREATE USER MAPPING FOR PUBLIC SERVER s;", set()),
        ("ALTER USER MAPPING FOR a SERVER s OPTIONS (SET password 'x');", {"a"}),
        (
            (
                "GRANT SELECT (x), UPDATE\n-- to x\nON TABLE t\nTO /* or */ a,\n  GROUP b\n"
                "GRANTED BY c;"
            ),
            {"a", "b", "c"},
        ),
        ('GRANT SELECT ON TABLE "x TO y" TO a;', {"a"}),
        ("GRANT a, b TO c WITH ADMIN OPTION GRANTED BY d;", {"a", "b", "c", "d"}),
        ("REVOKE ADMIN OPTION FOR a FROM b CASCADE;", {"a", "b"}),
        ("REVOKE ALL ON SCHEMA public FROM PUBLIC, a;", {"a"}),
        ("ALTER TABLE ONLY t\n  OWNER TO A;", {"a"}),
        ("ALTER TABLE t OWNER TO CURRENT_USER;", set()),
        ("CREATE SCHEMA AUTHORIZATION a;", {"a"}),
        ("CREATE SCHEMA IF NOT EXISTS s AUTHORIZATION a;", {"a"}),
        ("CREATE DATABASE d OWNER = a ENCODING 'UTF8';", {"a"}),
        ("ALTER ROLE a IN DATABASE d SET search_path TO s;", {"a"}),
        ("ALTER ROLE ALL SET search_path TO s;", set()),
        ("CREATE ROLE a IN ROLE b, c ADMIN d;", {"b", "c", "d"}),
        ("COMMENT ON ROLE a IS 'x';", {"a"}),
        ("SET SESSION AUTHORIZATION 'a';", {"a"}),
        ("SET ROLE TO a;", {"a"}),
        ("REASSIGN OWNED BY a TO b;", {"a", "b"}),
        ("SELECT 'GRANT a TO b;';", set()),
        (
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\nALTER TABLE t OWNER TO a;\n$$;",
            set(),
        ),
        ("COPY t FROM stdin;\nGRANT a TO b;\n\\.\n", set()),
        ("/*\nALTER TABLE t OWNER TO a;\n*/", set()),
        ("INSERT INTO t VALUES ('\nCREATE ROLE a;\nGRANT a TO b;');", set()),
    ],
)
def test_every_way_of_naming_a_role_is_known(
    tmp_path: Path, statement: str, roles: set[str]
) -> None:
    """Each way of naming a role is known, and no text, comment or row names one."""
    (tmp_path / "some.sql").write_text(statement)

    assert roles == survey(tmp_path / "some.sql").roles


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("LATIN1", "latin-1"),
        ("win1252", "cp1252"),
        ("EUC_JP", "euc_jp"),
        ("UNICODE", "utf-8"),
        ("SQL_ASCII", "utf-8"),
        ("hex", "utf-8"),
    ],
)
def test_a_role_s_name_is_read_in_the_dump_s_encoding(
    tmp_path: Path, encoding: str, codec: str
) -> None:
    """A role's name is read in the dump's encoding, as the server will read it."""
    name = "\u5c71" if codec == "euc_jp" else "j\xfcrgen"
    text = f"SET client_encoding = '{encoding}';\nGRANT SELECT ON t TO {name};"
    (tmp_path / "some.sql").write_bytes(text.encode(codec))

    assert {name} == survey(tmp_path / "some.sql").roles
