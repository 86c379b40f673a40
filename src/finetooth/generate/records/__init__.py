"""One file a kind of record: what is drawn, in which words it is told, what can be asked about it."""
