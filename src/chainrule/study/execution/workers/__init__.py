"""Between the process that gives work out and a worker: what travels, and who refuses what."""
