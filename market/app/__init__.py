"""What people meet: command line, run folders, reports, the page in a browser. Only the front door imports it."""
