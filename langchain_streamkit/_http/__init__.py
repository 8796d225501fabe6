"""The only input and output: clients, requests, and the two shells that read."""
