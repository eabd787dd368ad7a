"""Analyses, rewrites and tracks ports of existing programs to services."""

__version__ = "0.1.0"
