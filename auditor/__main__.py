"""`python -m auditor`: the same as `auditor`."""

from auditor.cli import main

main()
