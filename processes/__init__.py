"""Process packs. Each folder is one pack, loaded through the entry point group `flowledger.packs`."""
