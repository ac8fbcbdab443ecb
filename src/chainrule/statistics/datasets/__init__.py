"""Arms over several data sets: ranks, and what is probable on a data set still to come."""
