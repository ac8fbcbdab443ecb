"""Looking at nets: gradients checked by finite differences, summaries."""
