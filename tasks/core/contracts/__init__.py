"""What every plug-in offers, and the registries that find plug-ins."""
