"""Known shortcuts planted in copies of the audited model, and the whole audit run blind on each."""
