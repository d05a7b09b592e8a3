"""What is measured, one folder a subject; each script says what it claims, and is started with `python -m`."""
