"""`python -m claims_sim.cli` is `claims-sim`."""

from claims_sim.cli import main

main()
