"""Find out whether synthetic rows make a model better, and ship the mix that really does."""

from importlib.metadata import version

__version__ = version("realmix")
