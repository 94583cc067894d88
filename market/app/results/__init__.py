"""What a run leaves: tables, manifest, certificate, the folder that holds them."""
