"""Where the source of a program comes from: one file per kind of place."""
