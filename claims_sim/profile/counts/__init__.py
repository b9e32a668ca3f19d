"""Count persons per cell, learn what depends on what, and release what may be told of it."""
