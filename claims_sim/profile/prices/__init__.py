"""Find price lists behind amounts: bases of cases, what multiplies and what is added to them, how they are rounded."""
