"""Due work: timers, service tasks, messages between instances, timed starts."""
