"""The guards of a target like the one before, each taken away once: a test has to notice."""

from simulation.mutants import Mutant

CAPTURE, SPEC = "chalicelib/target/capture.py", "chalicelib/flow/target_spec.py"
TAGGED = "chalicelib/target/carried_tags.py"
CAPTURED, LIKE = "swap/test_captured.py", "swap/test_like_the_one_before.py"
TAGS = "swap/test_carried_tags.py"
LISTED, HALF = "swap/test_not_carried.py", "swap/test_half_deleted.py"
MONITORED = "swap/test_monitoring_role.py"
DATA_API = "swap/test_data_api_after_renames.py"
HALF_WAY, LEFT = "swap/test_unfinished_rollbacks.py", "swap/test_left_endpoints.py"
WHOLE = "chalicelib/target/wholeness.py"
OF_BASELINE: tuple[Mutant, ...] = (
    Mutant(
        "the half-made cluster, which nobody had",
        CAPTURE,
        "return OPERATION_TAG not in cluster.tags or cluster.resource_id in seen",
        "return True",
        tests=(f"{CAPTURED}::test_a_half_made_target_is_not_what_people_had",),
    ),
    Mutant(
        "the half-deleted cluster, which nobody had",
        CAPTURE,
        "if record.is_noted(ClusterNote.HALF_DELETED, cluster.resource_id):",
        "if not cluster:",
        tests=(
            f"{HALF}::test_a_target_that_lost_a_part_of_its_instances_is_not_taken_for_the_whole",
        ),
    ),
    Mutant(
        "the protection that an operation lifted",
        CAPTURE,
        "found.deletion_protection or noted(ClusterNote.UNPROTECTED)",
        "found.deletion_protection",
        tests=(f"{HALF}::test_a_target_that_came_back_is_protected_as_it_was",),
    ),
    Mutant(
        "the note before an instance is deleted",
        "chalicelib/target/deletion.py",
        "operations.note_cluster(self._operation, note, it)",
        "pass",
        tests=(f"{HALF}::test_the_night_after_a_deletion_that_stopped_makes_the_target_before_it",),
    ),
    Mutant(
        "the way back to a half-deleted cluster",
        "chalicelib/runtime/rollbacks.py",
        "if still_half_deleted(before, previous, ports, had=_had(before), since=since):",
        "if False:",
        tests=(f"{HALF}::test_nobody_goes_back_to_a_previous_target_that_is_half_deleted",),
    ),
    Mutant(
        "the count of a half-deleted cluster's instances, before people go back to it",
        WHOLE,
        "len(living) >= max(1, had)",
        "len(living) >= 1",
        tests=(f"{HALF}::test_nobody_goes_back_to_a_previous_target_that_is_half_deleted",),
    ),
    Mutant(
        "the writer of a half-deleted cluster, before it counts as repaired",
        WHOLE,
        "return can_open and len(living)",
        "return len(living)",
        tests=(f"{HALF}::test_a_repaired_cluster_counts_when_its_writer_is_available",),
    ),
    Mutant(
        "the time after a deletion in which AWS may still show its instances",
        WHOLE,
        "if not is_settled or not",
        "if not",
        tests=(f"{HALF}::test_a_repaired_target_is_looked_at_for_minutes_before_it_counts",),
    ),
    Mutant(
        "who has the target's name, before a rollback that stands half-way is finished",
        "chalicelib/runtime/rollbacks.py",
        "return holder is None or holder.resource_id == previous.resource_id",
        "return True",
        tests=(f"{HALF_WAY}::test_a_rollback_is_not_finished_over_a_third_cluster",),
    ),
    Mutant(
        "the endpoints that a later operation noted as missing, before a step is repeated",
        "chalicelib/runtime/reruns.py",
        "return replace(before.facts, swap=before.facts.swap.with_missing(missing))",
        "return before.facts",
        tests=(f"{LEFT}::test_a_repeated_archive_keeps_the_note_of_a_later_operation",),
    ),
    Mutant(
        "the half-deleted cluster that was made whole",
        "chalicelib/steps/swap_target.py",
        "ports.operations.note_cluster(operation, half_deleted, cluster.resource_id, is_so=False)",
        "pass",
        tests=(
            f"{HALF}::test_a_left_over_cluster_that_is_made_whole_and_opened_is_a_target_like_any_other",
        ),
    ),
    Mutant(
        "the old target that is captured again",
        CAPTURE,
        "seen = (record.opened_id, known.resource_id)",
        "seen = (record.opened_id,)",
        tests=(f"{CAPTURED}::test_what_people_changed_after_a_failed_night_is_captured_again",),
    ),
    Mutant(
        "the item's memory of a target that is gone",
        CAPTURE,
        "known = record.baseline or operation.facts.target.baseline",
        "known = operation.facts.target.baseline",
        tests=(f"{LIKE}::test_what_is_gone_is_made_as_it_was",),
    ),
    Mutant(
        "the note in the item before anything is deleted",
        "chalicelib/records/targets.py",
        'assign = {"baseline": baseline.to_item()}',
        "assign = {}",
        tests=(f"{CAPTURED}::test_a_target_that_people_deleted_is_still_known",),
    ),
    Mutant(
        "the tags that are not the old target's own",
        TAGGED,
        "if not key.lower().startswith(RESERVED) and (key, value) not in put",
        "if (key, value) not in put",
        tests=(f"{CAPTURED}::test_tags_of_ours_and_of_aws_are_no_part_of_it",),
    ),
    Mutant(
        "the tags that a setting no longer names",
        TAGGED,
        "found |= maker.plan.target.tags.items()",
        "pass",
        tests=(f"{TAGS}::test_a_tag_that_the_setting_no_longer_names_is_not_carried",),
    ),
    Mutant(
        "the setting of the run that made the cluster",
        TAGGED,
        "if maker and maker.root_id == root_id:",
        "if maker:",
        tests=(f"{TAGS}::test_a_tag_that_people_put_on_a_target_that_came_back_is_carried",),
    ),
    Mutant(
        "the setting before the old target",
        SPEC,
        "port=plan.port or old.port or PORT",
        "port=old.port or plan.port or PORT",
        tests=(f"{LIKE}::test_an_explicit_setting_wins",),
    ),
    Mutant(
        "the role that may be passed",
        SPEC,
        "monitoring_interval=like.monitoring_interval if plan.monitoring_role_arn else 0",
        "monitoring_interval=like.monitoring_interval",
        tests=(f"{LISTED}::test_what_needs_a_setting_is_named_as_not_carried_over",),
    ),
    Mutant(
        "AWS's own parameter groups",
        SPEC,
        "return None if group is None or group.startswith(_DEFAULT_GROUP) else group",
        "return group",
        tests=(f"{LIKE}::test_aws_own_parameter_groups_are_not_carried_over",),
    ),
    Mutant(
        "the zone of another class",
        SPEC,
        "availability_zone=like.availability_zone if is_same and not is_further else None",
        "availability_zone=like.availability_zone",
        tests=(f"{LIKE}::test_an_explicit_class_is_that_of_all_instances",),
    ),
    Mutant(
        "the warning instead of a failure",
        "chalicelib/target/extras.py",
        "        except RefusedError as error:\n            warnings = (self._warning(error),)\n",
        "",
        tests=(f"{LIKE}::test_what_only_a_ready_cluster_can_be_given_may_be_refused",),
    ),
    Mutant(
        "the network type that the subnet group has lost, before the old target is deleted",
        "chalicelib/target/preflight.py",
        "if offered and wanted and wanted not in offered:",
        "if False:",
        tests=(
            f"{LIKE}::test_a_network_type_that_the_subnet_group_has_lost_leaves_the_old_target",
        ),
    ),
    Mutant(
        "the zone that the subnet group has lost",
        "chalicelib/steps/delete_rds.py",
        "baseline and baseline.within(preflight.zones)",
        "baseline",
        tests=(f"{LIKE}::test_a_zone_that_the_subnet_group_has_lost_is_left_to_aws",),
    ),
    Mutant(
        "the instance without enhanced monitoring, where AWS refuses the role",
        "chalicelib/target/cluster.py",
        '    "InvalidParameterValue": MONITORING,\n',
        "",
        tests=(f"{MONITORED}::test_a_role_that_aws_refuses_costs_nobody_the_target",),
    ),
    Mutant(
        "the enhanced monitoring that AWS refused, for the next restore",
        CAPTURE,
        "found = found.monitored_like(record.baseline)",
        "pass",
        tests=(f"{MONITORED}::test_the_night_after_has_the_monitoring_again",),
    ),
    Mutant(
        "the note of what AWS refused to enable, for the next restore",
        "chalicelib/target/extras.py",
        "is_so = bool(warnings)",
        "is_so = False",
        tests=(f"{LIKE}::test_what_aws_refused_is_enabled_the_night_after",),
    ),
    Mutant(
        "the Data API of a target that was never renamed",
        "chalicelib/steps/swap_target.py",
        "or not self._operation.facts.swap.named_back:",
        "or False:",
        tests=(
            f"{DATA_API}::test_a_target_that_was_never_renamed_keeps_its_data_api_all_the_time",
        ),
    ),
    Mutant(
        "the Data API that a cluster had, where AWS does not show it after a rename",
        "chalicelib/target/extras.py",
        "if not is_shown and not had_it:",
        "if not is_shown:",
        tests=(
            f"{DATA_API}::test_a_swap_that_rolls_back_by_itself_leaves_the_data_api",
            f"{DATA_API}::test_a_target_that_people_go_back_to_has_its_data_api",
        ),
    ),
    Mutant(
        "the writer without its key of Performance Insights, where that cannot be used",
        "chalicelib/target/cluster.py",
        '    "KMSKeyNotAccessibleFault": (INSIGHTS_KEY,),\n',
        "",
        tests=(
            "swap/test_insights_keys.py::test_a_key_that_is_disabled_after_the_decision_ends_nothing",
        ),
    ),
    Mutant(
        "what would refuse a deletion, before a protection is lifted for it",
        "chalicelib/steps/delete_rds.py",
        "    if is_first:\n        _check_once_more(operation, ports, cluster, old)\n"
        "    if wait := deletion.prepare(cluster, instances, old):\n        return wait\n",
        "    if wait := deletion.prepare(cluster, instances, old):\n        return wait\n"
        "    if is_first:\n        _check_once_more(operation, ports, cluster, old)\n",
        tests=(
            "swap/test_lifted_protection.py::test_a_deletion_that_is_refused_lifts_no_protection",
        ),
    ),
)
