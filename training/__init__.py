"""The small models that ship with Parley, and the programs that train them."""
