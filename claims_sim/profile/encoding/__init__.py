"""A source as small integers, with the claims of facilities that may not be told apart dealt out among alike ones."""
