"""What a run can be exported to, one file a target: the folder listing is the list of ``--to``."""
