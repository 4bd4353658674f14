"""What operators look at: health, metrics, drain, doctor. Reads every plane and changes none."""
