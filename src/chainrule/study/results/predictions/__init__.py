"""What the kept predictions of nets say, alone and averaged."""
