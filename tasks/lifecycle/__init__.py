"""Steps for registered tables: land and admit batches, measure drift, refit, compare, promote, notify."""
