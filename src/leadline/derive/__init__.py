"""Derived relations: what the tables imply but do not say, such as whose an account is. Pure functions and expressions."""
