"""The guards of the set-up of a database, each taken away once: the tests have to notice."""

from simulation.mutants import Mutant

_ENSURE_USERS = """        database.ensure_users(
            application,
            readonly,
            plan.users.trust_definer_functions,
            remaining_seconds=ports.remaining_seconds,
        )
"""

OF_DATABASES: tuple[Mutant, ...] = (
    Mutant(
        "the second proof that no login is open",
        "chalicelib/database/restored_database.py",
        "                refuse_open(again)\n",
        "",
        tests=(
            "database/test_revoking_logins.py::test_a_login_opened_meanwhile_is_found_by_the_second_verification",
        ),
    ),
    Mutant(
        "the settings that a session begins with",
        "chalicelib/database/connection.py",
        "connection = _connected(endpoint, login, database, _options(settings))",
        'connection = _connected(endpoint, login, database, "")',
        tests=(
            "database/test_hostile_settings.py::test_an_owners_views_and_functions_stand_in_for_nothing",
        ),
    ),
    Mutant(
        "each role closed by itself",
        "chalicelib/database/logins.py",
        "        if error.pgcode not in BUSY_CODES:\n            raise\n        return "
        "RevokeResult.HELD",
        "        raise",
        tests=(
            "database/test_hostile_settings.py::test_a_role_that_somebody_holds_keeps_no_other_open",
        ),
    ),
    Mutant(
        "the end of sessions",
        "chalicelib/database/logins.py",
        "   AND pid <> pg_catalog.pg_backend_pid()\n",
        "   AND false\n",
        tests=("database/test_revoking_logins.py::test_a_session_that_is_already_in_is_ended",),
    ),
    Mutant(
        "the passwords of roles that cannot log in",
        "chalicelib/database/logins.py",
        "    for names in batched([name for (name,) in found], ROLES_PER_STATEMENT):",
        "    for names in ():",
        tests=(
            "database/test_hostile_settings.py::test_a_role_that_cannot_log_in_loses_its_password",
        ),
    ),
    Mutant(
        "the last look for logins that were opened again",
        "chalicelib/database/restored_database.py",
        "        return found + self._revoke_reopened_logins(application, readonly, keep)",
        "        return found",
        tests=(
            "database/test_reopened_logins.py::test_a_trigger_on_a_table_of_jobs_opens_nothing",
        ),
    ),
    Mutant(
        "the recognition of an expired password",
        "chalicelib/database/restored_database.py",
        "            undo = roles.suspend_expiry(connection, login.username)",
        "            undo = None",
        tests=(
            "database/test_hostile_settings.py::test_a_password_is_known_also_of_a_role_that_cannot_come_in",
        ),
    ),
    Mutant(
        "the refusal of production's own passwords",
        "chalicelib/steps/setup_db_users.py",
        "    if database.has_password(login):",
        "    if False:",
        tests=(
            (
                "refusals/test_own_passwords.py::"
                "test_a_users_secret_with_productions_own_password_is_refused_early"
            ),
        ),
    ),
    Mutant(
        "the refusal of ways to production",
        "chalicelib/steps/setup_db_users.py",
        "    if ways:",
        "    if False:",
        tests=(
            (
                "choreography/test_quiesce.py::"
                "test_a_remaining_connection_to_production_fails_the_operation_before_users_are_created"
            ),
        ),
    ),
    Mutant(
        "the order of quiet and users",
        "chalicelib/steps/setup_db_users.py",
        f"        _refuse_ways_to_production(remaining)\n{_ENSURE_USERS}",
        f"{_ENSURE_USERS}        _refuse_ways_to_production(remaining)\n",
        tests=(
            (
                "choreography/test_quiesce.py::"
                "test_a_remaining_connection_to_production_fails_the_operation_before_users_are_created"
            ),
        ),
    ),
    Mutant(
        "definer routines for nobody",
        "chalicelib/database/objects.py",
        "(prosecdef OR EXISTS",
        "(false OR EXISTS",
        tests=(
            (
                "database/test_routines.py::"
                "test_a_definer_that_production_kept_from_public_is_given_to_nobody"
            ),
        ),
    ),
    Mutant(
        "aggregates of definer functions for nobody",
        "chalicelib/database/objects.py",
        "pg_catalog.pg_proc AS part ON part.prosecdef",
        "pg_catalog.pg_proc AS part ON false",
        tests=("database/test_read_only.py::test_an_aggregate_runs_no_definer",),
    ),
    Mutant(
        "the rights on extensions' objects",
        "chalicelib/database/privileges.py",
        "object.*, NULL AS attname FROM object\n",
        "object.*, NULL AS attname FROM object WHERE NOT extension\n",
        tests=("database/test_read_only.py::test_what_belongs_to_an_extension_is_not_written",),
    ),
    Mutant(
        "the rights on large objects",
        "chalicelib/database/objects.py",
        "WHERE lomacl IS NOT NULL",
        "WHERE false",
        tests=("database/test_read_only.py::test_large_objects_of_others_are_not_written",),
    ),
    Mutant(
        "the large objects of the read-only user",
        "chalicelib/database/grants.py",
        "    adopt_large_objects(connection, users.readonly, work.begin)\n",
        "",
        tests=(
            "database/test_set_up_again.py::test_what_it_did_without_any_right_is_undone_by_the_next_set_up",
        ),
    ),
    Mutant(
        "the way into templates",
        "chalicelib/database/databases.py",
        "            _revoke_connect(connection, database.oid, [username])",
        "            pass",
        tests=("database/test_read_only.py::test_the_attacker_enters_no_template",),
    ),
    Mutant(
        "grant options",
        "chalicelib/database/privileges.py",
        "WHERE NOT meant OR is_grantable",
        "WHERE NOT meant",
        tests=("database/test_read_only.py::test_the_attacker_passes_on_no_right",),
    ),
    Mutant(
        "the refusal of a read-only user that could write",
        "chalicelib/database/grants.py",
        "    if writes := [privilege for privilege in beyond if privilege.writes]:",
        "    if writes := []:",
        tests=(
            (
                "database/test_owners_out_of_reach.py::"
                "test_a_table_of_rds_that_everybody_may_write_is_a_refusal"
            ),
        ),
    ),
    Mutant(
        "users let in last",
        "chalicelib/database/roles.py",
        'SQL("LOGIN" if found == [(True,)] else "NOLOGIN")',
        'SQL("LOGIN")',
        tests=("database/test_many_objects.py::test_nobody_is_let_in_before_the_rights_are_set",),
    ),
    Mutant(
        "the end of an invocation's work before its own",
        "chalicelib/database/time_budget.py",
        "        if self._begun and self._remaining_seconds() < SECONDS_TO_STOP:",
        "        if False:",
        tests=(
            (
                "database/test_many_objects.py::"
                "test_an_invocation_near_its_timeout_reports_progress_and_the_next_continues"
            ),
        ),
    ),
    Mutant(
        "the membership that ends with its transaction",
        "chalicelib/database/quiesce.py",
        '    with transaction(connection), _as_owner(connection, owner, "SET LOCAL ROLE NONE"):\n'
        "        pass\n"
        "    try:\n        yield\n    finally:\n        if not connection.closed:\n"
        '            run(connection, SQL("SET ROLE NONE"))\n',
        "    with _as_owner(connection, owner):\n        yield\n",
        tests=(
            (
                "database/test_interrupted.py::"
                "test_a_set_up_that_is_killed_anywhere_is_finished_by_the_next"
            ),
        ),
    ),
)
