"""Write claims as a foreign table would have them: its dates, codes, letters, amounts, and what stands for nothing."""
