"""Servers and processes of this machine: settings, `realmix up`, and runs whose process died."""
