"""Changes source: edits of byte ranges, so that everything between them stays as it is."""
