"""What AWS documents nowhere, or has changed: whoever makes a model chooses, to try all of it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Choices:
    """How this AWS is where nobody outside knows how the real one is.

    `rename_event_source` is the name of a renamed cluster that event 0172 is filed under.
    `copy_of_aws_owned` says whether the copy of a snapshot under a key that AWS owns takes a key,
    needs one across regions, or refuses one. `encrypts_by_default` puts new clusters that name no
    key under such a key, as AWS does since 2026-02-18; without it they are as those from before.
    `shows_data_api_after_rename` says whether HttpEndpointEnabled stays true for a renamed cluster,
    whose Data API works only after it was disabled and enabled (user guide, renaming).
    """

    rename_event_source: Literal["old", "new"] = "new"
    copy_of_aws_owned: Literal["takes", "needs", "refuses"] = "needs"
    encrypts_by_default: bool = False
    shows_data_api_after_rename: bool = True
