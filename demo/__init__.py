"""The demo: it watches a nightly snapshot become a fresh staging cluster, and inspects the result.

`scenario` is its course from top to bottom, and `run` ends what it started. It starts `demo.up` as
another process and is a client from then on, by boto3 and SQL. It may import `aurora_restore`, and
neither the app nor localaws; only the folder `up` does.
"""

from aurora_restore.process.startup import begin

begin()
