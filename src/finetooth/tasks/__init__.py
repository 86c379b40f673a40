"""One file a task. A file that binds ``TASK`` is found; nothing else is edited."""
