"""Moving pictures of the page: SVG as text, quick enough for ten a second."""
