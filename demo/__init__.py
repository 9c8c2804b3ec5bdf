"""The demo: `python -m demo` watches one nightly snapshot become a fresh staging cluster, and looks for itself.

It starts `python -m demo.up` as another process and is a client from then on: boto3 and
PostgreSQL, nothing else. The folder `up` is that other process.
"""

from programs import begin

begin()
