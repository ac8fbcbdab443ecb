"""What is fast and ugly: functions on tensors that the layers stand on."""
