"""What writes the generated pages, and what measures the code. Never deployed."""

from programs import begin

begin()
