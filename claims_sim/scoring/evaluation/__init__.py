"""How well scores tell anomalies from clean claims. Takes scores and labels as tables; makes neither, reads no truth file."""
