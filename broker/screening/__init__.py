"""The rules that a message must satisfy beyond its types before it counts."""
