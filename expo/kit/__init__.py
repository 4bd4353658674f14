"""Tools of any long-running process: tasks, queues, logging, child processes. Nothing here knows the product."""
