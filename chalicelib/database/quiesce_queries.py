"""What came with production and acts or reaches out by itself: questions to the catalog.

Each answers with rows of (name, owner, statements that end it, count, whether it belongs to the
whole cluster). All names are qualified, so the catalog answers and not what production may have put
before it.
"""

from collections.abc import Mapping
from typing import Final

from chalicelib.flow.quiesce_kinds import PREPARED_TRANSACTIONS

# A host that is a folder of sockets and is not there: libpq fails at once, asks no name server and
# sends nothing.
NOWHERE: Final = "/cut-off-from-production"
# For foreign data wrappers that know names only: `.invalid` is never resolved (RFC 6761, 6.4).
NOWHERE_BY_NAME: Final = "cut-off-from-production.invalid"
# Since PostgreSQL 16 a subscription's owner who is no superuser may only have a connection string
# with a password in it.
NO_PUBLISHER: Final = f"host={NOWHERE} user=nobody password=none"

_PREPARED: Final = """
SELECT gid, owner, ARRAY[pg_catalog.format('ROLLBACK PREPARED %L', gid)], 1, false
  FROM pg_catalog.pg_prepared_xacts
 WHERE database = pg_catalog.current_database()
"""

# An event trigger that an extension brought runs none of production's code. Whoever owns an
# extension may add a trigger of their own to it, but only a superuser writes functions in C.
_EVENT_TRIGGERS: Final = """
SELECT evtname, rolname,
       ARRAY[pg_catalog.format('ALTER EVENT TRIGGER %I DISABLE', evtname)], 1, false
  FROM pg_catalog.pg_event_trigger
  JOIN pg_catalog.pg_roles ON pg_roles.oid = evtowner
  JOIN pg_catalog.pg_proc ON pg_proc.oid = evtfoid
  JOIN pg_catalog.pg_language ON pg_language.oid = prolang
 WHERE evtenabled <> 'D'
   AND NOT (lanname IN ('c', 'internal')
            AND EXISTS (SELECT
                          FROM pg_catalog.pg_depend
                         WHERE classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
                           AND objid = pg_event_trigger.oid
                           AND deptype = 'e'))
"""

# A logical slot is dropped from its own database (PostgreSQL documentation, "Replication Management
# Functions").
_SLOTS: Final = """
SELECT slot_name, current_user, ARRAY[
         pg_catalog.format(
           'SELECT pg_catalog.pg_terminate_backend(%s, 5000)', coalesce(active_pid, 0)),
         pg_catalog.format('SELECT pg_catalog.pg_drop_replication_slot(%L)', slot_name)],
       1, database IS NULL
  FROM pg_catalog.pg_replication_slots
 WHERE NOT temporary
   AND (database = pg_catalog.current_database() OR database IS NULL)
"""

# DROP asks the publisher to drop the slots of tables that are not copied yet, even without a slot
# of its own: with production's connection string it would change production.
_SUBSCRIPTIONS: Final = f"""
SELECT subname, rolname, ARRAY[
         pg_catalog.format('ALTER SUBSCRIPTION %I DISABLE', subname),
         pg_catalog.format('ALTER SUBSCRIPTION %I CONNECTION %L', subname, '{NO_PUBLISHER}'),
         pg_catalog.format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', subname),
         pg_catalog.format('DROP SUBSCRIPTION %I', subname)],
       1, false
  FROM pg_catalog.pg_subscription
  JOIN pg_catalog.pg_roles ON pg_roles.oid = subowner
  JOIN pg_catalog.pg_database ON pg_database.oid = subdbid
 WHERE datname = pg_catalog.current_database()
"""  # noqa: S608 (composed of this module's own constants)

_USER_MAPPINGS: Final = """
SELECT pg_catalog.format('%s at server %s', coalesce(member.rolname, 'PUBLIC'), mapping.srvname),
       owner.rolname,
       ARRAY[pg_catalog.format(
         'DROP USER MAPPING IF EXISTS FOR %s SERVER %I',
         CASE umuser WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(member.rolname) END,
         mapping.srvname)],
       1, false
  FROM pg_catalog.pg_user_mappings AS mapping
  JOIN pg_catalog.pg_foreign_server ON pg_foreign_server.oid = srvid
  JOIN pg_catalog.pg_roles AS owner ON owner.oid = srvowner
  LEFT JOIN pg_catalog.pg_roles AS member ON member.oid = umuser
"""

_GRANTEE: Final = """
CASE grantee
  WHEN 0 THEN 'PUBLIC'
  ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee))
END
"""
_OTHERS: Final = f"""
(SELECT pg_catalog.string_agg(DISTINCT {_GRANTEE}, ', ')
   FROM pg_catalog.aclexplode({{acl}})
  WHERE grantee <> {{owner}})
"""  # noqa: S608 (composed of this module's own constants)
# The options by which wrappers address a server, and what each is set to; NULL drops it.
_ADDRESSES: Final = f"""
(VALUES ('host', '{NOWHERE}'),
        ('hostaddr', NULL),
        ('service', NULL),
        ('servername', '{NOWHERE_BY_NAME}'),
        ('dbserver', '{NOWHERE_BY_NAME}'),
        ('server', '{NOWHERE_BY_NAME}'),
        ('address', '{NOWHERE_BY_NAME}'),
        ('endpoint', '{NOWHERE_BY_NAME}'),
        ('url', '{NOWHERE_BY_NAME}'))
"""
_FOREIGN_SERVERS: Final = f"""
WITH server AS (
  SELECT srvname, rolname,
         {_OTHERS.format(acl="srvacl", owner="srvowner")} AS others,
         ARRAY(SELECT CASE
                        WHEN option_name IN ('hostaddr', 'service')
                        THEN pg_catalog.format('DROP %I', option_name)
                        ELSE pg_catalog.format('SET %I %L', option_name, nowhere)
                      END
                 FROM pg_catalog.pg_options_to_table(srvoptions)
                 JOIN {_ADDRESSES} AS address(name, nowhere) ON name = option_name
                WHERE option_value IS DISTINCT FROM nowhere) AS changes,
         EXISTS (SELECT
                   FROM pg_catalog.pg_options_to_table(srvoptions)
                  WHERE option_name = 'host') AS has_host,
         EXISTS (SELECT
                   FROM pg_catalog.pg_options_to_table(srvoptions)
                  WHERE option_name IN ('hostaddr', 'service')) AS has_other
    FROM pg_catalog.pg_foreign_server
    JOIN pg_catalog.pg_roles ON pg_roles.oid = srvowner)
SELECT srvname, rolname, pg_catalog.array_remove(ARRAY[
         CASE WHEN others IS NOT NULL THEN
           pg_catalog.format('REVOKE ALL ON FOREIGN SERVER %I FROM %s CASCADE', srvname, others)
         END,
         CASE WHEN changes <> '{{}}' THEN
           pg_catalog.format(
             'ALTER SERVER %I OPTIONS (%s)', srvname,
             pg_catalog.array_to_string(
               changes
               || CASE WHEN has_other AND NOT has_host THEN ARRAY['ADD host ''{NOWHERE}'''] END,
               ', '))
         END], NULL),
       1, false
  FROM server
 WHERE others IS NOT NULL OR changes <> '{{}}'
"""  # noqa: S608 (composed of this module's own constants)

_FOREIGN_DATA_WRAPPERS: Final = f"""
WITH wrapper AS (
  SELECT fdwname, rolname, {_OTHERS.format(acl="fdwacl", owner="fdwowner")} AS others
    FROM pg_catalog.pg_foreign_data_wrapper
    JOIN pg_catalog.pg_roles ON pg_roles.oid = fdwowner)
SELECT fdwname, rolname,
       ARRAY[pg_catalog.format(
         'REVOKE ALL ON FOREIGN DATA WRAPPER %I FROM %s CASCADE', fdwname, others)],
       1, false
  FROM wrapper
 WHERE others IS NOT NULL
"""  # noqa: S608 (composed of this module's own constants)

_MEMBERS: Final = """
SELECT objid
  FROM pg_catalog.pg_depend
  JOIN pg_catalog.pg_extension ON pg_extension.oid = refobjid
 WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
   AND refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
   AND deptype = 'e'
   AND extname IN ({extensions})
"""
# The owner loses the right as well: routines that run as their owner (SECURITY DEFINER) connect
# with it. What an extension makes on RDS may belong to rdsadmin, as the schemas of PostGIS do; then
# only the extension as a whole is the master's to drop (Aurora User Guide, "Upgrading PostgreSQL
# extensions", lets rds_superuser drop and create them).
_DBLINK: Final = f"""
WITH member AS ({_MEMBERS.format(extensions="'dblink'")}),
routine AS (
  SELECT proc.oid, pg_catalog.pg_get_userbyid(proowner) AS owner,
         proc.oid IN (SELECT objid FROM member)
           AND EXISTS (SELECT
                         FROM pg_catalog.pg_roles
                        WHERE pg_roles.oid = proowner AND rolsuper) AS is_rds,
         {_GRANTEE} AS grantee
    FROM pg_catalog.pg_proc AS proc
    JOIN pg_catalog.pg_language ON pg_language.oid = prolang
   CROSS JOIN pg_catalog.aclexplode(coalesce(proacl, pg_catalog.acldefault('f', proowner)))
   WHERE (proc.oid IN (SELECT objid FROM member)
          OR lanname = 'c' AND probin ~ '(^|/)dblink([.]so)?$')
     AND NOT EXISTS (SELECT
                       FROM pg_catalog.pg_roles
                      WHERE pg_roles.oid = grantee AND rolsuper))
SELECT 'functions of dblink', owner,
       ARRAY[pg_catalog.format(
         'REVOKE ALL ON ROUTINE %s FROM %s CASCADE',
         pg_catalog.string_agg(DISTINCT oid::pg_catalog.regprocedure::pg_catalog.text, ', '),
         pg_catalog.string_agg(DISTINCT grantee, ', '))],
       1, false
  FROM routine
 WHERE NOT is_rds
 GROUP BY owner
UNION ALL
SELECT 'extension dblink', pg_catalog.pg_get_userbyid(extowner),
       ARRAY['DROP EXTENSION dblink'], 1, false
  FROM pg_catalog.pg_extension
 WHERE extname = 'dblink' AND EXISTS (SELECT FROM routine WHERE is_rds)
"""  # noqa: S608 (composed of this module's own constants)


def _callers(extensions: str, pattern: str) -> str:
    """Return the question how much of production's code calls these extensions.

    Code counts by its text, or by its dependencies as the catalog has them; what belongs to an
    extension does not. `extensions` are names in quotes, `pattern` is a regular expression.
    """
    return f"""
WITH member AS ({_MEMBERS.format(extensions=extensions)}),
caller AS (
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass AS classid, pg_proc.oid AS objid
    FROM pg_catalog.pg_proc
    JOIN pg_catalog.pg_language ON pg_language.oid = prolang
   WHERE lanname NOT IN ('c', 'internal') AND prosrc ~* '{pattern}'
  UNION
  SELECT classid, objid
    FROM pg_catalog.pg_depend
   WHERE refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
     AND refobjid IN (SELECT objid FROM member)
     AND deptype = 'n')
SELECT 'code', current_user, ARRAY[]::text[], pg_catalog.count(*)::int, false
  FROM caller
 WHERE NOT EXISTS (SELECT
                     FROM pg_catalog.pg_depend AS own
                    WHERE own.classid = caller.classid
                      AND own.objid = caller.objid
                      AND own.deptype = 'e')
HAVING pg_catalog.count(*) > 0
"""  # noqa: S608 (composed of this module's own constants)


QUERIES: Final[Mapping[str, str]] = {
    PREPARED_TRANSACTIONS: _PREPARED,
    "event-triggers": _EVENT_TRIGGERS,
    "replication-slots": _SLOTS,
    "subscriptions": _SUBSCRIPTIONS,
    "user-mappings": _USER_MAPPINGS,
    "foreign-servers": _FOREIGN_SERVERS,
    "foreign-data-wrappers": _FOREIGN_DATA_WRAPPERS,
    "dblink": _DBLINK,
    "dblink-callers": _callers("'dblink'", "dblink"),
    "aws-callers": _callers(
        "'aws_lambda', 'aws_s3', 'aws_ml'", "aws_(lambda|s3|comprehend|sagemaker|bedrock)"
    ),
}
"""By kind, what there is in the session's database."""

ELSEWHERE: Final[Mapping[str, str]] = {
    PREPARED_TRANSACTIONS: "SELECT gid, owner, database FROM pg_catalog.pg_prepared_xacts",
    "replication-slots": """
SELECT slot_name, NULL, database
  FROM pg_catalog.pg_replication_slots
 WHERE database IS NOT NULL AND NOT temporary
""",
    "subscriptions": """
SELECT subname, pg_catalog.pg_get_userbyid(subowner), datname
  FROM pg_catalog.pg_subscription
  JOIN pg_catalog.pg_database ON pg_database.oid = subdbid
 WHERE subenabled AND datallowconn
""",
}
"""By kind: (name, owner, database) of what every database's session sees.

It can be ended in its own database only.
"""
