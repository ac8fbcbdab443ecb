"""What figures of nets show: layers, parameters, activations, outputs over a plane."""
