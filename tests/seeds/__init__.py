"""Five documents on streaming of other projects, held to what they say.

``documents`` finds and reads them, ``rows`` runs their blocks of code, and each of the
other modules is the table of one document.
"""
