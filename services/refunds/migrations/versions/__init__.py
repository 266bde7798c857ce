"""One file per change: number = revision = file name."""
