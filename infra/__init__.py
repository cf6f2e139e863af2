"""Files for production: container image, Compose, Kubernetes, constraints, and Prefect's deployments."""
