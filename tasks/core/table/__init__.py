"""Data cards, schemas, rules and checks of one table."""
