"""Derived relations: what the tables imply but do not say, such as whose an account is.

Schema tables (as unbound ibis expressions) and people come in; expressions that the engine compiles go out.
"""
