"""Evidence: canonical bytes and hash chain of records, the transition that both live work and re-execution use, and replay."""
