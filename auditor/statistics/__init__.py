"""Intervals, paired tests, multiplicity and resampling: numbers in, numbers out; what they mean is said elsewhere."""
