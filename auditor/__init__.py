"""auditor: which visible features, pasted into a picture, push an image classifier from one class to another."""

__version__ = "0.1.0"
