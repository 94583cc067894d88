"""What a run leaves: tables, manifest, certificate, and the folder that holds them; written here and read here."""
