"""Commands: one module per verb. `Experiment` turns configuration into objects; jobs take it."""
