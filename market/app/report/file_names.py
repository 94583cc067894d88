"""What the files are called that `--figures` and `--report` add to a run folder."""

from typing import Final

FIGURES: Final = "figures"
REPORT: Final = "report.html"
