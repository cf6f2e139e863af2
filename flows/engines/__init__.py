"""Where a study runs: worker processes of this machine, or a Dask cluster."""
