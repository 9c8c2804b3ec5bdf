"""What can be granted in one database: a question to its catalog, and how GRANT names an object."""

from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

PARAMETERS_ARE_GRANTED = 150_000  # from this server_version on, GRANT … ON PARAMETER


class GrantableObject(NamedTuple):
    """A database, schema, table (or view), sequence, routine, large object, or of a rarer kind.

    `signature` is how GRANT tells a routine from others of its name, with its parentheses, as the
    server wrote it.
    """

    kind: str
    schema: str | None
    name: str
    signature: str
    word: str  # which GRANT uses for it

    @property
    def identity(self) -> Composable:
        """How GRANT names it."""
        if self.kind == "LARGE OBJECT":
            return SQL(str(int(self.name)))
        if self.kind == "PARAMETER":
            return Identifier(*self.name.split("."))
        path = Identifier(self.name) if self.schema is None else Identifier(self.schema, self.name)
        return path + SQL(self.signature)

    def __str__(self) -> str:
        name = self.name if self.schema is None else f"{self.schema}.{self.name}"
        return f"{self.word.lower()} {name}{self.signature}"


_OF_EXTENSION = """
EXISTS (SELECT
          FROM pg_catalog.pg_depend
         WHERE classid = 'pg_catalog.{0}'::pg_catalog.regclass
           AND objid = {0}.oid
           AND deptype = 'e')
"""
# An aggregate's functions are called with the rights of the aggregate's owner (PostgreSQL
# documentation, CREATE AGGREGATE), so whoever may call it calls a SECURITY DEFINER function among
# them.
_RUNS_AS_OWNER = """
(prosecdef OR EXISTS
  (SELECT
     FROM pg_catalog.pg_aggregate
     JOIN pg_catalog.pg_proc AS part ON part.prosecdef
      AND part.oid IN (aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn,
                       aggmtransfn, aggminvtransfn, aggmfinalfn)
    WHERE aggfnoid = pg_proc.oid))
"""
# GRANT names a procedure with the modes of its arguments, and a function by their types alone.
_SIGNATURE = """
'(' || CASE prokind
         WHEN 'p' THEN pg_catalog.pg_get_function_identity_arguments(pg_proc.oid)
         ELSE pg_catalog.array_to_string(
                ARRAY(SELECT pg_catalog.format_type(type, NULL)
                        FROM pg_catalog.unnest(proargtypes) WITH ORDINALITY AS argument(type, place)
                       ORDER BY place),
                ', ')
       END || ')'
"""
# Only a superuser makes a routine in C: one that belongs to no extension was taken out of one.
_IN_C = "prolang = (SELECT oid FROM pg_catalog.pg_language WHERE lanname = 'c')"

OBJECTS = f"""
schema AS (
  SELECT oid, nspname, nspowner, nspacl, {_OF_EXTENSION.format("pg_namespace")} AS extension
    FROM pg_catalog.pg_namespace
   WHERE NOT pg_catalog.starts_with(nspname, 'pg_') AND nspname <> 'information_schema'),
relation AS (
  SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
         nspname, relname, pg_class.oid, relowner, relacl AS acl,
         extension OR {_OF_EXTENSION.format("pg_class")} AS extension, relnamespace
    FROM pg_catalog.pg_class
    JOIN schema ON schema.oid = relnamespace
   WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')),
routine AS (
  SELECT nspname, proname, pg_proc.oid, proowner, proacl, {_RUNS_AS_OWNER} AS definer,
         CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS word,
         {_SIGNATURE} AS signature,
         extension OR {_OF_EXTENSION.format("pg_proc")} OR {_IN_C} AS extension, pronamespace
    FROM pg_catalog.pg_proc
    JOIN schema ON schema.oid = pronamespace),
object AS (
  SELECT 'DATABASE' AS kind, NULL AS schema, datname::pg_catalog.text AS name, '' AS signature,
         'DATABASE' AS word, oid, datdba AS owner,
         coalesce(datacl, pg_catalog.acldefault('d', datdba)) AS acl,
         false AS definer, false AS extension, 0::pg_catalog.oid AS within
    FROM pg_catalog.pg_database
   WHERE datname = pg_catalog.current_database()
  UNION ALL
  SELECT 'SCHEMA', NULL, nspname, '',
         'SCHEMA', oid, nspowner,
         coalesce(nspacl, pg_catalog.acldefault('n', nspowner)),
         false, extension, 0
    FROM schema
  UNION ALL
  SELECT kind, nspname, relname, '',
         kind, oid, relowner,
         acl,
         false, extension, relnamespace
    FROM relation
  UNION ALL
  SELECT 'ROUTINE', nspname, proname, signature,
         word, oid, proowner,
         coalesce(proacl, pg_catalog.acldefault('f', proowner)),
         definer, extension, pronamespace
    FROM routine)
"""  # noqa: S608 (composed of this module's own constants)
"""Databases, schemas, relations and routines: owner, ACL (columns' are apart), schema (`within`).

The system's own schemas are left out: they are PostgreSQL's and RDS's.
"""

_RARER = """
SELECT 'LARGE OBJECT' AS kind, NULL AS schema, oid::pg_catalog.text AS name, '' AS signature,
       'LARGE OBJECT' AS word, oid, lomowner AS owner, lomacl AS acl,
       false AS definer, false AS extension, 0::pg_catalog.oid AS within
  FROM pg_catalog.pg_largeobject_metadata
 WHERE lomacl IS NOT NULL
UNION ALL
SELECT 'TYPE', nspname, typname, '',
       'TYPE', pg_type.oid, typowner, coalesce(typacl, pg_catalog.acldefault('T', typowner)),
       false, false, 0
  FROM pg_catalog.pg_range
  JOIN pg_catalog.pg_type ON pg_type.oid = rngtypid
  JOIN pg_catalog.pg_namespace ON pg_namespace.oid = typnamespace
  JOIN pg_catalog.pg_proc ON pg_proc.oid IN (rngsubdiff, rngcanonical) AND prosecdef
UNION ALL
SELECT 'FOREIGN DATA WRAPPER', NULL, fdwname, '',
       'FOREIGN DATA WRAPPER', oid, fdwowner, fdwacl,
       false, true, 0
  FROM pg_catalog.pg_foreign_data_wrapper
 WHERE fdwacl IS NOT NULL
UNION ALL
SELECT 'FOREIGN SERVER', NULL, srvname, '',
       'FOREIGN SERVER', oid, srvowner, srvacl,
       false, false, 0
  FROM pg_catalog.pg_foreign_server
 WHERE srvacl IS NOT NULL
UNION ALL
SELECT 'TABLESPACE', NULL, spcname, '',
       'TABLESPACE', oid, spcowner, spcacl,
       false, false, 0
  FROM pg_catalog.pg_tablespace
 WHERE spcacl IS NOT NULL
"""
# Types are among them because an index on a range calls the functions of its type, and PostgreSQL
# asks for nobody's right to call those.
_PARAMETERS = """
UNION ALL
SELECT 'PARAMETER', NULL, parname, '',
       'PARAMETER', oid, 10, paracl,
       false, false, 0
  FROM pg_catalog.pg_parameter_acl
"""  # 10 is the superuser that initdb made: all parameters are its


def rarer_objects(server_version: int) -> str:
    """Return the question for what else may be granted, in the same columns as `object`."""
    return _RARER + (_PARAMETERS if server_version >= PARAMETERS_ARE_GRANTED else "")
