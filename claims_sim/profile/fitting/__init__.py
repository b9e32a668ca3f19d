"""What a fit learns beside conditional tables: amounts, calendar and lists of secondary diagnoses."""
