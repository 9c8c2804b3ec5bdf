"""What AWS asks for what is counted: one table, with region, date and source of each price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "March 2026"
REGION: Final = "us-west-2"
DAYS_PER_MONTH: Final = 30
MEMORY_GB: Final = 0.25  # .chalice/config.json: lambda_memory_size 256 of each function


@dataclass(frozen=True)
class Price:
    """The list price of one unit, in dollars, without any free tier."""

    dollars: float
    unit: str
    source: str


PRICES: Final[Mapping[str, Price]] = {
    "requests": Price(0.20 / 1e6, "Lambda request", "aws.amazon.com/lambda/pricing"),
    "seconds": Price(
        0.0000166667 * MEMORY_GB,
        "Lambda second at 256 MB, x86, billed per ms, INIT included (since August 2025)",
        "aws.amazon.com/lambda/pricing",
    ),
    "write units": Price(
        0.625 / 1e6, "DynamoDB write request unit, on demand", "aws.amazon.com/dynamodb/pricing"
    ),
    "read units": Price(
        0.125 / 1e6, "DynamoDB read request unit, on demand", "aws.amazon.com/dynamodb/pricing"
    ),
    "events": Price(
        1.00 / 1e6, "EventBridge custom event of 64 KB", "aws.amazon.com/eventbridge/pricing"
    ),
    "transitions": Price(
        0.025 / 1e3,
        "Step Functions state transition, standard",
        "aws.amazon.com/step-functions/pricing",
    ),
    "sns": Price(0.50 / 1e6, "SNS request", "aws.amazon.com/sns/pricing"),
    "kms": Price(0.03 / 1e4, "KMS request", "aws.amazon.com/kms/pricing"),
    "secretsmanager": Price(
        0.05 / 1e4, "Secrets Manager request", "aws.amazon.com/secrets-manager/pricing"
    ),
    "log GB": Price(0.50, "CloudWatch Logs, GB taken in", "aws.amazon.com/cloudwatch/pricing"),
    "metric months": Price(
        0.30, "CloudWatch custom metric, a month", "aws.amazon.com/cloudwatch/pricing"
    ),
    "instance hours": Price(
        0.26,
        "hour of a db.r6g.large, Aurora Standard, on demand",
        "aws.amazon.com/rds/aurora/pricing",
    ),
    "GB hours": Price(
        0.10 / (24 * DAYS_PER_MONTH),
        "hour of a GB of Aurora Standard storage, $0.10 a month",
        "aws.amazon.com/rds/aurora/pricing",
    ),
}
# Calls of RDS, EC2, Route 53 and SSM's standard parameters cost nothing. What Aurora itself costs
# is the same for all who delete first; a second cluster is priced by the hours for which it stands.


def dollars(counted: Mapping[str, float]) -> float:
    """Price what was counted, by the names of the table; what has no price costs nothing."""
    return sum(PRICES[what].dollars * number for what, number in counted.items() if what in PRICES)
