"""The guards of pointers, each taken away once: the search, or a test, has to notice."""

from simulation.mutants import Mutant

TABLE, PLACES = "chalicelib/flow/choreography.py", "chalicelib/aws/pointer_places.py"
PRESENT, PREVIOUS = (
    "chalicelib/target/current_target.py",
    "chalicelib/target/previous_protection.py",
)
DELETE_RDS = "chalicelib/steps/delete_rds.py"
NIGHTS, MOVED = "pointer/test_pointed_nights.py", "pointer/test_moved_pointers.py"
STOPPED = "pointer/test_stopped_clusters.py"
UNIT, CHANGED = "pointer/test_places.py", "pointer/test_changed_replacement.py"
WENT_BACK = "pointer/test_reruns_after_going_back.py"
OF_POINTERS: tuple[Mutant, ...] = (
    Mutant(
        "the proof of a login before pointers are moved",
        "chalicelib/target/proof_at_name.py",
        "refused = [login.username for login in logins if not database.try_login(login)]",
        "refused = []",
        ("unproven-pointer",),
    ),
    Mutant(
        "the way back of pointers that cannot be written",
        TABLE,
        '        (S.TARGET_OPEN,),\n        deadline="swap_deadline", on_giving_up=S.ROLLING_BACK,',
        '        (S.TARGET_OPEN,),\n        deadline="swap_deadline", on_giving_up=S.FAILING,',
        ("refused-pointer",),
    ),
    Mutant(
        "the start of a stopped cluster, before pointers go back to it",
        "chalicelib/target/pointing.py",
        "if to and (starting := self._until_started(to)):",
        "if starting := None:",
        tests=(f"{STOPPED}::test_pointers_go_back_to_a_stopped_cluster_when_it_runs",),
    ),
    Mutant(
        "the way back of pointers on a cancellation",
        TABLE,
        '        (S.TARGET_OPEN,),\n        deadline="swap_deadline", on_giving_up=S.ROLLING_BACK, '
        "on_cancel=S.ROLLING_BACK,",
        '        (S.TARGET_OPEN,),\n        deadline="swap_deadline", on_giving_up=S.ROLLING_BACK, '
        "on_cancel=S.CANCELLING,",
        ("cancelled-pointer",),
    ),
    Mutant(
        "the wait for the change that is under way, and for no earlier one",
        "chalicelib/target/pointers.py",
        "return noted.record_change is not None and is_it is not is_other",
        "return noted.record_change is not None",
        tests=(f"{MOVED}::test_so_is_a_look_while_the_pointers_go_back",),
    ),
    Mutant(
        "the wait for a change of the record that follows another one",
        "chalicelib/target/pointers.py",
        "if record is None or change is None or change == self._synced:",
        "if record is None or change is None or self._synced:",
        tests=(f"{MOVED}::test_what_somebody_writes_during_the_wait_is_found_at_its_end",),
    ),
    Mutant(
        "the name of the cluster that is not in use",
        "chalicelib/flow/setting_definitions.py",
        "return second if present_id == first else first",
        "return first",
        ("pointer-takes-turns",),
    ),
    Mutant(
        "the version of the secret that was read",
        PLACES,
        "VersionStages=[STAGING_LABEL],",
        "VersionStages=[CURRENT],",
        tests=(f"{MOVED}::test_a_password_that_somebody_changes_meanwhile_is_kept",),
    ),
    Mutant(
        "the version that a change of a parameter makes",
        PLACES,
        'if made["Version"] != (seen.version + 1 if seen else 1):',
        "if False:",
        tests=(f"{UNIT}::test_a_parameter_that_changed_since_it_was_read_is_read_again",),
    ),
    Mutant(
        "the record that was read, in the batch that replaces it",
        PLACES,
        '"Action": "DELETE", "ResourceRecordSet": seen.record_set}',
        '"Action": "DELETE", "ResourceRecordSet": (self.read() or seen).record_set}',
        tests=(f"{UNIT}::test_a_record_that_changed_since_it_was_read_is_read_again",),
    ),
    Mutant(
        "the wait for all name servers",
        "chalicelib/target/pointers.py",
        "if not record.is_in_sync(change):",
        "if False:",
        tests=(f"{MOVED}::test_people_are_told_only_when_all_name_servers_know",),
    ),
    Mutant(
        "the host of something else in the secret, before anything is made",
        "chalicelib/target/pointers.py",
        "if host and not self._is_own(host, hosts):",
        "if False:",
        tests=(
            f"{MOVED}::test_what_has_the_name_of_the_target_and_is_not_its_writer_is_left_alone",
        ),
    ),
    Mutant(
        "the record of something else, before anything is made",
        "chalicelib/target/pointers.py",
        "if seen.record and not self._is_own(seen.record.host, hosts):",
        "if False:",
        tests=(
            f"{MOVED}::test_a_record_of_something_else_is_refused_before_anything_is_made",
        ),
    ),
    Mutant(
        "the pointers that name a previous target, before it is deleted",
        PREVIOUS,
        "if is_pointed_to(plan, target, previous, ports):",
        "if False:",
        tests=(f"{MOVED}::test_a_previous_target_that_pointers_still_name_is_not_deleted",),
    ),
    Mutant(
        "the pointers that name a previous target of a swap, before it is deleted",
        PRESENT,
        "return bool(pointers.parameters.read()) and pointers.name(cluster)",
        "return False",
        tests=(f"{CHANGED}::test_parameters_that_are_left_keep_what_they_name",),
    ),
    Mutant(
        "the places of pointers that are younger than a previous target",
        PRESENT,
        "plans = [plan] if last is None else [last.plan, plan]",
        "plans = [plan]",
        tests=(f"{CHANGED}::test_a_previous_target_of_a_swap_that_pointers_name_is_kept",),
    ),
    Mutant(
        "the pointers that name a left-over cluster, before it is deleted",
        DELETE_RDS,
        "    if operation.plan.target.keeps_old and operation.kind is not Kind.RETIRE:\n"
        "        refuse_in_use(operation, cluster, ports)\n",
        "",
        tests=(f"{NIGHTS}::test_a_left_over_cluster_that_people_begin_to_use_is_not_deleted",),
    ),
    Mutant(
        "the pointers of the last success, before a left-over cluster is deleted",
        PRESENT,
        "if is_opened or is_pointed_to(plan, target, cluster, ports):",
        "if is_opened or Pointers(plan, ports).name(cluster):",
        tests=(f"{CHANGED}::test_a_left_over_cluster_that_older_pointers_name_is_not_deleted",),
    ),
    Mutant(
        "the previous target that people keep, before its name is used",
        DELETE_RDS,
        "    if cluster and (wait := until_room_is_made(operation, cluster, ports)):\n",
        "    if wait := None:\n",
        tests=(f"{NIGHTS}::test_a_previous_target_that_people_keep_stops_the_next_night",),
    ),
    Mutant(
        "the target of another name, before one is replaced by name",
        PRESENT,
        "        refuse_pointed_target(plan, target, ports)\n",
        "",
        tests=(f"{CHANGED}::test_a_pointed_target_is_not_replaced_by_name",),
    ),
    Mutant(
        "the target that people went back to, before a rerun replaces another",
        "chalicelib/runtime/reruns.py",
        "target.opened_id not in (None, old.resource_id):",
        "False:",
        tests=(f"{WENT_BACK}::test_a_rerun_that_would_make_two_clusters_is_refused",),
    ),
    Mutant(
        "the settings of the pointers, before a rollback moves them",
        "chalicelib/runtime/rollbacks.py",
        "    _refuse_other_pointers(before, ports)\n",
        "",
        tests=(
            f"{CHANGED}::test_pointers_that_the_settings_no_longer_have_are_not_moved_back",
        ),
    ),
)  # fmt: skip
