"""What executions cost: list prices, the units that AWS bills, and what rivals would charge for the same work."""
