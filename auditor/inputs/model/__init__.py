"""The classifier under audit: its device, its classes, what it does to a picture, its layers."""
