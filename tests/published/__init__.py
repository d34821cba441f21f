"""What leaves the product, and what it reads of the answers, held against what the tools publish of their APIs."""
