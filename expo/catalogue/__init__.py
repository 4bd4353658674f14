"""What is shown: expos, delegations, exhibitors and products. Nothing that happens live."""
