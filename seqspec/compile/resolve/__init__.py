"""Tree to tree: ``extends``, profiles, ``--set`` and ``${…}`` applied."""
