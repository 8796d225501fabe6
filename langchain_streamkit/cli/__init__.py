"""The command line: ``streamkit COMMAND``, or ``python -m langchain_streamkit.cli``."""
