"""Pictures: listing, reading, class mapping, near-duplicates, splitting and annotations; knows nothing of the model."""
