"""Bytes to values and back, one file per subject: channel messages, files, signatures. No I/O."""
