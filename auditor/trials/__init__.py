"""Pasting patches onto pictures and counting what the model calls them."""
