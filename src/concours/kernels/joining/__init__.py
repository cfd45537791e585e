"""Several models' predictions made one: weights, selections, calibration, decisions."""
