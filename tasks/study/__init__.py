"""Steps of a study, in the order in which a flow runs them; each reads and writes the study's folder."""
