"""Pure computation: tables, splits, mixes, scores, plans, decisions and reports, without input or output."""
