"""The command line: one module for each command, with its flags, its messages and its exit code."""
