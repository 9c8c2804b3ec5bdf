"""CloudFormation: templates evaluated, stacks made through AWS's own API, or rolled back.

moto's own is not used. It skips types that it does not know and says CREATE_COMPLETE, drops
properties without a word, and knows neither rollbacks nor conditions that change. Here a type or
property that would not be honoured is refused.
"""

from localaws.cloudformation.http import CloudFormation
from localaws.cloudformation.stacks import AllStacks

__all__ = ["AllStacks", "CloudFormation"]
