"""Events to similar videos and candidates on the engine: the mathematics of `creatorpool.recommend`, a part a task."""
