"""The operator's command line and its pages: clients of AWS, or of localaws, that are never deployed."""

from programs import begin

begin()
