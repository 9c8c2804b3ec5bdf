"""aurora-restore: everything that runs in Lambda."""
