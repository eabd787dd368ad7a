"""Python, read with LibCST."""
