"""How what is paid follows from what is claimed."""
