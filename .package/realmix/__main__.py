"""``python -m realmix``: the command line."""

from realmix.flows.terminal.cli import main

main()
