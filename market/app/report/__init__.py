"""Reports for people: HTML pages of runs and studies, and the summary in the terminal."""
