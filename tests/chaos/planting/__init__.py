"""Not imported: Python runs the module beside this one at the start of a process whose PYTHONPATH names this folder."""
