"""The commands of `scaffold-port`, one per file."""
