"""Simulated audits: how often verdicts err, and how often they find what is there."""
