"""Routes that take pushed rows and runs, and the batching of them."""
