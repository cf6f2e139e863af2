"""Everything that is not pure: worker processes, cache, disk, database and object stores."""
