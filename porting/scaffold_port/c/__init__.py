"""C and C++, read with tree-sitter."""
