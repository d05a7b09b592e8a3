"""A survey: the whole model at once, crops of all classes on pictures of all classes."""
