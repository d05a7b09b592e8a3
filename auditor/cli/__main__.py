"""`python -m auditor.cli`: the same as `auditor`."""

from auditor.cli import main

main()
