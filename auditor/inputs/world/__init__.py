"""Small rendered image worlds with a planted shortcut, and the networks trained on them; auditing them is elsewhere."""
