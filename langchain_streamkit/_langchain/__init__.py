"""Between events and LangChain: chunks, protocol events, messages, tools."""
