"""What lies in a run directory, how it is read, and what must hold before a run goes on."""
