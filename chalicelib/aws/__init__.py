"""AWS as values, and the only code that calls botocore.

- client, error_remedies: calls of a service, with its errors sorted into those of `flow`
- rds, kms, secrets: what these services describe
- statuses, stale_answers: what a status means, and for how long an answer may be out of date
- pointer_places: the secret, parameters and record that say where a target is

May import: flow.
"""
