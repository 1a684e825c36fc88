"""What the figures of studies show: one file per figure computes it and has it drawn."""
