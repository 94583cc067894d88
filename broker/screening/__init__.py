"""What a message must satisfy beyond its types."""
