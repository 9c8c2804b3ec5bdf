"""The paths of the stage's SSM parameters: of its plans, and of the pointers to their targets."""

PLANS = "plans"  # the folder of what people set for a plan
POINTERS = "pointers"  # the folder of what the app writes: where each plan's target is


def of_stage(stage: str) -> str:
    """Give the path of a stage's parameters; prod's have no stage in their name."""
    return "/aurora-restore/" if stage == "prod" else f"/aurora-restore/{stage}/"


def of_pointers(stage: str, plan: str) -> str:
    """Give the path of the parameters that say where a plan's target is."""
    return f"{of_stage(stage)}{POINTERS}/{plan}/"
