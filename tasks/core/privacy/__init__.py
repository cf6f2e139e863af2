"""Privacy of synthetic rows: attacks on them, the power of these attacks, and what an attacker gains."""
