"""What a program's ELF files say about its sockets. No program is ever run."""
