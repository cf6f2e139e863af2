"""The command line: commands, checks of their arguments, and what they print."""
