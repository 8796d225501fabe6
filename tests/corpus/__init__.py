"""Every recording of a folder, played to the model in every way: ``make corpus``."""
