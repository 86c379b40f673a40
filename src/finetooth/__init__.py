"""finetooth: go over your data with a fine-tooth comb, then fine-tune.

Nothing heavy is imported here; each stage is a module: ``finetooth.readers.load``,
``finetooth.checks.run``, ``finetooth.train.train``, ``finetooth.evaluate.evaluate``.
"""

__version__ = "0.1.0"
