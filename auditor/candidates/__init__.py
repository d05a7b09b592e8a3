"""Candidate patches: where they come from, what they show, how they are screened, and their matched controls."""
