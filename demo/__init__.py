"""The demo: `python -m demo` watches one nightly snapshot become a fresh staging cluster, and looks for itself.

It starts `python -m localaws up` as another process and is a client from then on: boto3 and
PostgreSQL, nothing else.
"""

from programs import begin

begin()
