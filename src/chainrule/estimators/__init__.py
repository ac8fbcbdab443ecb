"""One net on somebody's data: from samples as they were read to a fitted predictor."""
