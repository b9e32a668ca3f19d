"""Read a foreign table: its mapping file, its dates, codes and amounts, and what is odd or missing in it."""
