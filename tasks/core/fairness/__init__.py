"""Whether a mix treats the groups of sensitive columns less alike than real rows alone, and what would mend it."""
