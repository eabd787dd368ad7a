"""What a compiler sees in C and C++, by the commands of a compile_commands.json (with libclang)."""
