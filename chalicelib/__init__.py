"""aurora-restore: everything that runs in Lambda.

- `lambdas` has the entry points; `ports` what an invocation uses outside of the app; `settings` the
  settings; `observability` the logs and metrics.
- The folders follow the parts of a restore. Each may import only those before it: `flow`, `aws` and
  `database`, `records` and `snapshots`, `messages`, `target`, `steps`, `runtime`.
"""
