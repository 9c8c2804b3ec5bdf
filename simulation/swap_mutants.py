"""The guards of a swap, each taken away once: the search, or a test, has to notice."""

from simulation.mutants import Mutant

SWAP_TARGET, SWAP = "chalicelib/steps/swap_target.py", "chalicelib/target/swap.py"
DISTURBED, NIGHTS = "swap/test_disturbed_swaps.py", "swap/test_swapped_nights.py"
TARGETS, TABLE = "chalicelib/records/targets.py", "chalicelib/flow/choreography.py"
OPEN_LEFT_OVERS = "pointer/test_open_left_overs.py"
RERUNS, OPENED = "chalicelib/runtime/reruns.py", "swap/test_reruns_of_opened.py"
ROLLBACKS, REFUSED = "chalicelib/runtime/rollbacks.py", "swap/test_refused_rollbacks.py"
OLD = "swap/test_old_answers_about_endpoints.py"
LEFT, ENDS = "swap/test_left_endpoints.py", "swap/test_custom_endpoints.py"
ADOPTED, KEPT = "swap/test_adopted_readers.py", "swap/test_kept_previous_targets.py"
ELSEWHERE, PRESENT = "swap/test_opened_elsewhere.py", "chalicelib/target/current_target.py"
AGAIN = "swap/test_retired_again.py"
FOREIGN = "swap/test_rollbacks_of_foreign.py"
PASSWORDS = "swap/test_rollbacks_of_passwords.py"
MOVES = "swap/test_refused_moves.py"
BACK = "swap/test_caught_up_after_rollback.py"
INSTANCES = "swap/test_old_answers_about_instances.py"
OTHER = "swap/test_other_certificates.py"
REPLACED = "pointer/test_replaced_clusters.py"
OF_SWAPS: tuple[Mutant, ...] = (
    Mutant(
        "the refusal to repeat a step on a cluster that was replaced",
        "chalicelib/runtime/repeated_steps.py",
        "    refuse_replaced_of(operation, step, ports)\n",
        "",
        tests=(f"{REPLACED}::test_a_step_of_an_older_success_is_not_done_again",),
    ),
    Mutant(
        "the refusal to finish what people went back from",
        RERUNS,
        "        refuse_replaced_of(operation, None, ports)\n",
        "        pass\n",
        tests=(
            f"{REPLACED}::test_a_failure_after_the_opening_is_not_finished_when_people_went_back",
        ),
    ),
    Mutant(
        "the look in the step whether its cluster is still the target",
        "chalicelib/target/restored_cluster.py",
        "        refuse_replaced(operation, ports)\n",
        "        pass\n",
        tests=(
            f"{REPLACED}::test_a_target_that_changes_after_the_request_is_noticed_by_the_step",
        ),
    ),
    Mutant(
        "the writer, which is no reader of others",
        "chalicelib/target/readers.py",
        "cluster.writer in (None, instance.identifier)",
        "cluster.writer is None",
        tests=(f"{ADOPTED}::test_a_writer_without_our_tag_is_never_deleted",),
    ),
    Mutant(
        "the tag of a reader of others, before it is deleted",
        "chalicelib/target/deletion.py",
        "        self._tag(readers)\n",
        "",
        tests=(f"{ADOPTED}::test_a_reader_of_an_old_target_is_deleted_first_with_it",),
    ),
    Mutant(
        "the region of the source, where only auto scaling's readers are adopted",
        "chalicelib/target/readers.py",
        "elsewhere = plan.source.region != plan.target.region",
        "elsewhere = True",
        tests=(
            f"{ADOPTED}::test_beside_the_source_only_readers_of_auto_scaling_are_adopted",
        ),
    ),
    Mutant(
        "the look before the swap",
        SWAP_TARGET,
        "    if wait := until_as_planned(operation, target, cluster, instances, ports.now()):\n"
        "        return wait\n",
        "",
        tests=(f"{DISTURBED}::test_a_new_cluster_that_somebody_changed_is_not_swapped_in",),
    ),
    Mutant(
        "the owner of the old target, before it leaves its name",
        SWAP_TARGET,
        "        TargetCluster(rds, operation, plan.cluster_id).refuse_unowned(holder, [])\n",
        "",
        tests=(f"{DISTURBED}::test_an_old_target_that_changes_hands_keeps_its_name",),
    ),
    Mutant(
        "what hangs on the old target, before it leaves its name",
        SWAP_TARGET,
        "        refuse_attached(rds, [holder.arn])\n",
        "",
        tests=(f"{DISTURBED}::test_an_old_target_that_a_deployment_takes_keeps_its_name",),
    ),
    Mutant(
        "the notification that people got, before the minutes of a notice count",
        "chalicelib/target/notice.py",
        "    publish_announcement(operation, at, ports)\n",
        "",
        tests=("choreography/test_schedule.py::test_nothing_is_replaced_before_people_were_told",),
    ),
    Mutant(
        "the rollback of a swap that fails",
        TABLE,
        'deadline="swap_deadline", aurora_work="the renames", rds_events=(rds.CLUSTER_RENAMED,),\n'
        "        on_giving_up=S.ROLLING_BACK,",
        'deadline="swap_deadline", aurora_work="the renames", rds_events=(rds.CLUSTER_RENAMED,),\n'
        "        on_giving_up=S.FAILING,",
        ("failed-swap", "refused-second-rename"),
    ),
    Mutant(
        "the rollback of a swap whose login fails",
        TABLE,
        "(S.TARGET_RESTARTING, S.TARGET_OPEN),\n"
        '        deadline="swap_deadline", on_giving_up=S.ROLLING_BACK,',
        "(S.TARGET_RESTARTING, S.TARGET_OPEN),\n"
        '        deadline="swap_deadline", on_giving_up=S.FAILING,',
        tests=(f"{NIGHTS}::test_users_that_cannot_log_in_at_the_name_bring_the_old_target_back",),
    ),
    Mutant(
        "the rollback of a swap that is cancelled",
        TABLE,
        "rds_events=(rds.CLUSTER_RENAMED,),\n"
        "        on_giving_up=S.ROLLING_BACK, on_cancel=S.ROLLING_BACK,",
        "rds_events=(rds.CLUSTER_RENAMED,),\n"
        "        on_giving_up=S.ROLLING_BACK, on_cancel=S.CANCELLING,",
        ("cancelled-swap",),
    ),
    Mutant(
        "the deadline of a swap",
        TABLE,
        'deadline="swap_deadline", aurora_work="the renames", rds_events=(rds.CLUSTER_RENAMED,),\n'
        "        on_giving_up=S.ROLLING_BACK,",
        'deadline="restore_deadline", aurora_work="", rds_events=(rds.CLUSTER_RENAMED,),\n'
        "        on_giving_up=S.ROLLING_BACK,",
        ("refused-for-long",),
    ),
    Mutant(
        "the wait for a rename that does not show yet",
        SWAP,
        "return Move.WAIT if is_leaving else Move.DONE",
        "return Move.DONE",
        ("new-failed+6",),
    ),
    Mutant(
        "the proof of a login at the name",
        "chalicelib/target/proof_at_name.py",
        "refused = [login.username for login in logins if not database.try_login(login)]",
        "refused = []",
        ("unproven-swap",),
    ),
    Mutant(
        "the instances of the new cluster alone, before a login counts",
        "chalicelib/target/proof_at_name.py",
        "if found.identifier in own]",
        "]",
        tests=(
            f"{INSTANCES}::test_a_login_at_the_old_cluster_proves_nothing_whatever_aws_shows",
        ),
    ),
    Mutant(
        "the proof of a login where the certificate has another name",
        "chalicelib/target/proof_at_name.py",
        '        _log_in(operation, replace(place, tls="verify-ca"), ports)\n',
        "",
        tests=(
            f"{OTHER}::test_another_name_in_the_certificate_opens_no_cluster_that_refuses_its_users",
        ),
    ),
    Mutant(
        "the note that clusters are moved, before a previous target is deleted",
        TARGETS,
        'free = (When("swapped_by", "absent"), When("deleted_by", "absent"))',
        "free = ()",
        ("rollback-when-due",),
    ),
    Mutant(
        "the note that a previous target is deleted, before clusters are moved",
        TARGETS,
        'locked = (*locked, When("deleted_by", "absent"))',
        "pass",
        ("retirement-hangs",),
    ),
    Mutant(
        "the cluster that was proven, before a previous target is deleted",
        "chalicelib/target/previous_protection.py",
        "if holder is None or holder.resource_id != target.opened_id:",
        "if False:",
        ("target-taken",),
    ),
    Mutant(
        "the life of the target, before a previous one is deleted",
        "chalicelib/target/previous.py",
        "if wait := _until_target_lives(operation, ports):",
        "if False:",
        tests=(f"{DISTURBED}::test_a_previous_target_is_kept_while_the_new_one_has_no_instances",),
    ),
    Mutant(
        "the name of the previous target, before anything is made",
        "chalicelib/steps/delete_rds.py",
        "        refuse_taken_name(operation, cluster, ports)\n",
        "        pass\n",
        tests=(
            "swap/test_swapped_nights.py::test_a_cancelled_retirement_keeps_the_cluster",
        ),
    ),
    Mutant(
        "what hangs on a previous target, before it is deleted",
        "chalicelib/target/previous.py",
        "if held := what_holds(rds, [cluster.arn]):",
        'if held := "":',
        tests=(f"{DISTURBED}::test_a_previous_target_that_something_replicates_is_kept",),
    ),
    Mutant(
        "what hangs on a previous target, once more before the first deletion",
        "chalicelib/steps/delete_rds.py",
        "        refuse_attached(rds, [cluster.arn])\n",
        "        pass\n",
        tests=(f"{DISTURBED}::test_what_comes_at_the_last_moment_keeps_the_instances_too",),
    ),
    Mutant(
        "the retirement of each cluster, after another one was replaced",
        "chalicelib/records/targets.py",
        'return f"{RETIREMENT}{old.resource_id if old else \'\'}"',
        "return RETIREMENT",
        tests=(f"{KEPT}::test_a_cluster_that_people_keep_stays_after_the_next_night_too",),
    ),
    Mutant(
        "the younger retirement of the same cluster, before a rerun of an older one",
        "chalicelib/records/operations.py",
        "return [] if is_younger else [retirement_change(rerun, noted)]",
        "return [retirement_change(rerun, noted)]",
        tests=(f"{AGAIN}::test_a_rerun_of_an_older_retirement_deletes_nothing_that_people_keep",),
    ),
    Mutant(
        "the rerun of a retirement, which decides from then on",
        "chalicelib/records/operations.py",
        "return [] if is_younger else [retirement_change(rerun, noted)]",
        "return []",
        tests=(f"{AGAIN}::test_a_cluster_that_a_rerun_deletes_is_not_brought_back",),
    ),
    Mutant(
        "the younger retirement of the same cluster, before an older one deletes it",
        "chalicelib/target/previous_protection.py",
        "if younger := younger_retirement(operation, it, ports):",
        'if younger := "":',
        tests=(f"{KEPT}::test_an_older_retirement_deletes_nothing_that_people_keep",),
    ),
    Mutant(
        "the retirement that decides, before the cancellation of an outdated one is confirmed",
        "chalicelib/runtime/cancellations.py",
        "    _refuse_outdated(before, ports)\n",
        "",
        tests=(f"{AGAIN}::test_the_cancellation_of_an_outdated_retirement_names_the_one_that_decides",),
    ),
    Mutant(
        "what keeps a previous target, before a restore waits for its name",
        "chalicelib/target/previous_name.py",
        "why = why_kept(retirement, found, ports)",
        "why = None",
        tests=(
            f"{KEPT}::test_a_cluster_that_was_rolled_back_is_kept_while_no_cluster_is_the_target",
        ),
    ),
    Mutant(
        "the notice of a replacement, before an older previous target is deleted",
        "chalicelib/target/previous.py",
        "waiting.state is State.USERS_READY and is_noticed(waiting, ports.now())",
        "waiting.state is State.USERS_READY",
        tests=(f"{KEPT}::test_a_replacement_that_people_cancel_in_time_costs_no_previous_target",),
    ),
    Mutant(
        "the custom endpoints of a previous target, before it is deleted",
        "chalicelib/target/previous.py",
        "    if lost := lost_endpoints(operation, cluster, ports):\n",
        '    if lost := "":\n',
        tests=(f"{LEFT}::test_in_the_sources_region_it_is_deleted_when_its_endpoints_are_moved",),
    ),
    Mutant(
        "the identity of a custom endpoint, whatever name is shown with it",
        "chalicelib/target/endpoints.py",
        "return endpoint.resource_id is not None and found.resource_id == endpoint.resource_id",
        "return False",
        tests=(f"{OLD}::test_an_endpoint_that_is_shown_with_the_targets_name_is_moved",),
    ),
    Mutant(
        "the endpoints that a previous target had, before it is deleted",
        "chalicelib/target/previous_protection.py",
        "known = retirement.facts.swap.endpoints if retirement else ()",
        "known = ()",
        tests=(f"{OLD}::test_a_previous_target_is_kept_while_an_endpoint_is_shown_with_its_former_name",),
    ),
    Mutant(
        "the custom endpoints that were moved already",
        "chalicelib/target/endpoints.py",
        "tuple(found for found in planned if found.identifier not in self._there)",
        "planned",
        tests=(f"{OLD}::test_an_endpoint_that_was_moved_is_not_moved_again",),
    ),
    Mutant(
        "the endpoints of a rollback, before it renames",
        "chalicelib/steps/swap_target.py",
        "self._operation = note_endpoints(self._operation, self._ports)",
        "pass",
        tests=(f"{OLD}::test_a_rollback_knows_its_endpoints_before_it_renames",),
    ),
    Mutant(
        "the tag of a custom endpoint, before it is deleted",
        "chalicelib/target/endpoints.py",
        "if not is_ours(tagged, plan):",
        "if False:",
        tests=(f"{ENDS}::test_an_endpoint_without_our_tag_is_never_deleted",),
    ),
    Mutant(
        "the note of a custom endpoint that cannot be created, for the next restore",
        TARGETS,
        "is_past = after.state in (State.ARCHIVED, State.FAILING)",
        "is_past = False",
        tests=(f"{LEFT}::test_the_next_restore_creates_what_was_refused",),
    ),
    Mutant(
        "the second look for a previous target that is not found",
        "chalicelib/target/previous_protection.py",
        "if now - since >= ABSENT_FOR:",
        "if True:",
        tests=(f"{DISTURBED}::test_one_answer_without_a_previous_target_is_not_believed",),
    ),
    Mutant(
        "the second look at what keeps a previous target",
        "chalicelib/target/previous_protection.py",
        "if kept.is_certain or now - since >= ABSENT_FOR:",
        "if True:",
        tests=(f"{DISTURBED}::test_one_answer_without_the_target_ends_no_retirement",),
    ),
    Mutant(
        "the room for the last snapshot of a previous target",
        "chalicelib/target/preflight.py",
        "        refuse_full(self._operation, self._rds, {SNAPSHOTS: 1})\n",
        "",
        tests=(
            f"{DISTURBED}::test_a_previous_target_whose_last_snapshot_has_no_room_is_kept",
        ),
    ),
    Mutant(
        "who has the other name, before the old cluster gets it",
        SWAP_TARGET,
        "if move not in NEED_PARKING:",
        "if True:",
        tests=(f"{DISTURBED}::test_another_cluster_under_the_name_of_the_previous_one_is_named",),
    ),
    Mutant(
        "the third cluster at the target's name",
        SWAP,
        "if seen.third or (seen.new and is_lost(seen.new.status)):",
        "if seen.new and is_lost(seen.new.status):",
        tests=("swap/test_disturbed_swaps.py::test_a_third_cluster_ends_the_swap_at_once",),
    ),
    Mutant(
        "the old cluster that cannot be used, for which the new one does not leave the name",
        SWAP,
        "return _without_old(seen) if is_settled else Move.WAIT",
        "return Move.DONE",
        tests=("swap/test_moves.py::test_a_rollback_names_the_new_cluster_where_the_old_is_lost",),
    ),
    Mutant(
        "the start of the old cluster, before the new one leaves the name",
        SWAP,
        "if seen.at_target and move is Move.NAME_OLD else move",
        "if seen.at_target else move",
        tests=(f"{MOVES}::test_a_stopped_old_cluster_is_started_before_the_name_is_nobodys",),
    ),
    Mutant(
        "the cancellation that comes while a function waits for the clusters",
        "chalicelib/target/patience.py",
        "if operation.cancellable and _is_cancelled(operation, ports):",
        "if False:",
        tests=("swap/test_cancelled_swaps.py::test_nothing_is_renamed_after_a_cancellation",),
    ),
    Mutant(
        "the cluster that is lost while it is restarted",
        "chalicelib/target/restarting.py",
        "        if is_lost(cluster.status):\n",
        "        if False:\n",
        tests=(
            "swap/test_restarts.py::test_a_cluster_that_is_lost_while_it_is_restarted_ends_the_night_at_once",
        ),
    ),
    Mutant(
        "the end of the attempts at a move that AWS refuses",
        SWAP_TARGET,
        "if too_long and isinstance(self._refusal, StateFaultError):",
        "if False:",
        tests=(f"{MOVES}::test_a_rename_that_a_state_forbids_for_ten_minutes_is_taken_back",),
    ),
    Mutant(
        "the rerun after the opening, which finishes the archive alone",
        RERUNS,
        "        return state  # whatever the plan says by now",
        "        return State.CLUSTER_RESTORED",
        tests=(f"{OPENED}::test_a_rerun_closes_no_login_of_people_who_work_there",),
    ),
    Mutant(
        "the cluster that people have, before an earlier step is run again",
        RERUNS,
        "    _refuse_opened(before, target, ports)\n",
        "",
        tests=(f"{OPENED}::test_an_earlier_step_is_refused_where_people_have_the_cluster",),
    ),
    Mutant(
        "the steps that a refusal names when people have the cluster",
        "chalicelib/steps/archive_snapshot.py",
        "raise _in_use(operation, error) from None",
        "raise",
        tests=(
            f"{OPENED}::test_a_target_that_somebody_changed_sends_people_to_no_earlier_step",
        ),
    ),
    Mutant(
        "the open cluster that a restore of another kind would leave",
        "chalicelib/steps/delete_rds.py",
        "        refuse_open_left_over(operation, cluster, ports)\n",
        "",
        tests=(f"{OPEN_LEFT_OVERS}::test_an_open_left_over_is_not_forgotten_by_a_switch",),
    ),
    Mutant(
        "the open cluster that a restore under another name would leave",
        "chalicelib/steps/delete_rds.py",
        "    refuse_open_left_over(operation, leftover, ports)\n",
        "",
        tests=(f"{OPEN_LEFT_OVERS}::test_an_open_left_over_is_not_forgotten_after_a_rollback",),
    ),
    Mutant(
        "the cluster that people use under another name, before anything is made",
        PRESENT,
        "            refuse_opened_elsewhere(plan, target, ports)\n",
        "            pass\n",
        tests=(f"{ELSEWHERE}::test_a_night_is_refused_while_people_use_the_target_elsewhere",),
    ),
    Mutant(
        "the cluster that people use, before people delete it for its name",
        "chalicelib/target/previous_name.py",
        "if found.resource_id == opened_id and not is_lost(found.status):",
        "if False:",
        tests=(
            f"{ELSEWHERE}::test_nobody_is_told_to_delete_the_target_for_a_cluster_that_was_never_opened",
        ),
    ),
    Mutant(
        "the cluster that people use, before it is taken for a left-over one",
        "chalicelib/steps/delete_rds.py",
        "    if leftover:\n        refuse_in_use(",
        "    if leftover and plan.target.points:\n        refuse_in_use(",
        tests=(f"{ELSEWHERE}::test_the_opened_cluster_is_no_left_over_beside_another_one",),
    ),
    Mutant(
        "the cluster that people use, before its deletion goes on",
        "chalicelib/steps/delete_rds.py",
        "    if operation.plan.target.keeps_old and operation.kind is not Kind.RETIRE:\n"
        "        refuse_in_use(",
        "    if operation.plan.target.points:\n        refuse_in_use(",
        tests=(f"{ELSEWHERE}::test_a_deletion_that_was_decided_before_spares_the_opened_cluster",),
    ),
    Mutant(
        "the open target of a restore that deleted first, before it is kept",
        "chalicelib/steps/delete_rds.py",
        "refuse_open_left_over(operation, leftover, ports)",
        "refuse_open_left_over(operation, leftover or cluster, ports)",
        tests=(f"{OPEN_LEFT_OVERS}::test_an_open_left_over_is_not_forgotten_by_a_switch",),
    ),
    Mutant(
        "the note of a retirement without a record, before a restore deletes its cluster",
        "chalicelib/target/previous_name.py",
        "        _refuse_undecided(operation, found, ports)\n",
        "",
        tests=(f"{KEPT}::test_a_cluster_that_people_keep_stays_when_the_record_of_that_is_gone",),
    ),
    Mutant(
        "the note of a younger retirement without a record, before an older one deletes",
        "chalicelib/target/previous_protection.py",
        "    return None if is_this else noted\n",
        "    return None if is_this or decider is None else noted\n",
        tests=(f"{AGAIN}::test_a_rerun_of_an_older_retirement_deletes_nothing_that_people_keep",),
    ),
    Mutant(
        "the name that the present target gets, before a rollback begins",
        ROLLBACKS,
        "if found and found.resource_id not in moved:",
        "if False:",
        tests=(
            f"{REFUSED}::test_a_rollback_after_a_failed_night_is_refused_until_its_cluster_is_gone",
        ),
    ),
    Mutant(
        "the snapshot that people went back from, which is not caught up",
        "chalicelib/runtime/catch_up.py",
        "(target.catch_up_since, succeeded_at, newest_at)",
        "(target.catch_up_since, succeeded_at)",
        tests=(f"{BACK}::test_a_snapshot_that_people_went_back_from_is_not_caught_up",),
    ),
    Mutant(
        "the event of a snapshot that people went back from",
        "chalicelib/steps/snapshot_check.py",
        "if newest and created_at <= newest and",
        "if newest and created_at < newest and",
        tests=(f"{BACK}::test_a_snapshot_that_people_went_back_from_is_not_caught_up",),
    ),
    Mutant(
        "the name of a previous target, before a rollback begins",
        ROLLBACKS,
        "    _refuse_other_name(before, previous)\n",
        "",
        tests=(
            f"{REFUSED}::test_a_previous_target_that_people_renamed_comes_back_under_its_name_alone",
        ),
    ),
    Mutant(
        "the name of a previous target, before it is deleted",
        "chalicelib/target/previous_protection.py",
        "if previous.identifier not in plan.target.cluster_ids:",
        "if False:",
        tests=(f"{KEPT}::test_a_previous_target_that_people_renamed_is_kept",),
    ),
    Mutant(
        "the owner of both clusters, before a rollback begins",
        ROLLBACKS,
        "    _refuse_foreign(before, present, previous, ports)\n",
        "",
        tests=(f"{FOREIGN}::test_a_rollback_is_refused_where_a_cluster_is_not_the_plans_any_more",),
    ),
    Mutant(
        "the owner of both clusters, before the first rename",
        SWAP_TARGET,
        "            self._cluster(cluster).refuse_unowned(cluster, [], role)\n",
        "            pass\n",
        tests=(f"{FOREIGN}::test_a_rollback_asks_once_more_whose_the_clusters_are",),
    ),
    Mutant(
        "what hangs on both clusters, before a rollback begins",
        ROLLBACKS,
        "        refuse_attached(rds, [present.arn, previous.arn])\n",
        "",
        tests=(f"{FOREIGN}::test_a_rollback_is_refused_while_something_hangs_on_a_cluster",),
    ),
    Mutant(
        "what hangs on both clusters, before the first rename",
        SWAP_TARGET,
        "        refuse_attached(self._rds, [cluster.arn for cluster in concerned.values()])\n",
        "",
        tests=(f"{FOREIGN}::test_a_rollback_asks_once_more_what_hangs_on_the_clusters",),
    ),
    Mutant(
        "the owner of a cluster, before it is pointed to",
        "chalicelib/target/successor.py",
        "    TargetCluster(rds, operation, found.identifier).refuse_unowned(found, [], role)\n",
        "",
        tests=(f"{FOREIGN}::test_pointers_ask_once_more_whose_the_previous_target_is",),
    ),
    Mutant(
        "the login at the previous target, before a rollback renames it",
        ROLLBACKS,
        "state = State.SWAPPING if _is_parked(before, present) else State.TARGET_STARTING",
        "state = State.SWAPPING",
        tests=(f"{PASSWORDS}::test_a_rollback_renames_nothing_where_the_users_are_refused",),
    ),
    Mutant(
        "the name that is nobody's, before a rollback tries a login",
        ROLLBACKS,
        "return plan.swaps and present.identifier != plan.cluster_id",
        "return False",
        tests=(f"{PASSWORDS}::test_a_rollback_that_finishes_another_gives_the_name_first",),
    ),
    Mutant(
        "the writer of a previous target, before a rollback begins",
        ROLLBACKS,
        "if previous.writer is None:",
        "if False:",
        tests=(f"{REFUSED}::test_a_rollback_to_a_cluster_without_instances_is_refused",),
    ),
    Mutant(
        "the status of a previous target's writer, before a rollback begins",
        ROLLBACKS,
        "if writer and is_lost(writer.status):",
        "if False:",
        tests=(f"{REFUSED}::test_a_rollback_to_a_cluster_whose_writer_failed_is_refused",),
    ),
    Mutant(
        "the key of both clusters, before a rollback begins",
        ROLLBACKS,
        "if cluster.status == RECOVERABLE:",
        "if False:",
        tests=(f"{REFUSED}::test_a_rollback_without_the_key_of_a_cluster_is_refused",),
    ),
    Mutant(
        "the target whose key is disabled, before a restore that could not rename it",
        "chalicelib/target/previous_name.py",
        "    if old.status == RECOVERABLE:\n",
        "    if False:\n",
        tests=(f"{DISTURBED}::test_a_target_whose_key_is_disabled_is_refused_before_anything_is_made",),
    ),
    Mutant(
        "the instances of a target of which only the cluster was adopted",
        "chalicelib/steps/delete_rds.py",
        "[] if has_ours else instances",
        "[]",
        tests=("swap/test_half_adopted.py::test_a_target_without_an_instance_of_ours_is_refused",),
    ),
)  # fmt: skip
