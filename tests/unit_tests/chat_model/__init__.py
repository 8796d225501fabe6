"""The model as its users meet it, on real HTTP."""
