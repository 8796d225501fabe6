"""One LangChain chat model for every OpenAI-compatible server.

How a chunk travels, from the socket to you::

    _http        bytes of the response             the only I/O
      _wire      bytes -> events                   no I/O, no clock, no LangChain
      _resilience  retry? how long? give up?       pure decisions, a clock is passed in
    _langchain   events -> AIMessageChunk          and v3 protocol events
    chat_models  ChatStreamKit._stream, _astream   what you import

Names without an underscore are yours to import; the others are machinery.
"""
