"""Where the work of a command is done: in this process, as a SLURM job array, or on Ray."""
