"""What is in a home and whether it is sound: tables, sources, jobs, disk, integrity, and data that looks wrong."""
