"""All rows, in the order in which the documentation lists them.

Strategy: one file for each kind of server, and one rule for what nobody documents.
Where it is not known whether a server reads OpenAI's newer word for something or
the older one, the row says the word whose failure is loud: a server that does not
know ``max_completion_tokens`` ignores it in silence, and the bound is lost, while
one that does not know ``max_tokens`` says so.
"""

from __future__ import annotations

from langchain_streamkit.providers._chinese_makers import CHINESE_MAKERS
from langchain_streamkit.providers._clouds import CLOUDS
from langchain_streamkit.providers._gateways import GATEWAYS
from langchain_streamkit.providers._hosted import HOSTED
from langchain_streamkit.providers._local import LOCAL
from langchain_streamkit.providers._makers import MAKERS

__all__ = ["ROWS"]

ROWS = (*MAKERS, *CHINESE_MAKERS, *HOSTED, *CLOUDS, *GATEWAYS, *LOCAL)
