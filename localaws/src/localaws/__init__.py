"""AWS on this machine: moto's server with our own Aurora, EventBridge, Lambda and IAM in it.

`server.py` puts the parts together, one module a service (`*_http.py` where it speaks HTTP). Four
folders are models of their own: `aurora` (imports none of the others), `postgres` (the data behind
a cluster), `iam`, `cloudformation`. `sample` is a production to restore from. `foreground.py` and
`startup.py` run it all for `localaws up` and for whoever adds an application to it.

It is a distribution of its own and imports nothing of the app that is tested in it.
"""

import sys

from localaws.failures import explain_failures
from localaws.loopback import keep_loopback_direct

__version__ = "0.1.0"

_LOOKED_UP = "-m"  # what Python writes in place of a program's name while it looks the module up


def prepare_process() -> None:
    """Report errors in sentences, and keep loopback off proxies, in a process of ours."""
    keep_loopback_direct()
    explain_failures()


# `python -m localaws` imports this package first: the imports that follow take seconds, and an
# error or a Ctrl-C in them is reported as well. Whoever else imports the package is left alone.
if sys.argv[:1] == [_LOOKED_UP]:
    prepare_process()
