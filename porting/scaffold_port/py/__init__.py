"""Python, read with tree-sitter."""
