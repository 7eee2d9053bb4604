"""Access to storage: paths, staged files, table logs, and the fence by which a run's claim protects its commits."""
