"""Where exports of snapshots go: the port to S3 and IAM, and a world that has neither."""

from dataclasses import dataclass
from typing import Protocol

from localaws.aurora.errors import not_modelled


@dataclass(frozen=True)
class Destination:
    """Where one export is written, by which role, under which key; `folder` is the task's own."""

    account: str
    region: str
    source_arn: str
    bucket: str
    folder: str
    role_arn: str
    key_arn: str


class StorageError(RuntimeError):
    """A file of an export could not be kept; the text says which and why."""


class ExportStorage(Protocol):
    """Buckets and the roles that may write to them."""

    def check(self, where: Destination) -> None:
        """Raise RdsError unless the bucket is in the region and the role may write there."""

    def write(self, where: Destination, name: str, content: bytes) -> None:
        """Keep a file under its name in the task's folder; raise StorageError."""


class NoBuckets:
    """A world without S3: nothing is kept there, and whoever asks is told so."""

    def check(self, where: Destination) -> None:
        """Refuse."""
        del where
        raise not_modelled("StartExportTask in a world without S3")

    def write(self, where: Destination, name: str, content: bytes) -> None:
        """Nothing gets here: the check refuses first."""
        raise StorageError(f"{name} has no bucket {where.bucket} to go to ({len(content)} bytes).")
