"""What writes the generated pages, and what measures the code. Never deployed."""

from aurora_restore.process.startup import begin

begin()
