"""Writing a run for other runtimes; each target is run and compared with the run before it is called done."""
