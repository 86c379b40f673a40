"""An encoder of our own, in pieces small enough to read: positions, attention, blocks, model, tokenizer, transplant.

After ``register()``, which everything in finetooth that loads a model calls, ``AutoModel.from_pretrained(FOLDER)``
and its like load what was saved here as they load any model, without running code from the folder.
"""

from __future__ import annotations

from functools import cache


@cache
def register() -> None:
    """Tells transformers' Auto classes which of ours goes with which of them; once."""
    import transformers as t

    from finetooth.models.scratch import model
    from finetooth.models.scratch.configuration import EncoderConfig

    t.AutoConfig.register(EncoderConfig.model_type, EncoderConfig)
    t.AutoTokenizer.register(EncoderConfig, fast_tokenizer_class=t.PreTrainedTokenizerFast)
    for auto, ours in (
        (t.AutoModel, model.Encoder),
        (t.AutoModelForMaskedLM, model.EncoderForMaskedLM),
        (t.AutoModelForPreTraining, model.EncoderForMaskedLM),
        (t.AutoModelForQuestionAnswering, model.EncoderForQuestionAnswering),
        (t.AutoModelForSequenceClassification, model.EncoderForSequenceClassification),
        (t.AutoModelForTokenClassification, model.EncoderForTokenClassification),
    ):
        auto.register(EncoderConfig, ours)
