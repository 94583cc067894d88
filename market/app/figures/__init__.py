"""The figures of a run and of studies, drawn with Matplotlib from tables."""
