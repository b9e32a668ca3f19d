"""The language model: weights, the local server and the client. Knows prompts and answers as text, nothing of claims."""
