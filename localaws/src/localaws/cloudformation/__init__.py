"""CloudFormation: templates evaluated, stacks made through AWS's own API, or rolled back.

`http.py` is the API, `stacks.py` and `changesets.py` what it is about. A template is read
(`template.py`), its functions evaluated (`evaluation.py`), a definition checked as a whole
(`stack_definition.py`), planned (`planning.py`) and performed (`operations.py`), type by type
(`resource_types/`). It reaches the other services by boto3 alone.

moto's own is not used. It skips types that it does not know and says CREATE_COMPLETE, drops
properties silently, and knows neither rollbacks nor conditions that change. Here a type or
property that would not be honoured is refused.
"""

from localaws.cloudformation.http import CloudFormation
from localaws.cloudformation.stacks import AllStacks

__all__ = ["AllStacks", "CloudFormation"]
