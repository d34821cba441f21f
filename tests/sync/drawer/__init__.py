"""A forge that does not exist, as a newcomer would add it: all that the product must be told of one is in this folder."""
