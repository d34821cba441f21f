"""Routes for whoever runs the server: health, readiness, figures for Prometheus, and the OpenAPI document."""
