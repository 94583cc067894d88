"""What `import market` offers to scripts and notebooks: what belongs here is called from Python by people."""
