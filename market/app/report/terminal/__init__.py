"""Pages for a terminal of any width and any letters: the screen, tables that are split by its width, numbers."""
