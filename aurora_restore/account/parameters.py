"""A stage's SSM parameters, by what follows its path: as they are, and as they will be."""

import re
from collections.abc import Mapping
from typing import Final

from aurora_restore.stages import Stage

PARAMETERS: Final = {
    "source-cluster-id": "SOURCE_CLUSTER_ID",
    "source-region": "SOURCE_REGION",
    "target-cluster-id": "TARGET_CLUSTER_ID",
    "target-region": "TARGET_REGION",
    "kms-key-id": "KMS_KEY_ID",
}
"""The parameters that the foundation makes, with the setting that each holds."""

_SOURCE_REGION: Final = re.compile(r"(plans/[^/]+/)?source-region")


def planned_parameters(stage: Stage, parameters: Mapping[str, str]) -> dict[str, str]:
    """Give the parameters as a deployment leaves them: it sets those of the foundation anew."""
    kept = {name: value for name, value in parameters.items() if name not in PARAMETERS}
    return kept | {
        name: stage.variables[setting]
        for name, setting in PARAMETERS.items()
        if setting in stage.variables
    }


def source_regions(stage: Stage, parameters: Mapping[str, str]) -> list[str]:
    """List the regions other than the stage's own that some plan has its source in."""
    named = {value for name, value in parameters.items() if _SOURCE_REGION.fullmatch(name)}
    return sorted(named - {stage.region})
