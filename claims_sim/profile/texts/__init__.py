"""Which texts of a source may be told: codes, labels, categories; never what may name or identify a person."""
