"""Routes for operators: health, readiness, metrics."""
