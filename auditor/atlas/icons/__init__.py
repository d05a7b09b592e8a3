"""Feature inversion: pictures that a layer answers to in a wanted direction. What to render is decided elsewhere."""
