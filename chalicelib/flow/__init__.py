"""The flow of a restore as values; nothing here has effects.

- choreography, rds_events: the table of states, and the events of RDS that it knows
- operation, facts, outcome, older_records: the record of a restore, and what a step returns
- plan, setting_problems, quiesce_kinds: what to restore to where, and what to stop on the copy
- identifiers, ownership, timestamps, limits, untrusted_text: names, tags and texts
- errors, polling, exposure: the errors of steps, the length of waits, the exposure of passwords

May import: nothing.
"""
