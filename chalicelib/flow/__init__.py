"""The flow of a restore as values; nothing here has effects.

- choreography, rds_event_ids: the table of states, and the events of RDS that it knows
- operation, facts, outcome, older_records: the record of a restore, and what a step returns
- retirement: the record of the deletion of a previous target
- plan, setting_definitions, setting_problems, parameter_paths: what to restore to where, by which
  settings, and where SSM has them
- baseline, target_spec, not_carried, engine_versions: what the old target was like, and the new one
  is to be
- quiesce_kinds, exposure: what to stop on the copy, and the exposure of passwords
- identifiers, cluster_names: the names of what the app makes
- ownership, extra_tags: our tags, and those of the setting
- timestamps, text_limits, untrusted_text: texts
- errors, polling: the errors of steps, and the length of waits

May import: nothing.
"""
