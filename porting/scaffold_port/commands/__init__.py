"""The subcommands of `scaffold-port`, one file each."""
