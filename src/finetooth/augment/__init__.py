"""Examples in, more examples out: labels move with the text, and nothing that breaks a check is kept.

``edit``: a text as pieces, and labels carried over. ``view``: entities, fixed spans, sentences. ``swap``,
``order``, ``fill``, ``paraphrase``: the methods. ``run``: cleaning, trying, checking, counting.
"""
