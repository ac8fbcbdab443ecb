"""Samples that rounds share: how sure a mean is of samples that none has seen."""
