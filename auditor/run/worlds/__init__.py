"""The benchmark of planted worlds: networks trained and cached, and the whole auditor run blind on them."""
