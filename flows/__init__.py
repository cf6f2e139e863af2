"""The Prefect flows, their deployments, and the programs that start them."""
