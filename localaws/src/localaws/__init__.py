"""AWS on this machine: what `make demo` and `make up` run the app against, and what the tests trust. Never deployed."""

from programs import begin

begin()
