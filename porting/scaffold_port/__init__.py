"""`scaffold-port`: analyses, rewrites and tracks ports of existing programs."""
