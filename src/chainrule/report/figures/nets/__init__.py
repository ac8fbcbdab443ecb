"""Figures of nets: layers, parameters, activations, and what a net says over a plane."""
